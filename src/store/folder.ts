/**
 * An object store in a folder on a local file system. One writer owns it, by a lock; any number of processes may read
 * it. Network file systems are not supported: their `link` and `fsync` promise less.
 * @module
 */
import { createHash } from 'node:crypto';
import { open, readdir, rm, rmdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isImmutable, maxLengthOf, parsePath } from '../../tiles-spec/index.js';
import { DamagedStoreError, WrongFileTypeError } from '../errors.js';
import {
  createFile,
  isTemporary,
  createFolder,
  replaceFile,
  type FileOptions,
} from '../node/durable-file.js';
import { hasCode } from '../node/system-error.js';
import { isProbe, probeFolder } from './folder-probe.js';
import {
  ObjectTooLongError,
  type ObjectRange,
  type ObjectStat,
  type ObjectStore,
  type StoreObject,
} from './store.js';

const TEMPORARY = '.tmp';

const MAX_KNOWN_FOLDERS = 4096;

/** The lock by which a process owns the folder. */
export interface FolderOwner {
  /** @throws DamagedStoreError when the process has lost the lock. */
  check(): Promise<void>;
}

/**
 * A store in a folder, which is made at the first write. Files are read as they are on disk; nothing is cached.
 * @example
 * const store = new FolderStore('a-log');
 * await store.create('tile/0/000.p/1', new Uint8Array(32)); // => true
 * await store.create('tile/0/000.p/1', new Uint8Array(32)); // => false
 * (await store.read('tile/0/000.p/1')).bytes.length; // => 32
 */
export class FolderStore implements ObjectStore {
  readonly #folder: string;
  readonly #owner: FolderOwner | undefined;
  /** Folders that exist and are durable in their parents, or are being made so. */
  readonly #folders = new Map<string, Promise<void>>();
  readonly #writes = new Set<Promise<unknown>>();
  /** The error that ended all writing: a lost lock, or a disk that could not keep a write. */
  #failure: DamagedStoreError | undefined;
  /**
   * Files whose new content may not be durable yet. Reads wait until it is: nobody may act on what a power cut undoes.
   */
  readonly #replacing = new Map<string, Promise<unknown>>();
  /** The last swap. Each waits for the one before, and the lock keeps out other processes, so that a swap is atomic. */
  #swap: Promise<unknown> = Promise.resolve();

  /**
   * @param owner is asked before each write. Without it, the caller makes sure that nothing else writes to the folder.
   */
  constructor(folder: string, owner?: FolderOwner) {
    this.#folder = folder;
    this.#owner = owner;
  }

  /** Waits until no write is under way: a caller that stops waiting for a write does not stop the write. */
  async idle(): Promise<void> {
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
  }

