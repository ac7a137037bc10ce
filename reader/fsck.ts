/**
 * Checks a whole log: the checkpoint's signature, every tile against the one above it up to the root, every entry
 * against its tile, and the times.
 * @module
 */
import {
  equalBytes,
  formatPath,
  HASH_LENGTH,
  HashTile,
  isGzip,
  leafHash,
  parsePath,
  partialTiles,
  ProofError,
  RightEdge,
  sha256,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Hash,
  type SignedCheckpoint,
  type TileCoordinates,
  type Tree,
} from '../tiles-spec/index.js';
import type { ReadObject } from './http-source.js';
import { LogReader, type Latest, type LogReaderOptions } from './log-reader.js';
import { readAhead } from './read-ahead.js';
import { decodeEntryBundle, readPartialOrFull } from './tree-reader.js';

export interface FsckOptions {
  /** Whether `tile/times` is checked too; logs of other software have none. Default: true. */
  readonly times?: boolean | undefined;
}

/** The report on a log in which every file is right. */
export interface FsckReport {
  readonly checkpoint: SignedCheckpoint;
  /** The newest checkpoint seen before, which this one extends. */
  readonly seen: SignedCheckpoint | undefined;
  /**
   * When the first and the last entry were sequenced, Unix milliseconds; undefined in an empty log, or if not checked.
   */
  readonly times: { readonly first: number; readonly last: number } | undefined;
  /**
   * The path of the first entry bundle that came compressed; undefined where none did. Over HTTP this means that the
   * server sends gzip without `Content-Encoding: gzip`, which most other readers cannot read.
   */
  readonly compressedEntryBundle: string | undefined;
}

/**
 * Checks every file that the log's checkpoint commits to, and the times. Reads each file from the log itself, never
 * from a cache, and once, except for tiles of level 2 and up (once for each tile below them) and the tiles that prove
 * that the log extends the newest checkpoint seen. Holds at most four entry bundles, however large the log is.
 * @param onProgress called with the number of entries that are checked, from 0 to all.
 * @throws for the first file that is wrong: FormatError (MissingObjectError), ProofError or UnexpectedAnswerError, with
 *   the file's `path`. A ProofError has no `path` where the right edge is wrong and the wrong tile cannot be told: wrong
 *   files fit each other, more than two files are wrong, or the checkpoint was signed for another tree. Also
 *   UnreachableError, InconsistentLogError, StateError.
 */
export async function fsck(
  log: LogReader,
  onProgress?: (done: number, total: number) => void,
  { times: hasTimes = true }: FsckOptions = {},
): Promise<FsckReport> {
  let compressedEntryBundle: string | undefined;
  const read: ReadObject = async (path, maxLength) => {
    const bytes = await log.options.read(path, maxLength);
    if (bytes !== undefined && isGzip(bytes) && parsePath(path).kind === 'entries')
      compressedEntryBundle ??= path;
    return bytes;
  };
  const reader = new LogReader({ ...log.options, read, cache: undefined });
  const { checkpoint, tree, seen } = await latestWithEdge(reader);
  const order = new TimesOrder();
  onProgress?.(0, checkpoint.size);
  const bundles = readAhead(0, tree.entryBundleCount, async (index, maxLength) => {
    const times = hasTimes ? tree.times(index) : Promise.resolve(undefined);
    // Await the times after the bundle: where both are wrong, the bundle is the one that is always named.
    times.catch(() => undefined);
    return { width: (await tree.entryBundle(index, maxLength)).length, times: await times };
  });
  for await (const [index, { width, times }] of bundles) {
    if (times !== undefined) order.add(index, times);
    onProgress?.(index * TILE_WIDTH + width, checkpoint.size);
  }
  return { checkpoint, seen, times: order.range, compressedEntryBundle };
}

/** How far a time may be ahead of this machine's clock, in milliseconds. */
const LONGEST_LEAD = 24 * 3_600_000;

/** Checks the times from bundle to bundle. Within a bundle, parsing has checked their order. */
class TimesOrder {
  /** The path of the times added last. */
  #path = '';
  /** The first and last of all times added, Unix milliseconds. */
  range: { readonly first: number; readonly last: number } | undefined;

  /**
   * Adds the times of a bundle, one at least.
   * @throws ProofError when they begin before those added last end, or when the last is over a day in the future.
   */
  add(index: number, times: readonly number[]): void {
    const path = formatPath({ kind: 'times', index, width: times.length });
    const [first = 0, last = first] = [times[0], times.at(-1)];
    if (last > Date.now() + LONGEST_LEAD)
      throw new ProofError(`${path}: has a time to come, ${new Date(last).toISOString()}`, { path });
    if (this.range !== undefined && first < this.range.last) {
      throw new ProofError(`${path}: begins before ${this.#path} ends: one of the two is wrong`, { path });
    }
    this.#path = path;
    this.range = { first: this.range?.first ?? first, last };
  }
}

