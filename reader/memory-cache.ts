/**
 * A cache of one log's full tiles, in memory.
 * @module
 */
import type { TileCache } from '../tiles-spec/index.js';

/** Most tiles kept, of 8 KiB each: 8 MiB, or the leaf hashes of 262,144 entries. */
const MAX_TILES = 1_024;

/**
 * Holds 1,024 tiles, 8 MiB, and drops the least recently used first. Readers of one log at different checkpoints may
 * share a cache, since full tiles never change.
 */
export class MemoryCache implements TileCache {
  /** By path, the most recently used last. */
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
