/**
 * Hash tiles (c2sp.org/tlog-tiles): 1 to 256 consecutive hashes of one level, and every node above them.
 * @module
 */
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { HASH_LENGTH, nodeHash, sha256, type Hash, type Sha256, type Subtree } from './merkle.js';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Tree levels that one tile spans: 256 = 2^8. */
export const TILE_HEIGHT = 8;

/** Which tile: the `index`-th at tile level `level` (0 to 63), `width` hashes wide (1 to 256; 256 is full). */
export interface TileCoordinates {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** @throws FormatError unless `width` is that of a tile or bundle: 1 to 256. */
export function requireWidth(width: number): void {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new FormatError(`width ${String(width)} is not from 1 to ${TILE_WIDTH}`);
  }
}

/** How many hashes tile level `level` has in a tree of `size` entries, full and partial tiles together. */
export function hashesAt(size: number, level: number): number {
  requireExact(size, 'tree size');
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The width of a tile in a tree of `size` entries: 0 where the tree has none, 256 where it is full. */
export function widthAt(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAt(size, level) - index * TILE_WIDTH));
}

/** The tile that holds a subtree's hash, or the hashes under it, and where: row `height`, position `at`. */
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
 * A tile with all its perfect subtrees. Costs one hash for each of its hashes, once, and 64 bytes for each.
 */
export class HashTile implements TileCoordinates {
  readonly level: number;
  readonly index: number;
  readonly width: number;
  /** Row by row: the tile's own hashes, then those of the pairs, and so on up. */
  readonly #rows: Uint8Array[];

  /** @param hashes 1 to 256 hashes. */
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

  /** @throws FormatError unless `bytes` are `width` hashes. */
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

  /** The tile as it is stored: its hashes, one after the other. */
  get bytes(): Uint8Array {
    return this.#rows[0] as Uint8Array;
  }

  /** The hash of the `at`-th perfect subtree of 2^height of the tile's hashes. */
  subtree(height: number, at: number): Hash {
    const row = this.#rows[height];
    if (row === undefined || (at + 1) * HASH_LENGTH > row.length) {
      throw new FormatError(`a tile of width ${this.width} has no subtree ${at} of height ${height}`);
    }
    return hashIn(row, at);
  }

  /** The tile's own hashes. */
  get hashes(): Hash[] {
    return Array.from({ length: this.width }, (_, i) => hashIn(this.bytes, i));
  }
}

function hashIn(row: Uint8Array, i: number): Hash {
  return row.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH);
}
