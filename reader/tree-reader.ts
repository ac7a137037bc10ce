/**
 * Reads a log at one tree: its entries and proofs. Tiles and entry bundles are authenticated before they are used.
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
import { browserGunzip, type Gunzip } from './gunzip.js';
import type { ReadObject } from './http-source.js';
import { readAhead } from './read-ahead.js';

/** How the objects of a log are read. */
export interface ReadOptions {
  /** Reads one object, by its path. */
  readonly read: ReadObject;
  /** Default: the DecompressionStream of browsers. Node's own is faster (`stele/reader/node`). */
  readonly gunzip?: Gunzip | undefined;
  /** Default: SHA-256 by @noble/hashes. */
  readonly sha?: Sha256 | undefined;
  /** A cache of authenticated full tiles. Default: 256 of them in memory, for each tree. */
  readonly cache?: TileCache | undefined;
}

/** An entry: its index, and its canonical body. */
export interface Entry {
  readonly index: number;
  readonly body: Uint8Array;
}

/**
 * The log at one tree. An `index` is an entry's, 0 to the tree's size - 1, where nothing else is said. The costs given
 * are of tiles that are not cached. All methods throw UnreachableError and UnexpectedAnswerError; FormatError where an
 * object is malformed or missing (with its `path`) or an argument is out of range (without); ProofError where an object
 * does not belong to the tree.
 */
export class TreeReader {
  readonly tree: Tree;
  readonly #options: ReadOptions;
  readonly #sha: Sha256;
  readonly #tiles: AuthenticatedTiles;

  /** @param edge the tree's right edge; a caller that has it spares reading the edge's tiles. */
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

  /** The number of entry bundles, the partial one included. */
  get entryBundleCount(): number {
    return Math.ceil(this.tree.size / TILE_WIDTH);
  }

  /** The right edge: at most one partial tile a level. @throws ProofError when it does not hash to the tree's root. */
  edge(): Promise<RightEdge> {
    return this.#tiles.edge();
  }

  /** The hash of the leaf at `index`. Costs at most two tiles a level. */
  async leafHash(index: number): Promise<Hash> {
    this.#requireIndex(index);
    return (await this.#tiles.tile(0, Math.floor(index / TILE_WIDTH))).subtree(0, index % TILE_WIDTH);
  }

  /** The inclusion proof of the entry at `index`. Costs at most two tiles a level. */
  async inclusionProof(index: number): Promise<Hash[]> {
    this.#requireIndex(index);
    return inclusionProof(this.#tiles, index, this.tree.size, this.#sha);
  }

  /**
   * The proof that this tree extends that of `oldSize` (1 to its own size) entries. Costs at most two tiles a level.
   */
  async consistencyProof(oldSize: number): Promise<Hash[]> {
    this.#require('consistency proof from', oldSize, 1, this.tree.size);
    return consistencyProof(this.#tiles, oldSize, this.tree.size, this.#sha);
  }

  /** The root of the first `size` (0 to its own size) entries of this tree. Costs at most two tiles a level. */
  async rootAt(size: number): Promise<Hash> {
    this.#require('root at', size, 0, this.tree.size);
    return rootAt(this.#tiles, size, this.#sha);
  }

  /** The entry at `index`. Costs at most two tiles a level, and one entry bundle. */
  async entry(index: number): Promise<Entry> {
    this.#requireIndex(index);
    const bodies = await this.entryBundle(Math.floor(index / TILE_WIDTH));
    return { index, body: bodies[index % TILE_WIDTH] as Uint8Array };
  }

  /** The entries from index `from` (0 to the tree's size) on, in order. Four entry bundles are read at a time. */
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
   * The index of the entry with a leaf hash; undefined where the tree has none. Reads the tiles of level 0 in order,
   * four at a time: size / 256 tiles where there is no such entry.
   * @param onProgress called with the number of entries that have been looked at.
   */
  async indexOf(leaf: Hash, onProgress?: (done: number) => void): Promise<number | undefined> {
    for await (const [at, tile] of this.leafTiles()) {
      const found = tile.hashes.findIndex((hash) => equalBytes(hash, leaf));
      if (found >= 0) return at * TILE_WIDTH + found;
      onProgress?.(Math.min(this.tree.size, (at + 1) * TILE_WIDTH));
    }
    return undefined;
  }

  /**
   * The leaf hashes of entry bundle `index` (0 to `entryBundleCount` - 1), which are a tile of level 0. Costs at most
   * one tile a level.
   */
  async leafTile(index: number): Promise<HashTile> {
    this.#requireBundle(index);
    return this.#tiles.tile(0, index);
  }

  /** The leaf hashes of each entry bundle from `first` on, with the bundle's index. Four tiles are read at a time. */
  leafTiles(first = 0): AsyncGenerator<[number, HashTile]> {
    return readAhead(first, this.entryBundleCount, (index) => this.leafTile(index));
  }

  /**
   * The canonical bodies in entry bundle `index` (0 to `entryBundleCount` - 1), 1 to 256, each compared with its leaf
   * hash. Costs at most one tile a level, and the bundle.
   * @param maxLength length limit in bytes, as stored and decompressed. Default: that of the longest entry bundle, 16 MiB.
   * @throws ProofError when an entry is not the tree's; FormatError when the bundle is damaged, missing or too long.
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
   * When the entries of entry bundle `index` (0 to `entryBundleCount` - 1) were sequenced, Unix milliseconds. This is
   * the writer's word: the tree does not commit to it. One read.
   * @throws FormatError when the times are missing or malformed, or go back.
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

/**
 * Parses an entry bundle as it is stored, compressed or not. Not authenticated.
 * @param maxLength length limit once decompressed, in bytes.
 * @throws FormatError unless the bundle holds exactly `width` entries.
 */
export async function decodeEntryBundle(
  stored: Uint8Array,
  width: number,
  options: Pick<ReadOptions, 'gunzip'>,
  maxLength = Infinity,
): Promise<Uint8Array[]> {
  const decompress = options.gunzip ?? browserGunzip;
  const longest = Math.min(maxLength, maxEntryBundleLength(width));
  return parseEntryBundle(isGzip(stored) ? await decompress(stored, longest) : stored, width);
}

/** The name of an object that exists in partial widths, 1 to 255, and full, 256. */
export type TreeObject =
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries' | 'times'; readonly index: number; readonly width: number };

/** An object as it was read: in the width asked for, or full. */
export interface PartialOrFull {
  /** The path it was read at. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The width it was read in. */
  readonly width: number;
}

/**
 * Reads an object, or the full one of its place where the partial one was deleted. Not authenticated. At most two
 * reads.
 * @throws MissingObjectError where neither exists; UnreachableError where neither can be read because the server refuses.
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
      // An object store that does not let us list it answers 403 for an object that does not exist.
      refusal ??= error;
    }
  }
  const path = formatPath(name);
  throw refusal ?? new MissingObjectError(`the log has no ${path}`, { path });
}