/**
 * The log at its newest checkpoint. Its right edge is verified. @throws ProofError, naming the wrong tile if it can.
 */
async function latestWithEdge(reader: LogReader): Promise<Latest> {
  try {
    const latest = await reader.latest();
    await latest.tree.edge();
    return latest;
  } catch (error) {
    // Either step may have found the edge wrong: `latest` reads it too, to compare the log with what was seen before.
    if (!(error instanceof ProofError) || error.path !== undefined) throw error;
    const checkpoint = await reader.checkpoint();
    if (checkpoint !== undefined) await requireEdge(checkpoint, reader);
    throw error;
  }
}

/** @throws ProofError unless the right edge hashes to the root, with the wrong tile's path where that can be told. */
async function requireEdge(tree: Tree, reader: LogReader): Promise<void> {
  try {
    await reader.at(tree).edge();
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    const path = await wrongOnEdge(tree, reader.options);
    if (path === undefined) throw error;
    throw new ProofError(`${path}: is not that of the tree of ${tree.size}`, { path });
  }
}

/** A tile of the right edge, as it is stored and as the level below makes it. Neither is authenticated. */
interface EdgeTile {
  readonly path: string;
  readonly stored: HashTile;
  /** Undefined where the level below is missing, damaged, or cannot be read. */
  readonly made: HashTile | undefined;
}

/**
 * Finds a wrong tile in a right edge that does not hash to the root: the lowest, or undefined where it cannot be told.
 *
 * The root covers all edge tiles at once, so it says that one is wrong but not which. So each tile is made again from
 * the level below it, and the tiles that differ from the stored ones are suspects. Replace subsets of the suspects by
 * the tiles that were made: if the root then fits, the replaced tiles are wrong. If it never fits, files below are
 * wrong too; a single suspect must then be the wrong tile.
 */
async function wrongOnEdge({ size, root }: Tree, options: LogReaderOptions): Promise<string | undefined> {
  const names = partialTiles(size);
  if (names.length === 0) return formatPath({ kind: 'checkpoint' });
  const tiles: EdgeTile[] = [];
  for (const name of names) {
    const { path, tile } = await readTile(name, options);
    tiles.push({ path, stored: tile, made: await makeTile(name, options).catch(() => undefined) });
  }
  const [only] = tiles;
  if (tiles.length === 1) return only?.path;
  const suspects = tiles.filter(({ stored, made }) => !(made && equalBytes(made.bytes, stored.bytes)));
  for (const wrong of subsets(suspects.filter(({ made }) => made !== undefined))) {
    const edge = tiles.map((tile) => (wrong.includes(tile) && tile.made) || tile.stored);
    if (equalBytes(RightEdge.of(size, edge, options.sha).root(), root)) return wrong[0]?.path;
  }
  return suspects.length === 1 ? suspects[0]?.path : undefined;
}

/** All subsets but the empty one. A right edge has at most seven tiles, so there are fewer than 2^7. */
function subsets<T>(items: readonly T[]): T[][] {
  return Array.from({ length: 2 ** items.length - 1 }, (_, i) =>
    items.filter((_, at) => ((i + 1) >> at) % 2 === 1),
  );
}

async function readTile(
  name: TileCoordinates,
  options: LogReaderOptions,
): Promise<{ path: string; tile: HashTile }> {
  const { path, bytes } = await readPartialOrFull(options.read, { kind: 'tile', ...name });
  return { path, tile: HashTile.parse(name, bytes.subarray(0, name.width * HASH_LENGTH), options.sha) };
}

/** Makes a tile from the entry bundle or the full tiles below it, none of which is authenticated. */
async function makeTile(name: TileCoordinates, options: LogReaderOptions): Promise<HashTile> {
  const { level, index, width } = name;
  const hashes: Hash[] = [];
  if (level === 0) {
    const stored = await readPartialOrFull(options.read, { kind: 'entries', index, width });
    const bodies = await decodeEntryBundle(stored.bytes, stored.width, options);
    hashes.push(...bodies.slice(0, width).map((body) => leafHash(body, options.sha ?? sha256)));
  } else {
    const start = index * TILE_WIDTH;
    const below = readAhead(start, start + width, (at) =>
      readTile({ level: level - 1, index: at, width: TILE_WIDTH }, options),
    );
    for await (const [, { tile }] of below) hashes.push(tile.subtree(TILE_HEIGHT, 0));
  }
  return new HashTile(level, index, hashes, options.sha);
}
