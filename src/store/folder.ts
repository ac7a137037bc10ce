/**
 * An object store that is a folder on a local file system. Its one writer owns it by a lock (writer/staging); any
 * number of readers may read it. Network file systems are not supported: `link` and `fsync` mean less there.
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
import { tooLong, type ObjectRange, type ObjectStat, type ObjectStore, type StoreObject } from './store.js';

const TEMPORARY = '.tmp';

const MAX_KNOWN_FOLDERS = 4096;

/** What says whether the folder is still this process's to write. */
export interface FolderOwner {
  /** @throws DamagedStoreError when it is not. */
  check(): Promise<void>;
}

export class FolderStore implements ObjectStore {
  readonly #folder: string;
  readonly #owner: FolderOwner | undefined;
  /** Folders known to exist and to be durable in their parents. */
  readonly #folders = new Map<string, Promise<void>>();
  readonly #writes = new Set<Promise<unknown>>();
  /** What ended all writing: a lock that was lost, or a disk that could not keep what it was given. */
  #failure: DamagedStoreError | undefined;
  /** Files whose new content may not be durable yet, and what makes it so: reads wait for it. */
  readonly #replacing = new Map<string, Promise<unknown>>();
  /** Swaps run one after the other; the lock makes this process the only one that swaps. */
  #swap: Promise<unknown> = Promise.resolve();

  /** @param owner is asked before each write. Without one nothing else may write to the folder. */
  constructor(folder: string, owner?: FolderOwner) {
    this.#folder = folder;
    this.#owner = owner;
  }

  /** Waits for the writes under way, also those that their caller has given up. */
  async idle(): Promise<void> {
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
  }

  /**
   * Makes sure that the file system does what a log needs of it. Leaves nothing behind.
   * @throws StartRefusedError that says what it does not do.
   */
  probe(): Promise<void> {
    return probeFolder(this.#folder);
  }

  /**
   * Removes what a process that died had not finished writing. For the owner alone. The folder may hold files of others,
   * also in `.tmp`: only files that have the names of a store's own are removed.
   */
  async sweep(): Promise<void> {
    const temporaryIn = join(this.#folder, TEMPORARY);
    await removeFiles(temporaryIn, isTemporary);
    await rmdir(temporaryIn).catch(() => undefined);
    await removeFiles(this.#folder, isProbe);
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    // A file that never changes is protected from writing; those who may write to its folder can still delete it.
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
      if (size > maxLengthOf(name)) throw tooLong(path);
      return readAt(handle, 0, size);
    });
    await this.#replacing.get(file);
    return bytes && { bytes, etag: isImmutable(name) ? path : digestOf(bytes) };
  }

  async readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    if (!isImmutable(parsePath(path))) {
      // All of it: the bytes, the size and the tag must be of one version.
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

  /** Replaces a file; those who read it meanwhile wait until what they have read is durable. */
  async #replace(file: string, bytes: Uint8Array, options: FileOptions): Promise<void> {
    const replacing = replaceFile(file, bytes, options);
    const durable = replacing.catch((error: unknown) => {
      // After any other error the file is as it was.
      if (error instanceof DamagedStoreError) throw error;
    });
    this.#replacing.set(file, durable);
    // Where the disk failed the entry stays: nobody can say any more whether the content is durable.
    void durable.then(
      () => this.#replacing.delete(file),
      () => undefined,
    );
    await replacing;
  }

  async #delete(files: readonly string[]): Promise<void> {
    await this.#requireWritable();
    for (const file of files) await orUndefined(unlink(file));
    // The folder of a tile's partial ones goes with the last of them.
    for (const folder of new Set(files.map(dirname))) {
      if (!folder.endsWith('.p')) continue;
      this.#folders.delete(folder);
      await rmdir(folder).catch(() => undefined);
    }
  }

  /** The file of an object; nothing outside the log's names is ever touched. */
  #file(path: string): string {
    parsePath(path);
    return join(this.#folder, path);
  }

  /**
   * A failure is final for all writes, not for its own alone: the caller of that one may read back what it wrote, and go
   * on, though it is not durable.
   */
  async #requireWritable(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#owner?.check();
  }

  /**
   * Writes a file by `write` in folders that are there. Others may remove a folder that this process remembers: a cleaner
   * of temporary files `.tmp`, a delete of the last partial tile the folder of a new one. Every write there would then
   * fail for ever, so all are made again, once: a folder that is gone once more fails this write alone.
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

  /** Makes ready for a write of a file. */
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
    // Forgetting costs a mkdir; remembering every folder of a log, memory without end.
    if (this.#folders.size > MAX_KNOWN_FOLDERS) this.#folders.clear();
    const ensured = this.#makeFolder(folder);
    this.#folders.set(folder, ensured);
    ensured.catch(() => this.#folders.delete(folder));
    return ensured;
  }

  async #makeFolder(folder: string): Promise<void> {
    // Each above it once, however many files are written at a time.
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

/** Removes the files of a folder, if there is one, whose names are `isOurs`. */
async function removeFiles(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  const entries = (await orUndefined(readdir(folder, { withFileTypes: true }))) ?? [];
  for (const entry of entries)
    if (entry.isFile() && isOurs(entry.name)) await rm(join(folder, entry.name), { force: true });
}

/** Runs `use` with a file that is open to read; undefined where there is none. */
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

/** Trying again would not help: a start is refused, and a running writer stops. */
function notAsItShouldBe(path: string, found: string, wanted: string): WrongFileTypeError {
  return new WrongFileTypeError(
    `${path} is a ${found}, where the log has a ${wanted}. Move it away, and restore what was there from a copy`,
  );
}

/** `length` bytes from `start`, or fewer where the file ends before. A system call may give fewer than it is asked for. */
async function readAt(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  // Not from Node's pool, of which a few bytes would keep 8 KiB alive.
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
