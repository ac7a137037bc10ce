/**
 * Reads a log from its files. Every tile and bundle is authenticated before anything of it is used.
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
  maxBundleLength,
  openCheckpoint,
  parseBundle,
  parseTimes,
  ProofError,
  rootAt,
  sha256,
  TILE_WIDTH,
  widthAt,
  type Hash,
  type NoteVerifier,
  type RightEdge,
  type Sha256,
  type SignedCheckpoint,
  type Tree,
} from '../tiles-spec/index.js';

/** What a log is read with. */
export interface LogReaderOptions {
  /** The stored bytes of an object, or undefined where there is none. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** The log's key, from configuration. */
  readonly verifier: NoteVerifier;
  /** Decompresses to at most `maxLength` bytes, and throws beyond. */
  readonly gunzip: (bytes: Uint8Array, maxLength: number) => Promise<Uint8Array>;
  readonly sha?: Sha256;
}

export class LogReader {
  readonly #options: LogReaderOptions;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /**
   * The log's latest checkpoint, its signature verified; undefined where there is none.
   * @throws FormatError or ProofError when it is not this log's.
   */
  async checkpoint(): Promise<SignedCheckpoint | undefined> {
    const bytes = await this.#options.read('checkpoint');
    return bytes && openCheckpoint(bytes, this.#options.verifier);
  }

  /** The log as it was at a checkpoint. `edge` spares reading the right edge where the caller has it. */
  at(tree: Tree, edge?: RightEdge): TreeReader {
    return new TreeReader(tree, this.#options, edge);
  }
}

/** The log at one tree. Costs of the methods count tiles not kept in memory from before. */
export class TreeReader {
  readonly tree: Tree;
  readonly #options: LogReaderOptions;
  readonly #sha: Sha256;
  readonly #tiles: AuthenticatedTiles;

  constructor(tree: Tree, options: LogReaderOptions, edge?: RightEdge) {
    this.tree = tree;
    this.#options = options;
    this.#sha = options.sha ?? sha256;
    this.#tiles = new AuthenticatedTiles(
      tree,
      async (tile) => {
        const { bytes, width } = await this.#readWidened({ kind: 'tile', ...tile });
        return width === tile.width ? bytes : bytes.subarray(0, tile.width * HASH_LENGTH);
      },
      this.#sha,
      edge,
    );
  }

  /** The right edge. @throws ProofError when it does not hash to the tree's root. */
  edge(): Promise<RightEdge> {
    return this.#tiles.edge();
  }

  /** The hash of the leaf at `index`. One tile a level. */
  async leafHash(index: number): Promise<Hash> {
    return (await this.#tiles.tile(0, Math.floor(index / TILE_WIDTH))).subtree(0, index % TILE_WIDTH);
  }

  /** The inclusion proof of the entry at `index`. At most two tiles a level. */
  inclusionProof(index: number): Promise<Hash[]> {
    return inclusionProof(this.#tiles, index, this.tree.size, this.#sha);
  }

  /** The proof that this tree begins with that of `oldSize` (from 1) entries. */
  consistencyProof(oldSize: number): Promise<Hash[]> {
    return consistencyProof(this.#tiles, oldSize, this.tree.size, this.#sha);
  }

  /** The root of the first `size` entries, as this tree has them. */
  rootAt(size: number): Promise<Hash> {
    return rootAt(this.#tiles, size, this.#sha);
  }

  /**
   * The entries of bundle `index`, as many as the tree has, each compared with its leaf hash.
   * @throws ProofError when an entry is not the tree's; FormatError when the bundle is damaged.
   */
  async bundle(index: number): Promise<Uint8Array[]> {
    const tile = await this.#tiles.tile(0, index);
    const stored = await this.#readWidened({ kind: 'entries', index, width: tile.width });
    const entries = parseBundle(await this.#decompress(stored.bytes, stored.width), stored.width).slice(
      0,
      tile.width,
    );
    entries.forEach((entry, i) => {
      if (!equalBytes(leafHash(entry, this.#sha), tile.subtree(0, i))) {
        throw new ProofError(`entry ${index * TILE_WIDTH + i} in its bundle is not the one in the tree`);
      }
    });
    return entries;
  }

  /** When the entries of bundle `index` were sequenced, Unix milliseconds: the writer's word, which no tree covers. */
  async times(index: number): Promise<number[]> {
    const width = widthAt(this.tree.size, 0, index);
    const stored = await this.#readWidened({ kind: 'times', index, width });
    return parseTimes(stored.bytes, stored.width).slice(0, width);
  }

  async #decompress(bytes: Uint8Array, width: number): Promise<Uint8Array> {
    if (!isGzip(bytes)) return bytes;
    return this.#options.gunzip(bytes, maxBundleLength(width));
  }

  /** Reads an object or, where a partial one is gone, the full one. */
  async #readWidened(
    name:
      | { kind: 'tile'; level: number; index: number; width: number }
      | { kind: 'entries' | 'times'; index: number; width: number },
  ): Promise<{ bytes: Uint8Array; width: number }> {
    for (const width of new Set([name.width, TILE_WIDTH])) {
      const bytes = await this.#options.read(formatPath({ ...name, width }));
      if (bytes !== undefined) return { bytes, width };
    }
    throw new FormatError(`the log has no ${formatPath(name)}`);
  }
}
