/**
 * Full tiles of one log in memory, for as long as the process lives.
 * @module
 */
import type { TileCache } from '../tiles-spec/index.js';

/** Tiles kept at most, of 8 KiB each: 8 MiB, which hold the leaf hashes of 262,144 entries. */
const MAX_TILES = 1_024;

/** Trees that grow from one another share it: full tiles never change. The tile longest unused is dropped first. */
export class MemoryCache implements TileCache {
  /** By path; the one used last is last. */
  readonly #tiles = new Map<string, Uint8Array>();

  read(path: string): Promise<Uint8Array | undefined> {
    const bytes = this.#tiles.get(path);
    if (bytes !== undefined) {
      this.#tiles.delete(path);
      this.#tiles.set(path, bytes);
    }
    return Promise.resolve(bytes);
  }

  write(path: string, bytes: Uint8Array): Promise<void> {
    this.#tiles.set(path, bytes);
    const oldest = this.#tiles.keys().next();
    if (this.#tiles.size > MAX_TILES && oldest.done !== true) this.#tiles.delete(oldest.value);
    return Promise.resolve();
  }
}
