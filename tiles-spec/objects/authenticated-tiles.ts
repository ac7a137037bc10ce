/**
 * Hashes read from tiles. Each tile is authenticated before a hash of it is used: the partial tiles together must hash
 * to the tree's root, and a full tile to its hash in the tile above.
 * @module
 */
import { equalBytes } from '../bytes.js';
import { FormatError, ProofError } from '../errors.js';
import { sha256, type Hash, type Sha256, type Subtree } from '../tree/merkle.js';
import { formatPath } from './path.js';
import type { HashReader } from '../tree/proof.js';
import { partialTiles, RightEdge } from '../tree/right-edge.js';
import { HashTile, TILE_HEIGHT, TILE_WIDTH, tileOf, widthAt, type TileCoordinates } from '../tree/tile.js';

/** Gets a tile's bytes, `width` hashes of 32 bytes. They need not be trusted: the caller authenticates them. */
export type FetchTile = (tile: TileCoordinates) => Promise<Uint8Array>;

/**
 * Keeps full tiles of one log between runs. Tiles are authenticated before they are written, and again when they are
 * read. An error that `read` or `write` throws fails the read of the tile: a cache that the reader can do without
 * catches its own errors, and returns undefined.
 */
export interface TileCache {
  /** The tile at a path such as `tile/0/001`; undefined where it is not kept. */
  read(path: string): Promise<Uint8Array | undefined>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

/** A tree as a checkpoint describes it. */
export interface Tree {
  /** Entries in the tree, from 0 to 2^53 - 1. */
  readonly size: number;
  readonly root: Hash;
}

/** Full tiles kept in memory, of 16 KiB each. The least recently used is dropped first. */
const MAX_KEPT_TILES = 256;

/**
 * Reads and authenticates the partial tiles of a tree. Costs at most 7 fetches, all at once.
 * @throws ProofError when they do not hash to the root; FormatError, with `path`, when a tile has the wrong length;
 *   what `fetchTile` throws.
 * @example
 * const { edge, tiles } = RightEdge.empty().append([leafHash(new TextEncoder().encode('a'))]);
 * const tree = { size: 1, root: edge.root() };
 * (await readRightEdge(tree, async () => tiles[0].bytes)).size; // => 1
 */
export async function readRightEdge(
  tree: Tree,
  fetchTile: FetchTile,
  sha: Sha256 = sha256,
): Promise<RightEdge> {
  const tiles = await Promise.all(
    partialTiles(tree.size).map(async (tile) => parseTile(tile, await fetchTile(tile), sha)),
  );
  const edge = RightEdge.of(tree.size, tiles, sha);
  if (!equalBytes(edge.root(), tree.root)) {
    const paths = partialTiles(tree.size).map((tile) => formatPath({ kind: 'tile', ...tile }));
    throw new ProofError(
      `the right edge (${paths.join(', ')}) does not hash to the root of the tree of ${tree.size}`,
    );
  }
  return edge;
}

export interface AuthenticatedTilesOptions {
  readonly sha?: Sha256 | undefined;
  /** The tree's right edge, where the caller has it already. */
  readonly edge?: RightEdge | undefined;
  readonly cache?: TileCache | undefined;
}

/**
 * The hashes of a tree, from tiles that are authenticated against its root when first read. The last 256 full tiles
 * read stay in memory, 4 MiB.
 * @example
 * const leaves = [leafHash(new TextEncoder().encode('a'))];
 * const { edge, tiles } = RightEdge.empty().append(leaves);
 * const log = new AuthenticatedTiles({ size: 1, root: edge.root() }, async () => tiles[0].bytes);
 * const [hash] = await log.hashes([{ level: 0, index: 0 }]);
 * equalBytes(hash, leaves[0]); // => true
 */
export class AuthenticatedTiles implements HashReader {
  readonly tree: Tree;
  readonly #fetch: FetchTile;
  readonly #sha: Sha256;
  readonly #cache: TileCache | undefined;
  readonly #full = new Map<string, Promise<HashTile>>();
  #edge: Promise<RightEdge> | undefined;