  /**
   * Checks that the file system does everything that a log needs. Leaves no file behind.
   * @throws StartRefusedError saying what it does not do.
   */
  probe(): Promise<void> {
    return probeFolder(this.#folder);
  }

  /**
   * Removes the temporary files of a process that died. For the owner alone. Removes nothing but files named as a store
   * names its own: others may keep files in the folder, and in its `.tmp`.
   */
  async sweep(): Promise<void> {
    const temporaryIn = join(this.#folder, TEMPORARY);
    await removeFiles(temporaryIn, isTemporary);
    await rmdir(temporaryIn).catch(() => undefined);
    await removeFiles(this.#folder, isProbe);
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    // An immutable file is made read-only, against accidents. A user who may write to its folder can still delete it.
    const mode = isImmutable(parsePath(path)) ? 0o444 : 0o644;
    const file = this.#file(path);
    return this.#writing(this.#inFolders(file, mode, (options) => createFile(file, bytes, options)));
  }

  async stat(path: string): Promise<ObjectStat | undefined> {
    if (!isImmutable(parsePath(path))) {
      const object = await this.read(path);
      return object && { size: object.bytes.length, etag: object.etag };
    }
    const file = this.#file(path);
    const found = await orUndefined(stat(file));
    if (found?.isDirectory() === true) throw notAsItShouldBe(file, 'folder', 'file');
    return found && { size: found.size, etag: path };
  }

  async read(path: string): Promise<StoreObject | undefined> {
    const name = parsePath(path);
    const file = this.#file(path);
    const bytes = await withFile(file, async (handle) => {
      const { size } = await handle.stat();
      if (size > maxLengthOf(name)) throw new ObjectTooLongError(path);
      return readAt(handle, 0, size);
    });
    await this.#replacing.get(file);
    return bytes && { bytes, etag: isImmutable(name) ? path : digestOf(bytes) };
  }

  async readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    if (!isImmutable(parsePath(path))) {
      // The bytes, the size and the tag must be of one version of the object: read all of it.
      const object = await this.read(path);
      return object && { ...object, bytes: object.bytes.subarray(start, end), size: object.bytes.length };
    }
    return withFile(this.#file(path), async (handle) => {
      const { size } = await handle.stat();
      return { bytes: await readAt(handle, start, Math.min(end, size) - start), size, etag: path };
    });
  }

  async replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    const file = this.#file(path);
    const swap = this.#swap.then(async () => {
      if ((await this.stat(path))?.etag !== etag) return false;
      await this.#inFolders(file, 0o644, (options) => this.#replace(file, bytes, options));
      return true;
    });
    this.#swap = swap.catch(() => undefined);
    return this.#writing(swap);
  }

  async delete(paths: readonly string[]): Promise<void> {
    const files = paths.map((path) => this.#file(path));
    return this.#writing(this.#delete(files));
  }

  /** Replaces a file, and holds up those who read it until its new content is durable. */
  async #replace(file: string, bytes: Uint8Array, options: FileOptions): Promise<void> {
    const replacing = replaceFile(file, bytes, options);
    const durable = replacing.catch((error: unknown) => {
      // After any other error the old file is still in place, and durable.
      if (error instanceof DamagedStoreError) throw error;
    });
    this.#replacing.set(file, durable);
    // After a failure of the disk nobody can tell whether the new content is durable: leave the entry, and reads fail.
    void durable.then(
      () => this.#replacing.delete(file),
      () => undefined,
    );
    await replacing;
  }

  async #delete(files: readonly string[]): Promise<void> {
    await this.#requireWritable();
    for (const file of files) await orUndefined(unlink(file));
    // `rmdir` removes a folder of partial tiles once it is empty, and fails before.
    for (const folder of new Set(files.map(dirname))) {
      if (!folder.endsWith('.p')) continue;
      this.#folders.delete(folder);
      await rmdir(folder).catch(() => undefined);
    }
  }

  /** The file of an object. @throws FormatError for any other path: no file outside the log is ever touched. */
  #file(path: string): string {
    parsePath(path);
    return join(this.#folder, path);
  }

  /**
   * After one failure all writes fail. Otherwise the caller of the failed write could read its bytes back, and go on
   * with the next, though they are not durable.
   */
  async #requireWritable(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#owner?.check();
  }

  /**
   * Calls `write` when the file's folders exist. A folder that this process has seen may be gone: a cleaner of
   * temporary files removes `.tmp`, and deleting the last partial tile removes the folder in which the next is to go.
   * ENOENT therefore makes all folders be checked again, and `write` is called once more.
   */
  async #inFolders<T>(file: string, mode: number, write: (options: FileOptions) => Promise<T>): Promise<T> {
    try {
      return await write(await this.#options(file, mode));
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      this.#folders.clear();
      return write(await this.#options(file, mode));
    }
  }

  /** Makes sure that the file may be written and its folders exist. */
  async #options(file: string, mode: number): Promise<FileOptions> {
    await this.#requireWritable();
    const temporaryIn = join(this.#folder, TEMPORARY);
    await Promise.all([this.#ensureFolder(dirname(file)), this.#ensureFolder(temporaryIn)]);
    return { mode, temporaryIn };
  }

  #writing<T>(writing: Promise<T>): Promise<T> {
    this.#writes.add(writing);
    void writing
      .catch((error: unknown) => {
        if (error instanceof DamagedStoreError) this.#failure ??= error;
      })
      .then(() => this.#writes.delete(writing));
    return writing;
  }

  #ensureFolder(folder: string): Promise<void> {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    // A log has any number of folders. Forgetting them bounds the memory, and costs a mkdir for each used again.
    if (this.#folders.size > MAX_KNOWN_FOLDERS) this.#folders.clear();
    const ensured = this.#makeFolder(folder);
    this.#folders.set(folder, ensured);
    ensured.catch(() => this.#folders.delete(folder));
    return ensured;
  }

  async #makeFolder(folder: string): Promise<void> {
    // Through `#ensureFolder`, so that writes at the same time make and sync a folder once for all.
    if (folder !== this.#folder) await this.#ensureFolder(dirname(folder));
    try {
      await createFolder(folder);
    } catch (error) {
      throw hasCode(error, 'EEXIST') || hasCode(error, 'ENOTDIR')
        ? notAsItShouldBe(folder, 'file', 'folder')
        : error;
    }
  }
}

/** Removes the files of a folder for whose names `isOurs` is true. The folder need not exist. */
async function removeFiles(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  const entries = (await orUndefined(readdir(folder, { withFileTypes: true }))) ?? [];
  for (const entry of entries)
    if (entry.isFile() && isOurs(entry.name)) await rm(join(folder, entry.name), { force: true });
}

/** Calls `use` with a file that is open for reading; undefined where there is no such file. */
async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
  const handle = await orUndefined(open(file));
  if (handle === undefined) return undefined;
  try {
    return await use(handle);
  } catch (error) {
    throw hasCode(error, 'EISDIR') ? notAsItShouldBe(file, 'folder', 'file') : error;
  } finally {
    await handle.close();
  }
}

/** Trying again would not help: this error refuses a start, and stops a running writer. */
function notAsItShouldBe(path: string, found: string, wanted: string): WrongFileTypeError {
  return new WrongFileTypeError(
    `${path} is a ${found}, where the log has a ${wanted}. Move it away, and restore what was there from a copy`,
  );
}

/**
 * `length` bytes from `start`; fewer where the file ends before. Loops, since one read may return less than was asked.
 */
async function readAt(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  // allocUnsafeSlow: from Buffer's pool, a few bytes would keep 8 KiB alive.
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, length));
  let at = 0;
  while (at < buffer.length) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, start + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return buffer.subarray(0, at);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
