/**
 * Files that appear whole and stay: written beside their place, synced, then given their name, and the name synced in
 * its folder. A power cut leaves the old file or the new one, and after these functions return only the new one. A
 * crash may leave a temporary file, whose name ends in `.tmp`.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DamagedStoreError, messageOf } from '../errors.js';
import { hasCode } from './system-error.js';

/** The names that `withTemporary` gives. */
const TEMPORARY_NAME = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

export interface FileOptions {
  /** Permissions, of which the umask of the process takes some away. Default 0o644. */
  readonly mode?: number;
  /** Where the file is while it is written: a folder on the same file system. Default: the file's own folder. */
  readonly temporaryIn?: string;
}

/**
 * Creates a file. False, and nothing changed, where there is one of that name already.
 * @throws what the system says; DamagedStoreError as `changeNames`.
 */
export function createFile(
  file: string,
  content: Uint8Array | string,
  options: FileOptions = {},
): Promise<boolean> {
  return withTemporary(file, content, options, async (temporary) => {
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
 * Writes a file, and replaces the one that is there, if any.
 * @throws what the system says; DamagedStoreError as `changeNames`.
 */
export function replaceFile(
  file: string,
  content: Uint8Array | string,
  options: FileOptions = {},
): Promise<void> {
  return withTemporary(file, content, options, (temporary) => rename(temporary, file));
}

/**
 * Writes a file under a name that nobody reads yet, and syncs its bytes but not its name.
 * @throws what the system says, EEXIST where there is one; DamagedStoreError where the disk fails.
 */
export async function writeSynced(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(content);
    await handle.sync().catch((error: unknown) => {
      // Without space left the file is given up, and a later one has bytes of its own. A failing disk is another matter.
      throw hasCode(error, 'EIO') ? notDurable(file, error) : error;
    });
  } finally {
    await handle.close();
  }
}

/**
 * Does what changes names in a folder, and makes the change durable. The folder is open from before the change: the
 * system tells an error of writing back only to those who had it open when it happened.
 * @throws what `change` throws; DamagedStoreError where the fsync fails: the system may then have forgotten what it
 *   could not write, and a second fsync that succeeds would say nothing.
 */
export async function changeNames<T>(folder: string, change: () => Promise<T>): Promise<T> {
  const handle = await open(folder);
  try {
    const changed = await change();
    await handle.sync().catch((error: unknown) => {
      // Some file systems have no fsync for folders. It is no sign that they lost anything.
      if (!hasCode(error, 'EINVAL') && !hasCode(error, 'EBADF')) throw notDurable(folder, error);
    });
    return changed;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder, and those above it that are missing, each durable in the one above. One that is there is fine, also
 * where this process may not read the one above it.
 * @param mode permissions of those that are made, of which the umask takes some away.
 * @throws what the system says, EEXIST where a file has the name; DamagedStoreError as `changeNames`.
 */
export function createFolder(folder: string, mode = 0o777): Promise<void> {
  return withFoldersAbove(folder, (each) => makeInParent(each, mode));
}

/**
 * Makes a folder, and those above it that are missing, and syncs none of them: for what may be lost. One that is there
 * is fine.
 * @throws what the system says, EEXIST where a file has the name.
 */
export function createTransientFolder(folder: string): Promise<void> {
  return withFoldersAbove(folder, (each) => mkdirUnlessThere(each, 0o777));
}

/**
 * Makes a folder by `make`, and first those above it where they are missing: each is tried twice at most. The recursive
 * mkdir of Node tries for ever where the system says ENOENT in a folder that is there, as it does below /proc.
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
    // Synced also where it is there: the process that made it may have died before it was durable.
    await changeNames(dirname(folder), () => mkdirUnlessThere(folder, mode));
  } catch (error) {
    // A folder cannot be synced by a user who may not read it. Who made the folder in it has seen to that.
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

/** Whether a file of this name is one that these functions had not finished when their process died. */
export function isTemporary(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

async function withTemporary<T>(
  file: string,
  content: Uint8Array | string,
  { mode = 0o644, temporaryIn = dirname(file) }: FileOptions,
  name: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = join(temporaryIn, `.${randomUUID()}.tmp`);
  try {
    await writeSynced(temporary, content, mode);
    return await changeNames(dirname(file), () => name(temporary));
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
