/**
 * An object store that is a folder on a local file system. Its one writer owns it by a lock (writer/staging); any
 * number of readers may read it. Network file systems are not supported: `link` and `fsync` mean less there.
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePath } from '../../tiles-spec/index.js';
import type { ObjectStore, StoreObject } from './store.js';

const TEMPORARY = '.tmp';

const MAX_KNOWN_FOLDERS = 4096;

export class FolderStore implements ObjectStore {
  readonly #folder: string;
  /** Folders known to exist and to be durable in their parents. */
  readonly #folders = new Map<string, Promise<void>>();
  readonly #writes = new Set<Promise<unknown>>();
  /** Objects whose swap is under way, or whose new name is not known to be durable: whoever reads one makes it so. */
  readonly #unsynced = new Set<string>();
  /** Swaps run one after the other; the lock makes this process the only one that swaps. */
  #swap: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Waits for the writes under way, whoever still waits for them. */
  async idle(): Promise<void> {
    await this.#swap;
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
  }

  /** Removes what a writer that died had not finished writing. For the owner alone. */
  async sweep(): Promise<void> {
    await rm(join(this.#folder, TEMPORARY), { recursive: true, force: true });
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    const file = this.#file(path);
    await this.#ensureFolder(dirname(file));
    return this.#withTemporary(bytes, async (temporary) => {
      const created = await link(temporary, file).then(
        () => true,
        (error: unknown) => {
          if (hasCode(error, 'EEXIST')) return false;
          throw error;
        },
      );
      // Where it was there already, whoever linked it may have died before this.
      await syncFolder(dirname(file));
      return created;
    });
  }

  async read(path: string): Promise<StoreObject | undefined> {
    const file = this.#file(path);
    const bytes = await orUndefined(readFile(file));
    if (this.#unsynced.has(file)) await syncFolder(dirname(file));
    return bytes && { bytes, etag: etagOf(bytes) };
  }

  async readRange(path: string, start: number, end: number): Promise<Uint8Array | undefined> {
    const file = await orUndefined(open(this.#file(path)));
    if (file === undefined) return undefined;
    try {
      const length = Math.max(0, Math.min(end, (await file.stat()).size) - start);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    const swap = this.#swap.then(async () => {
      if ((await this.read(path))?.etag !== etag) return false;
      const file = this.#file(path);
      await this.#ensureFolder(dirname(file));
      return this.#withTemporary(bytes, async (temporary) => {
        this.#unsynced.add(file);
        await rename(temporary, file);
        await syncFolder(dirname(file));
        this.#unsynced.delete(file);
        return true;
      });
    });
    this.#swap = swap.catch(() => undefined);
    return swap;
  }

  async delete(path: string): Promise<void> {
    const file = this.#file(path);
    await orUndefined(unlink(file));
    const folder = dirname(file);
    if (!folder.endsWith('.p')) return;
    // The folder of a tile's partial ones goes with the last of them.
    this.#folders.delete(folder);
    await rmdir(folder).catch(() => undefined);
  }

  /** The file of an object; nothing outside the log's names is ever touched. */
  #file(path: string): string {
    parsePath(path);
    return join(this.#folder, path);
  }

  #withTemporary<T>(bytes: Uint8Array, use: (temporary: string) => Promise<T>): Promise<T> {
    const write = this.#write(bytes, use);
    this.#writes.add(write);
    void write.catch(() => undefined).then(() => this.#writes.delete(write));
    return write;
  }

  async #write<T>(bytes: Uint8Array, use: (temporary: string) => Promise<T>): Promise<T> {
    const folder = join(this.#folder, TEMPORARY);
    await this.#ensureFolder(folder);
    const temporary = join(folder, randomUUID());
    const file = await open(temporary, 'wx', 0o644);
    try {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      return await use(temporary);
    } finally {
      await rm(temporary, { force: true });
    }
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
    if (folder === this.#folder) {
      await mkdir(folder, { recursive: true });
    } else {
      await this.#ensureFolder(dirname(folder));
      await mkdir(folder).catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error;
      });
    }
    await syncFolder(dirname(folder));
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function etagOf(bytes: Uint8Array): string {
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
