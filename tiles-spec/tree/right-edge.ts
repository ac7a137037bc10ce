/**
 * The right edge of a tree: its partial tiles. It is the tree's compact range with the hashes under it, all that is
 * needed to know the root and to append.
 * @module
 */
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import {
  emptyRoot,
  foldSubtrees,
  sha256,
  subtreesOf,
  type Hash,
  type Sha256,
  type Subtree,
} from './merkle.js';
import { hashesAt, HashTile, TILE_HEIGHT, TILE_WIDTH, tileOf } from './tile.js';

/** Immutable: appending gives another edge. */
export class RightEdge {
  /** Entries in the tree. */
  readonly size: number;
  /** The partial tile of each tile level, or undefined where its width would be 0. */
  readonly #partials: readonly (HashTile | undefined)[];
  readonly #sha: Sha256;

  private constructor(size: number, partials: readonly (HashTile | undefined)[], sha: Sha256) {
    this.size = size;
    this.#partials = partials;
    this.#sha = sha;
  }

  /** The edge of the tree of no entries. */
  static empty(sha: Sha256 = sha256): RightEdge {
    return new RightEdge(0, [], sha);
  }

  /**
   * The edge of a tree of `size` entries from its partial tiles, in any order. Nothing is authenticated: compare
   * `root()` with a checkpoint's.
   * @throws FormatError unless `tiles` are just those that a tree of this size has.
   */
  static of(size: number, tiles: readonly HashTile[], sha: Sha256 = sha256): RightEdge {
    const wanted = partialTiles(size);
    if (tiles.length !== wanted.length) {
      throw new FormatError(`a tree of ${size} has ${wanted.length} partial tiles, not ${tiles.length}`);
    }
    const partials: (HashTile | undefined)[] = [];
    for (const { level, index, width } of wanted) {
      const tile = tiles.find((tile) => tile.level === level && tile.index === index && tile.width === width);
      if (tile === undefined)
        throw new FormatError(`the partial tile of level ${level} in a tree of ${size} is missing`);
      partials[level] = tile;
    }
    return new RightEdge(size, partials, sha);
  }

  /** The tree's root. Costs at most 8 hashes a tile level. */
  root(): Hash {
    if (this.size === 0) return emptyRoot(this.#sha);
    return foldSubtrees(
      subtreesOf({ start: 0, end: this.size }).map((subtree) => this.subtree(subtree)),
      this.#sha,
    );
  }

  /** The hash of a subtree whose tile is on the edge. */
  subtree(subtree: Subtree): Hash {
    const { level, index, height, at } = tileOf(subtree);
    const tile = this.partial(level, index);
    if (tile === undefined)
      throw new FormatError(`tile ${index} of level ${level} is not on the edge of a tree of ${this.size}`);
    return tile.subtree(height, at);
  }

  /** The partial tile with these coordinates, if it is on the edge. */
  partial(level: number, index: number): HashTile | undefined {
    const tile = this.#partials[level];
    return tile?.index === index ? tile : undefined;
  }

  /**
   * Appends leaf hashes. Returns the new edge and every tile, full or partial, that the new tree has and the old had
   * not. Costs about two hashes an entry, and up to 255 more a level for the partial tile grown.
   */
  append(leaves: readonly Hash[]): { edge: RightEdge; tiles: HashTile[] } {
    requireExact(this.size + leaves.length, 'tree size');
    const tiles: HashTile[] = [];
    const partials = [...this.#partials];
    let added = leaves;
    // Level by level: a level gains the hashes of the tiles filled below it, and where none was filled, all above stays.
    for (let level = 0; added.length > 0; level++) {
      const hashes = [...(partials[level]?.hashes ?? []), ...added];
      const first = Math.floor(hashesAt(this.size, level) / TILE_WIDTH);
      const above: Hash[] = [];
      partials[level] = undefined;
      for (let at = 0; at < hashes.length; at += TILE_WIDTH) {
        const tile = new HashTile(
          level,
          first + at / TILE_WIDTH,
          hashes.slice(at, at + TILE_WIDTH),
          this.#sha,
        );
        tiles.push(tile);
        if (tile.width === TILE_WIDTH) above.push(tile.subtree(TILE_HEIGHT, 0));
        else partials[level] = tile;
      }
      added = above;
    }
    return { edge: new RightEdge(this.size + leaves.length, partials, this.#sha), tiles };
  }
}

/** The coordinates of the partial tiles of a tree of `size` entries, lowest level first. */
export function partialTiles(size: number): { level: number; index: number; width: number }[] {
  const partials = [];
  for (let level = 0; hashesAt(size, level) > 0; level++) {
    const hashes = hashesAt(size, level);
    const width = hashes % TILE_WIDTH;
    if (width > 0) partials.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return partials;
}
