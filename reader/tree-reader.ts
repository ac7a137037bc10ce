/**
 * A log at one tree: its entries and proofs, from tiles and bundles that are authenticated before anything of them is
 * used.
 * @module
 */
import {
  AuthenticatedTiles,
  consistencyProof,
  equalBytes,
  formatPath,
  FormatError,
  HASH_LENGTH,
  inclusionProof,
  isGzip,
  leafHash,
  maxEntryBundleLength,
  maxLengthOf,
  parseEntryBundle,
  parseTimes,
  ProofError,
  rootAt,
  sha256,
  TILE_WIDTH,
  widthAt,
  type Hash,
  type HashTile,
  type RightEdge,
  type Sha256,
  type TileCache,
  type Tree,
} from '../tiles-spec/index.js';
import { MissingObjectError, readingObject, UnreachableError } from './errors.js';
import { gunzip, type Gunzip } from './gunzip.js';
import type { ReadObject } from './http-source.js';
import { readAhead } from './read-ahead.js';

/** How the objects of a log are read. */
export interface ReadOptions {
  readonly read: ReadObject;
  /** Default: the DecompressionStream of browsers. Node's own is faster (`stele/reader/node`). */
  readonly gunzip?: Gunzip | undefined;
  /** Default: noble's. */
  readonly sha?: Sha256 | undefined;
  /** Where full tiles are kept once they are authenticated. Default: 256 of them in memory alone. */
  readonly cache?: TileCache | undefined;
}

/** One entry: its index, and its canonical body. */
export interface Entry {
  readonly index: number;
  readonly body: Uint8Array;
}

/**
 * An `index` is that of an entry, 0 to the tree's size - 1, where nothing else is said. Costs of the methods count tiles
 * not kept from before. All throw UnreachableError, UnexpectedAnswerError, and FormatError: without a `path` where an
 * argument is out of its range.
 */
export class TreeReader {
  readonly tree: Tree;
  readonly #options: ReadOptions;
  readonly #sha: Sha256;
  readonly #tiles: AuthenticatedTiles;

  /** @param edge the right edge, where the caller has it. */
  constructor(tree: Tree, options: ReadOptions, edge?: RightEdge) {
    this.tree = tree;
    this.#options = options;
    this.#sha = options.sha ?? sha256;
    this.#tiles = new AuthenticatedTiles(
      tree,
      async (tile) => {
        const { bytes, width } = await readPartialOrFull(options.read, { kind: 'tile', ...tile });
        return width === tile.width ? bytes : bytes.subarray(0, tile.width * HASH_LENGTH);
      },
      { sha: this.#sha, edge, cache: options.cache },
    );
  }

  /** How many bundles the entries are in, the partial one included. */
  get entryBundleCount(): number {
    return Math.ceil(this.tree.size / TILE_WIDTH);
  }

  /** The right edge. @throws ProofError when it does not hash to the tree's root. */
  edge(): Promise<RightEdge> {
    return this.#tiles.edge();
  }