  constructor(
    tree: Tree,
    fetchTile: FetchTile,
    { sha = sha256, edge, cache }: AuthenticatedTilesOptions = {},
  ) {
    this.tree = tree;
    this.#fetch = fetchTile;
    this.#sha = sha;
    this.#cache = cache;
    if (edge !== undefined) this.#edge = Promise.resolve(edge);
  }

  /**
   * The hashes of subtrees, in the same order. Their tiles are fetched all at once.
   * @throws ProofError when a tile is not the tree's, or the tree has no such tile; FormatError when a tile has the
   *   wrong length or is too narrow for the subtree; what the fetch or the cache throws.
   */
  async hashes(subtrees: readonly Subtree[]): Promise<Hash[]> {
    return Promise.all(
      subtrees.map(async (subtree) => {
        const { level, index, height, at } = tileOf(subtree);
        return (await this.tile(level, index)).subtree(height, at);
      }),
    );
  }

  /**
   * One authenticated tile, as wide as it is in this tree. Costs one fetch for each tile level from it up to the right
   * edge, less those kept in memory.
   * @throws as `hashes`.
   */
  async tile(level: number, index: number): Promise<HashTile> {
    const width = widthAt(this.tree.size, level, index);
    if (width === 0)
      throw new ProofError(`a tree of ${this.tree.size} has no tile ${index} of level ${level}`);
    if (width < TILE_WIDTH) {
      const partial = (await this.edge()).partial(level, index);
      if (partial === undefined)
        throw new ProofError(`tile ${index} of level ${level} is not on the right edge`);
      return partial;
    }
    const path = formatPath({ kind: 'tile', level, index, width });
    const kept = this.#full.get(path);
    if (kept === undefined) return this.#keep(path, this.#readFull({ level, index, width }, path));
    // Move the tile to the map's end: `#keep` drops from its start.
    this.#full.delete(path);
    this.#full.set(path, kept);
    return kept;
  }

  /**
   * The tree's right edge, read once.
   * @throws as `readRightEdge`; a later call then reads it again.
   */
  async edge(): Promise<RightEdge> {
    this.#edge ??= readRightEdge(this.tree, this.#fetch, this.#sha);
    try {
      return await this.#edge;
    } catch (error) {
      this.#edge = undefined;
      throw error;
    }
  }

  async #readFull(tile: TileCoordinates, path: string): Promise<HashTile> {
    const above = tileOf({ level: (tile.level + 1) * TILE_HEIGHT, index: tile.index });
    const kept = await this.#cache?.read(path);
    const [parent, bytes] = await Promise.all([
      this.tile(above.level, above.index),
      kept ?? this.#fetch(tile),
    ]);
    const authenticate = (bytes: Uint8Array): HashTile => {
      const read = parseTile(tile, bytes, this.#sha);
      if (equalBytes(read.subtree(TILE_HEIGHT, 0), parent.subtree(0, above.at))) return read;
      throw new ProofError(`${path} is not the tile of the tree of ${this.tree.size}`, { path });
    };
    if (kept !== undefined) {
      try {
        return authenticate(kept);
      } catch {
        // The cache is damaged, and the log may be sound: fetch the tile.
      }
    }
    const read = authenticate(kept === undefined ? bytes : await this.#fetch(tile));
    await this.#cache?.write(path, read.bytes);
    return read;
  }

  #keep(path: string, tile: Promise<HashTile>): Promise<HashTile> {
    this.#full.set(path, tile);
    // Forget a read that failed, so that the next one fetches again.
    tile.catch(() => this.#full.delete(path));
    const oldest = this.#full.keys().next();
    if (this.#full.size > MAX_KEPT_TILES && oldest.done !== true) this.#full.delete(oldest.value);
    return tile;
  }
}

function parseTile(tile: TileCoordinates, bytes: Uint8Array, sha: Sha256): HashTile {
  try {
    return HashTile.parse(tile, bytes, sha);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const path = formatPath({ kind: 'tile', ...tile });
    throw new FormatError(`${path}: ${error.message}`, { path });
  }
}
