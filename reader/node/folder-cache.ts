/**
 * A cache of one log's full tiles, in a folder. The folder may be deleted at any time.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createTransientFolder, replaceTransientFile } from '../../src/node/durable-file.js';
import type { TileCache } from '../../tiles-spec/index.js';

/**
 * Nothing is synced to disk, since a reader authenticates a cached tile and fetches a damaged one again. Never throws:
 * a folder that cannot be read or written costs fetches, and no answer. Grows by 8 KiB for every 256 entries that are
 * read.
 */
export class FolderCache implements TileCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return readFile(join(this.#folder, path)).catch(() => undefined);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#folder, path);
    try {
      await createTransientFolder(dirname(file));
      await replaceTransientFile(file, bytes);
    } catch {
      // The next reader fetches the tile.
    }
  }
}
