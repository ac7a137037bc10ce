/**
 * The right edge of a tree: its partial tiles, at most one at each tile level. They are enough to compute the root and
 * to append entries.
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

/**
 * A tree's right edge. Immutable: `append` returns another.
 * @example
 * const leaves = ['a', 'b', 'c'].map((text) => leafHash(new TextEncoder().encode(text)));
 * const { edge, tiles } = RightEdge.empty().append(leaves);
 * tiles.map(({ level, index, width }) => ({ level, index, width })); // => [ { level: 0, index: 0, width: 3 } ]
 * equalBytes(edge.root(), nodeHash(nodeHash(leaves[0], leaves[1]), leaves[2])); // => true
 */
export class RightEdge {
  /** Entries in the tree. */
  readonly size: number;
  /** The partial tile of each tile level; undefined where the level has only full tiles. */
  readonly #partials: readonly (HashTile | undefined)[];
  readonly #sha: Sha256;

  private constructor(size: number, partials: readonly (HashTile | undefined)[], sha: Sha256) {
    this.size = size;
    this.#partials = partials;
    this.#sha = sha;
  }

  /** The edge of the empty tree. */
  static empty(sha: Sha256 = sha256): RightEdge {
    return new RightEdge(0, [], sha);
  }

  /**
   * The edge of a tree of `size` entries, from its partial tiles in any order. Nothing is authenticated: compare
   * `root()` with the root of a checkpoint, as `readRightEdge` does.
   * @throws FormatError unless `tiles` are exactly the `partialTiles` of `size`.
   */
  static of(size: number, tiles: readonly HashTile[], sha: Sha256 = sha256): RightEdge {
    const wanted = partialTiles(size);
    if (tiles.length !== wanted.length) {
      throw new FormatError(`a tree of ${size} has ${wanted.length} partial tiles, not ${tiles.length}`);
    }
    const partials: (HashTile | undefined)[] = [];
    for (const { level, index, width } of wanted) {
      const tile = tiles.find((each) => each.level === level && each.index === index && each.width === width);
      if (tile === undefined)
        throw new FormatError(`the partial tile of level ${level} in a tree of ${size} is missing`);
      partials[level] = tile;
    }
    return new RightEdge(size, partials, sha);
  }

  /** The tree's root. Costs at most 8 hashes for each tile level. */
  root(): Hash {
    if (this.size === 0) return emptyRoot(this.#sha);
    return foldSubtrees(
      subtreesOf({ start: 0, end: this.size }).map((subtree) => this.subtree(subtree)),
      this.#sha,
    );
  }

  /**
   * The hash of a subtree that is in one of the partial tiles. Costs no hashing.
   * @throws FormatError where its tile is full or not of this tree, or the tile is too narrow to have it.
   */
  subtree(subtree: Subtree): Hash {
    const { level, index, height, at } = tileOf(subtree);
    const tile = this.partial(level, index);
    if (tile === undefined)
      throw new FormatError(`tile ${index} of level ${level} is not on the edge of a tree of ${this.size}`);
    return tile.subtree(height, at);
  }

  /** The partial tile at this tile level and index; undefined where that tile is full, or the tree does not have it. */
  partial(level: number, index: number): HashTile | undefined {
    const tile = this.#partials[level];
    return tile?.index === index ? tile : undefined;
  }

  /**
   * Appends leaf hashes. Costs about two hashes for each, and up to 255 more at each level, to hash the partial tile
   * again.
   * @returns the new edge, and every tile, full or partial, that the new tree has and the old one has not.
   * @throws FormatError where the new size is above 2^53 - 1, or a leaf hash has not 32 bytes.
   */
  append(leaves: readonly Hash[]): { edge: RightEdge; tiles: HashTile[] } {
    requireExact(this.size + leaves.length, 'tree size');
    const tiles: HashTile[] = [];
    const partials = [...this.#partials];
    let added = leaves;
    // Each tile that fills adds one hash to the level above. Where no tile fills, the levels above stay as they are.
    for (let level = 0; added.length > 0; level++) {
      const made = this.#tilesWith(level, added);
      tiles.push(...made);
      partials[level] = made.find((tile) => !isFull(tile));
      added = made.filter(isFull).map((tile) => tile.subtree(TILE_HEIGHT, 0));
    }
    return { edge: new RightEdge(this.size + leaves.length, partials, this.#sha), tiles };
  }

  /** The tiles that hashes added to a level make: the level's partial tile, filled up, and those that follow it. */
  #tilesWith(level: number, added: readonly Hash[]): HashTile[] {
    const hashes = [...(this.#partials[level]?.hashes ?? []), ...added];
    const firstIndex = Math.floor(hashesAt(this.size, level) / TILE_WIDTH);
    return Array.from({ length: Math.ceil(hashes.length / TILE_WIDTH) }, (_, i) => {
      const ofTile = hashes.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH);
      return new HashTile(level, firstIndex + i, ofTile, this.#sha);
    });
  }
}

function isFull({ width }: HashTile): boolean {
  return width === TILE_WIDTH;
}

/**
 * The partial tiles of a tree of `size` entries, lowest level first: at most 7, and none where `size` is 0.
 * @throws FormatError unless `size` is an integer from 0 to 2^53 - 1.
 * @example
 * partialTiles(300); // => [ { level: 0, index: 1, width: 44 }, { level: 1, index: 0, width: 1 } ]
 */
export function partialTiles(size: number): { level: number; index: number; width: number }[] {
  const partials = [];
  for (let level = 0; hashesAt(size, level) > 0; level++) {
    const hashes = hashesAt(size, level);
    const width = hashes % TILE_WIDTH;
    if (width > 0) partials.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return partials;
}
