/**
 * Hashes read from tiles, each tile authenticated before a hash of it is used: the partial tiles together must hash
 * to the tree's root, and a full tile to its place in the tile above it.
 * @module
 */
import { equalBytes } from '../bytes.js';
import { FormatError, ProofError } from '../errors.js';
import { sha256, type Hash, type Sha256, type Subtree } from '../tree/merkle.js';
import { formatPath } from './path.js';
import type { HashReader } from '../tree/proof.js';
import { partialTiles, RightEdge } from '../tree/right-edge.js';
import { HashTile, TILE_HEIGHT, TILE_WIDTH, tileOf, widthAt, type TileCoordinates } from '../tree/tile.js';

/** Gets a tile's bytes: `width` hashes, not authenticated. */
export type FetchTile = (tile: TileCoordinates) => Promise<Uint8Array>;

/**
 * Keeps full tiles between runs: what is written was authenticated, and what is read is authenticated again. Paths
 * are those of one log. A `read` or `write` that throws fails what reads the tile: a cache that may be done without
 * catches its own errors, and has nothing.
 */
export interface TileCache {
  read(path: string): Promise<Uint8Array | undefined>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

/** A tree as a checkpoint gives it. */
export interface Tree {
  readonly size: number;
  readonly root: Hash;
}

/** Full tiles kept in memory, the longest unused dropped first. 16 KiB each. */
const MAX_KEPT_TILES = 256;

/**
 * Reads and authenticates the partial tiles of a tree: at most 7 fetches.
 * @throws ProofError when they do not hash to the root.
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

/** A tree's hashes, from tiles that are authenticated against its root when first read. */
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

  /** @throws ProofError when a tile is not the tree's, or a subtree is not in the tree. */
  async hashes(subtrees: readonly Subtree[]): Promise<Hash[]> {
    return Promise.all(
      subtrees.map(async (subtree) => {
        const { level, index, height, at } = tileOf(subtree);
        return (await this.tile(level, index)).subtree(height, at);
      }),
    );
  }

  /**
   * One authenticated tile, as wide as the tree makes it. Costs one fetch a tile level above it, less what is kept.
   * @throws ProofError when the tree has no such tile, or what was fetched is another's.
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
    // The last in the map is the one used last.
    this.#full.delete(path);
    this.#full.set(path, kept);
    return kept;
  }

  /**
   * The tree's right edge.
   * @throws ProofError when its tiles do not hash to the tree's root.
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
      throw new ProofError(`${path} is not the tile of the tree of ${this.tree.size}`, path);
    };
    if (kept !== undefined) {
      try {
        return authenticate(kept);
      } catch {
        // The cache is damaged, and the log may be whole: it is asked.
      }
    }
    const read = authenticate(kept === undefined ? bytes : await this.#fetch(tile));
    await this.#cache?.write(path, read.bytes);
    return read;
  }

  #keep(path: string, tile: Promise<HashTile>): Promise<HashTile> {
    this.#full.set(path, tile);
    // A failed read is forgotten, so that the next one tries again.
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
    throw new FormatError(`${path}: ${error.message}`, path);
  }
}
