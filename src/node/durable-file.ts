/**
 * Files that appear whole and stay. A file is written beside its place and synced; then it gets its name, and its folder
 * is synced. A power cut before a function returns leaves the old file or the new one; after it, the new one. A crash may
 * leave a temporary file, whose name ends in `.tmp`.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { constants, link, mkdir, open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DamagedStoreError, messageOf } from '../errors.js';
import { hasCode } from './system-error.js';

/** The names that `withTemporary` makes. */
const TEMPORARY_NAME = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

export interface FileOptions {
  /** Permissions, less those in the umask of the process. Default 0o644. */
  readonly mode?: number;
  /** The folder in which the file is written; on the same file system. Default: the file's own folder. */
  readonly temporaryIn?: string;
}

/**
 * Creates a file. Two fsyncs.
 * @returns false, and nothing changed, where there is a file of that name already.
 * @throws the system's error; DamagedStoreError as `changeNames`.
 */
export function createFile(
  file: string,
  content: Uint8Array | string,
  options: FileOptions = {},
): Promise<boolean> {
  return writeDurably(file, content, options, async (temporary) => {
    try {
      await link(temporary, file);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  });
}

/**
 * Writes a file, and replaces the one that is there, if any. Two fsyncs.
 * @throws the system's error, and then the old file is there as it was; DamagedStoreError as `changeNames`.
 */
export function replaceFile(
  file: string,
  content: Uint8Array | string,
  options: FileOptions = {},
): Promise<void> {
  return writeDurably(file, content, options, (temporary) => rename(temporary, file));
}

/**
 * Writes a file as `replaceFile` does, but syncs nothing: for what may be lost or damaged, and is checked when it is read.
 * @throws the system's error.
 */
export function replaceTransientFile(file: string, content: Uint8Array): Promise<void> {
  return withTemporary(dirname(file), async (temporary) => {
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, file);
  });
}

/**
 * Writes a file under a name that nobody reads yet, and syncs its bytes but not its name.
 * @throws the system's error, EEXIST where there is a file of that name; DamagedStoreError where the disk fails.
 */
export async function writeSynced(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(content);
    await syncBytes(handle, file);
  } finally {
    await handle.close();
  }
}

/**
 * Writes over a file that a user named, where it is: also through a link, and into a device or a pipe; or makes the file.
 * A crash may leave a part of the content. Once this returns, the bytes of a regular file are synced, and so is the name
 * of a new file.
 * @throws the system's error; DamagedStoreError where the disk fails.
 */
export async function overwriteFile(file: string, content: Uint8Array | string): Promise<void> {
  try {
    await writeOver(file, content, constants.O_WRONLY | constants.O_TRUNC);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await changeNames(dirname(file), () => writeOver(file, content, 'w'));
  }
}

async function writeOver(file: string, content: Uint8Array | string, flags: string | number): Promise<void> {
  const handle = await open(file, flags);
  try {
    await handle.writeFile(content);
    // Devices and pipes have nothing to sync, and say so with an error.
    if ((await handle.stat()).isFile()) await syncBytes(handle, file);
  } finally {
    await handle.close();
  }
}

function syncBytes(handle: FileHandle, file: string): Promise<void> {
  return handle.sync().catch((error: unknown) => {
    // On a full disk this file is given up, and a later try writes bytes of its own. On a failing disk a later fsync
    // could succeed though the bytes are lost.
    throw hasCode(error, 'EIO') ? notDurable(file, error) : error;
  });
}

/**
 * Runs `change`, which changes names in a folder, and makes the change durable. The folder is opened before the change:
 * the system reports an error of writing back only to a process that had the folder open when it happened.
 * @throws any error of `change`; DamagedStoreError where the fsync fails: the system may have dropped what it could not
 *   write, so that a second fsync would succeed and prove nothing.
 */
export async function changeNames<T>(folder: string, change: () => Promise<T>): Promise<T> {
  const handle = await open(folder);
  try {
    const changed = await change();
    await handle.sync().catch((error: unknown) => {
      // Some file systems have no fsync for folders. These codes say so, and are no sign of a loss.
      if (!hasCode(error, 'EINVAL') && !hasCode(error, 'EBADF')) throw notDurable(folder, error);
    });
    return changed;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder, and the missing ones above it, each durable in the folder above. A folder that is there already is
 * fine, even where this process may not read the folder above.
 * @param mode permissions of the folders that are made, less those in the umask.
 * @throws the system's error, EEXIST where a file has the name; DamagedStoreError as `changeNames`.
 */
export function createFolder(folder: string, mode = 0o777): Promise<void> {
  return withFoldersAbove(folder, (each) => makeInParent(each, mode));
}

/**
 * Makes a folder, and the missing ones above it, and syncs none of them: for what may be lost. A folder that is there
 * already is fine.
 * @throws the system's error, EEXIST where a file has the name.
 */
export function createTransientFolder(folder: string): Promise<void> {
  return withFoldersAbove(folder, (each) => mkdirUnlessThere(each, 0o777));
}

/**
 * Makes a folder by `make`, after the folders above it where they are missing. Each is tried twice at most: Node's own
 * recursive mkdir never returns where the system says ENOENT for a name in a folder that exists, as below /proc.
 */
async function withFoldersAbove(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  try {
    await make(folder);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(folder) === folder) throw error;
    await withFoldersAbove(dirname(folder), make);
    await make(folder);
  }
}

async function makeInParent(folder: string, mode: number): Promise<void> {
  try {
    // Sync the folder above even where this one is there: the process that made it may have died before its own sync.
    await changeNames(dirname(folder), () => mkdirUnlessThere(folder, mode));
  } catch (error) {
    // A user who may not read a folder cannot sync it. The one who made this folder in it has synced it.
    if (!hasCode(error, 'EACCES') || !(await isFolder(folder))) throw error;
  }
}

async function mkdirUnlessThere(folder: string, mode: number): Promise<void> {
  await mkdir(folder, { mode }).catch(async (error: unknown) => {
    if (!(await isFolder(folder))) throw error;
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Whether this is the name of a file that these functions had not finished when their process died. */
export function isTemporary(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

/** Writes a file beside its place, and then has `name` give it its name, all durable. */
function writeDurably<T>(
  file: string,
  content: Uint8Array | string,
  { mode = 0o644, temporaryIn = dirname(file) }: FileOptions,
  name: (temporary: string) => Promise<T>,
): Promise<T> {
  return withTemporary(temporaryIn, async (temporary) => {
    await writeSynced(temporary, content, mode);
    return changeNames(dirname(file), () => name(temporary));
  });
}

/** Runs `use` with the name of a temporary file in a folder. No file of that name is left behind. */
async function withTemporary<T>(folder: string, use: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    return await use(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

function notDurable(path: string, error: unknown): DamagedStoreError {
  return new DamagedStoreError(
    `the disk could not keep what was written to ${path} (${messageOf(error)}). Check the disk, and start again when it is sound`,
    { cause: error },
  );
}
