/**
 * Hash tiles (c2sp.org/tlog-tiles): 1 to 256 consecutive hashes of one tree level, and every node above them.
 *
 * The tile at tile level L and index N holds the hashes of the subtrees `{ level: 8 * L, index: 256 * N + i }`, i from
 * 0 to its width - 1. In a tree of 70,000 entries level 0 has 273 full tiles and one of width 112; level 1, with one
 * hash for each of those 273, a full tile and one of width 17; level 2, with one hash for that full tile, one of width
 * 1. The partial ones, `{ level: 0, index: 273, width: 112 }`, `{ level: 1, index: 1, width: 17 }` and `{ level: 2,
 * index: 0, width: 1 }`, are the right edge, and together hash to the root.
 * @module
 */
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { HASH_LENGTH, nodeHash, sha256, type Hash, type Sha256, type Subtree } from './merkle.js';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Tree levels that one tile spans: 256 = 2^8. */
export const TILE_HEIGHT = 8;

/** Which tile, for example `{ level: 1, index: 1, width: 17 }`, stored as `tile/1/001.p/17`. */
export interface TileCoordinates {
  /** The tile level, from 0 to 63. Each spans eight levels of the tree. */
  readonly level: number;
  /** The tile's place in its level, from 0. */
  readonly index: number;
  /** Hashes in the tile, from 1 to 256. Below 256 the tile is partial. */
  readonly width: number;
}

/** @throws FormatError unless `width`, of a tile or an entry bundle, is an integer from 1 to 256. */
export function requireWidth(width: number): void {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new FormatError(`width ${String(width)} is not from 1 to ${TILE_WIDTH}`);
  }
}

/**
 * The number of hashes that tile level `level` has in a tree of `size` entries, in full and partial tiles together.
 * @param level from 0.
 * @throws FormatError unless `size` is an integer from 0 to 2^53 - 1.
 * @example
 * hashesAt(70_000, 1); // => 273
 */
export function hashesAt(size: number, level: number): number {
  requireExact(size, 'tree size');
  return Math.floor(size / TILE_WIDTH ** level);
}

/**
 * The width of a tile in a tree of `size` entries: from 1 to 256, or 0 where the tree does not have the tile.
 * @param level of the tile, from 0; `index` too.
 * @throws FormatError unless `size` is an integer from 0 to 2^53 - 1.
 * @example
 * widthAt(70_000, 1, 1); // => 17
 */
export function widthAt(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAt(size, level) - index * TILE_WIDTH));
}

/**
 * Where a subtree's hash is: it is `tile.subtree(height, at)` of the tile at this tile level and index.
 * @param subtree of level 0 to 52. The numbers are not checked.
 * @returns `height` from 0 (the tile's own hashes) to 7, and `at` from 0 to 2^(8 - height) - 1.
 * @example
 * tileOf({ level: 10, index: 70 }); // => { level: 1, index: 1, height: 2, at: 6 }
 */
export function tileOf({ level, index }: Subtree): {
  level: number;
  index: number;
  height: number;
  at: number;
} {
  const height = level % TILE_HEIGHT;
  const perTile = 2 ** (TILE_HEIGHT - height);
  return {
    level: (level - height) / TILE_HEIGHT,
    index: Math.floor(index / perTile),
    height,
    at: index % perTile,
  };
}

/**
 * A tile and all perfect subtrees of its hashes. Making one costs at most one hash for each hash in it, and 64 bytes of
 * memory.
 * @example
 * const leaves = ['a', 'b'].map((text) => leafHash(new TextEncoder().encode(text)));
 * const tile = new HashTile(0, 0, leaves);
 * equalBytes(tile.subtree(1, 0), nodeHash(...leaves)); // => true
 */
export class HashTile implements TileCoordinates {
  readonly level: number;
  readonly index: number;
  readonly width: number;
  /** Rows of hashes, joined: the tile's own, then those of their pairs, and so on up. */
  readonly #rows: Uint8Array[];

  /** @throws FormatError unless there are 1 to 256 hashes, of 32 bytes each. */
  constructor(level: number, index: number, hashes: readonly Hash[], sha: Sha256 = sha256) {
    this.level = level;
    this.index = index;
    this.width = hashes.length;
    if (this.width < 1 || this.width > TILE_WIDTH)
      throw new FormatError(`a tile has 1 to 256 hashes, not ${this.width}`);
    let row = new Uint8Array(this.width * HASH_LENGTH);
    hashes.forEach((hash, i) => {
      if (hash.length !== HASH_LENGTH)
        throw new FormatError(`a hash has ${HASH_LENGTH} bytes, not ${hash.length}`);
      row.set(hash, i * HASH_LENGTH);
    });
    this.#rows = [row];
    for (let count = this.width >> 1; count > 0; count >>= 1) {
      const above = new Uint8Array(count * HASH_LENGTH);
      for (let i = 0; i < count; i++) {
        above.set(nodeHash(hashIn(row, 2 * i), hashIn(row, 2 * i + 1), sha), i * HASH_LENGTH);
      }
      this.#rows.push(above);
      row = above;
    }
  }

  /** Reads a tile as it is stored. @throws FormatError unless `bytes` are `width` hashes. */
  static parse({ level, index, width }: TileCoordinates, bytes: Uint8Array, sha: Sha256 = sha256): HashTile {
    if (bytes.length !== width * HASH_LENGTH) {
      throw new FormatError(`a tile of width ${width} has ${width * HASH_LENGTH} bytes, not ${bytes.length}`);
    }
    return new HashTile(
      level,
      index,
      Array.from({ length: width }, (_, i) => hashIn(bytes, i)),
      sha,
    );
  }

  /** The tile as it is stored: its hashes, joined. Not a copy. */
  get bytes(): Uint8Array {
    return this.#rows[0] as Uint8Array;
  }

  /**
   * The hash of the `at`-th perfect subtree over 2^height of the tile's hashes. A view of the tile's memory.
   * @param height from 0, for the tile's own hashes, to 8, for the hash over a full tile.
   * @throws FormatError where the tile is too narrow to have it.
   */
  subtree(height: number, at: number): Hash {
    const row = this.#rows[height];
    if (row === undefined || (at + 1) * HASH_LENGTH > row.length) {
      throw new FormatError(`a tile of width ${this.width} has no subtree ${at} of height ${height}`);
    }
    return hashIn(row, at);
  }

  /** The tile's own hashes, as views of its memory. Costs an array of up to 256 at each call. */
  get hashes(): Hash[] {
    return Array.from({ length: this.width }, (_, i) => hashIn(this.bytes, i));
  }
}

function hashIn(row: Uint8Array, i: number): Hash {
  return row.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH);
}
