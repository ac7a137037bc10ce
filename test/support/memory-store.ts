/**
 * A linearizable object store in memory, which records all its writes.
 */
import type { ObjectRange, ObjectStat, ObjectStore, StoreObject } from '#src/store/store.js';

/** A write that took place. `bytes` is undefined for a delete. */
export interface Write {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
}

export class MemoryStore implements ObjectStore {
  /** In the order in which they took place. */
  readonly writes: Write[] = [];
  readonly #objects = new Map<string, StoreObject>();

  /** A copy with the same past, which changes on its own from here on. */
  clone(): MemoryStore {
    const store = new MemoryStore();
    for (const { path, bytes } of this.writes) store.#write(path, bytes);
    return store;
  }

  // Every method acts before its first await, which makes the store linearizable.
  create(path: string, bytes: Uint8Array): Promise<boolean> {
    if (this.#objects.has(path)) return Promise.resolve(false);
    this.#write(path, bytes);
    return Promise.resolve(true);
  }

  read(path: string): Promise<StoreObject | undefined> {
    const object = this.#objects.get(path);
    return Promise.resolve(object && { ...object, bytes: object.bytes.slice() });
  }

  stat(path: string): Promise<ObjectStat | undefined> {
    const object = this.#objects.get(path);
    return Promise.resolve(object && { size: object.bytes.length, etag: object.etag });
  }

  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    const object = this.#objects.get(path);
    if (object === undefined) return Promise.resolve(undefined);
    const { bytes, etag } = object;
    return Promise.resolve({ bytes: bytes.slice(start, end), size: bytes.length, etag });
  }

  replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    if (this.#objects.get(path)?.etag !== etag) return Promise.resolve(false);
    this.#write(path, bytes);
    return Promise.resolve(true);
  }

  delete(paths: readonly string[]): Promise<void> {
    for (const path of paths) if (this.#objects.has(path)) this.#write(path, undefined);
    return Promise.resolve();
  }

  /** Damages the store: writes an object over the one that may be there. */
  plant(path: string, bytes: Uint8Array | undefined): void {
    this.#write(path, bytes);
  }

  /** The object's bytes now. */
  peek(path: string): Uint8Array | undefined {
    return this.#objects.get(path)?.bytes;
  }

  paths(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** Every state that an object has had, the oldest first. The first is undefined: there was no object. */
  versions(path: string): (StoreObject | undefined)[] {
    const versions: (StoreObject | undefined)[] = [undefined];
    this.writes.forEach((write, i) => {
      if (write.path === path) versions.push(write.bytes && { bytes: write.bytes, etag: etagOf(i) });
    });
    return versions;
  }

  #write(path: string, bytes: Uint8Array | undefined): void {
    const copy = bytes?.slice();
    this.writes.push({ path, bytes: copy });
    // Each write gets a new tag, so that no tag comes back with old contents.
    if (copy === undefined) this.#objects.delete(path);
    else this.#objects.set(path, { bytes: copy, etag: etagOf(this.writes.length - 1) });
  }
}

function etagOf(write: number): string {
  return `write-${write}`;
}