  /** The hash of the leaf at `index`. At most two tiles a level. */
  async leafHash(index: number): Promise<Hash> {
    this.#requireIndex(index);
    return (await this.#tiles.tile(0, Math.floor(index / TILE_WIDTH))).subtree(0, index % TILE_WIDTH);
  }

  /** The inclusion proof of the entry at `index`. At most two tiles a level. */
  async inclusionProof(index: number): Promise<Hash[]> {
    this.#requireIndex(index);
    return inclusionProof(this.#tiles, index, this.tree.size, this.#sha);
  }

  /** The proof that this tree begins with that of `oldSize` (1 to its own size) entries. At most two tiles a level. */
  async consistencyProof(oldSize: number): Promise<Hash[]> {
    this.#require('consistency proof from', oldSize, 1, this.tree.size);
    return consistencyProof(this.#tiles, oldSize, this.tree.size, this.#sha);
  }

  /** The root of the first `size` (0 to its own size) entries, as this tree has them. At most two tiles a level. */
  async rootAt(size: number): Promise<Hash> {
    this.#require('root at', size, 0, this.tree.size);
    return rootAt(this.#tiles, size, this.#sha);
  }

  /** The entry at `index`. At most two tiles a level, and one bundle. */
  async entry(index: number): Promise<Entry> {
    this.#requireIndex(index);
    const bodies = await this.entryBundle(Math.floor(index / TILE_WIDTH));
    return { index, body: bodies[index % TILE_WIDTH] as Uint8Array };
  }

  /** The entries from `from` (0 to the tree's size) on, in order. Four bundles are read at a time. */
  async *entries(from = 0): AsyncGenerator<Entry> {
    if (from === this.tree.size) return;
    this.#requireIndex(from);
    const first = Math.floor(from / TILE_WIDTH);
    const read = (bundle: number, maxLength: number) => this.entryBundle(bundle, maxLength);
    for await (const [at, bodies] of readAhead(first, this.entryBundleCount, read)) {
      for (const [i, body] of bodies.entries()) {
        const index = at * TILE_WIDTH + i;
        if (index >= from) yield { index, body };
      }
    }
  }

  /**
   * The index of the entry with a leaf hash, or undefined where the tree has none. Reads the tiles of level 0 in
   * order, four at a time: size / 256 tiles where there is none.
   * @param onProgress told how many entries have been looked at.
   */
  async indexOf(leaf: Hash, onProgress?: (done: number) => void): Promise<number | undefined> {
    for await (const [at, tile] of this.leafTiles()) {
      const found = tile.hashes.findIndex((hash) => equalBytes(hash, leaf));
      if (found >= 0) return at * TILE_WIDTH + found;
      onProgress?.(Math.min(this.tree.size, (at + 1) * TILE_WIDTH));
    }
    return undefined;
  }

  /** The leaf hashes of bundle `index` (0 to `entryBundleCount` - 1): a tile of level 0. At most a tile a level. */
  async leafTile(index: number): Promise<HashTile> {
    this.#requireBundle(index);
    return this.#tiles.tile(0, index);
  }

  /** The leaf hashes of every bundle from `first` on, each with the bundle's index. Four tiles are read at a time. */
  leafTiles(first = 0): AsyncGenerator<[number, HashTile]> {
    return readAhead(first, this.entryBundleCount, (index) => this.leafTile(index));
  }

  /**
   * The entries of bundle `index` (0 to `entryBundleCount` - 1), as many as the tree has, each compared with its leaf hash.
   * @param maxLength in bytes, for one whose memory is less than the longest bundle's.
   * @throws ProofError when an entry is not the tree's; FormatError when the bundle is damaged, missing or longer.
   */
  async entryBundle(index: number, maxLength = Infinity): Promise<Uint8Array[]> {
    this.#requireBundle(index);
    const tile = await this.#tiles.tile(0, index);
    const stored = await readPartialOrFull(
      this.#options.read,
      { kind: 'entries', index, width: tile.width },
      maxLength,
    );
    return readingObject(stored.path, async () => {
      const bodies = (await decodeEntryBundle(stored.bytes, stored.width, this.#options, maxLength)).slice(
        0,
        tile.width,
      );
      bodies.forEach((body, i) => {
        if (!equalBytes(leafHash(body, this.#sha), tile.subtree(0, i))) {
          throw new ProofError(`entry ${index * TILE_WIDTH + i} is not the one in the tree`);
        }
      });
      return bodies;
    });
  }

  /**
   * When the entries of bundle `index` (0 to `entryBundleCount` - 1) were sequenced, Unix milliseconds: the writer's word,
   * which no tree covers.
   * @throws FormatError when they are missing, or go back.
   */
  async times(index: number): Promise<number[]> {
    this.#requireBundle(index);
    const width = widthAt(this.tree.size, 0, index);
    const stored = await readPartialOrFull(this.#options.read, { kind: 'times', index, width });
    return readingObject(stored.path, () => parseTimes(stored.bytes, stored.width).slice(0, width));
  }

  #requireIndex(index: number): void {
    this.#require('entry', index, 0, this.tree.size - 1);
  }

  #requireBundle(index: number): void {
    this.#require('bundle', index, 0, this.entryBundleCount - 1);
  }

  #require(what: string, value: number, first: number, last: number): void {
    if (!Number.isInteger(value) || value < first || value > last) {
      throw new FormatError(`there is no ${what} ${value} in a tree of ${this.tree.size}`);
    }
  }
}

/** The entries of a bundle as it is stored. @throws FormatError unless it holds `width` entries. */
export async function decodeEntryBundle(
  stored: Uint8Array,
  width: number,
  options: Pick<ReadOptions, 'gunzip'>,
  maxLength = Infinity,
): Promise<Uint8Array[]> {
  const decompress = options.gunzip ?? gunzip;
  const longest = Math.min(maxLength, maxEntryBundleLength(width));
  return parseEntryBundle(isGzip(stored) ? await decompress(stored, longest) : stored, width);
}

/** What a tree consists of, whole or partial. */
export type TreeObject =
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries' | 'times'; readonly index: number; readonly width: number };

/** An object as it was read: where a partial one is gone, the full one. */
export interface PartialOrFull {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly width: number;
}

/**
 * Reads an object, not authenticated.
 * @throws MissingObjectError where neither it nor the full one is there; UnreachableError where neither is, and the
 *   server refuses to say so.
 */
export async function readPartialOrFull(
  read: ReadObject,
  name: TreeObject,
  maxLength = Infinity,
): Promise<PartialOrFull> {
  let refusal: UnreachableError | undefined;
  for (const width of new Set([name.width, TILE_WIDTH])) {
    const path = formatPath({ ...name, width });
    try {
      const bytes = await read(path, Math.min(maxLength, maxLengthOf({ ...name, width })));
      if (bytes !== undefined) return { path, bytes, width };
    } catch (error) {
      if (!(error instanceof UnreachableError) || error.code !== 'refused') throw error;
      // Object stores that let nobody list them answer 403 for what is not there.
      refusal ??= error;
    }
  }
  const path = formatPath(name);
  throw refusal ?? new MissingObjectError(`the log has no ${path}`, path);
}
