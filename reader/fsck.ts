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
  /** Whether the times are read too; logs of other software have none. Default: true. */
  readonly times?: boolean | undefined;
}

/** A log whose every file was found to be right. */
export interface FsckReport {
  readonly checkpoint: SignedCheckpoint;
  /** The newest checkpoint seen before, which this one extends. */
  readonly seen: SignedCheckpoint | undefined;
  /** When the first and the last entry were sequenced, Unix milliseconds; none in an empty log, or unread. */
  readonly times: { readonly first: number; readonly last: number } | undefined;
  /**
   * The path of a bundle that came compressed, as it is stored: over HTTP, of one that the server does not say to be
   * gzip (`Content-Encoding`), so that most other readers cannot read it.
   */
  readonly compressedEntryBundle: string | undefined;
}

/**
 * Reads every file that the log's checkpoint names, from the log itself and from no cache: once, but for tiles of
 * level 2 and up (once for each tile below them) and the few that compare the log with what was seen of it. Memory does
 * not grow with the log.
 * @param onProgress told how many entries are checked, and of how many: 0 at first, all at last.
 * @throws for the first file that is wrong: FormatError (MissingObjectError), ProofError or UnexpectedAnswerError,
 *   whose `path` names it. It has no `path` where the edge is wrong and nothing tells which tile of it: wrong files fit
 *   each other, over two are wrong, or the checkpoint is signed for another tree. Also UnreachableError,
 *   InconsistentLogError, StateError.
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
    // They are waited for after the bundle, so that of two wrong files the same one is always named.
    times.catch(() => undefined);
    return { width: (await tree.entryBundle(index, maxLength)).length, times: await times };
  });
  for await (const [index, { width, times }] of bundles) {
    if (times !== undefined) order.add(index, times);
    onProgress?.(index * TILE_WIDTH + width, checkpoint.size);
  }
  return { checkpoint, seen, times: order.range, compressedEntryBundle };
}

/** How far the writer's clock may be ahead, in milliseconds. */
const LONGEST_LEAD = 24 * 3_600_000;

/** The times of a log, bundle after bundle: within one, they are in order already. */
class TimesOrder {
  #path = '';
  range: { readonly first: number; readonly last: number } | undefined;

  /** @throws ProofError when `times`, at least one, begin before those added last end, or are still to come. */
  add(index: number, times: readonly number[]): void {
    const path = formatPath({ kind: 'times', index, width: times.length });
    const [first = 0, last = first] = [times[0], times.at(-1)];
    if (last > Date.now() + LONGEST_LEAD)
      throw new ProofError(`${path}: has a time to come, ${new Date(last).toISOString()}`, path);
    if (this.range !== undefined && first < this.range.last) {
      throw new ProofError(`${path}: begins before ${this.#path} ends: one of the two is wrong`, path);
    }
    this.#path = path;
    this.range = { first: this.range?.first ?? first, last };
  }
}

/** The log at its newest checkpoint, its right edge read. @throws ProofError that names the tile which is wrong. */
async function latestWithEdge(reader: LogReader): Promise<Latest> {
  try {
    const latest = await reader.latest();
    await latest.tree.edge();
    return latest;
  } catch (error) {
    // What was seen before is compared by way of the edge, so that either step may have found it wrong.
    if (!(error instanceof ProofError) || error.path !== undefined) throw error;
    const checkpoint = await reader.checkpoint();
    if (checkpoint !== undefined) await requireEdge(checkpoint, reader);
    throw error;
  }
}

/** @throws ProofError, with the path of a tile that is wrong, unless the right edge hashes to the root. */
async function requireEdge(tree: Tree, reader: LogReader): Promise<void> {
  try {
    await reader.at(tree).edge();
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    const path = await wrongOnEdge(tree, reader.options);
    if (path === undefined) throw error;
    throw new ProofError(`${path}: is not that of the tree of ${tree.size}`, path);
  }
}

/** A tile of the right edge, and what is below it made into the tile that belongs there: nothing authenticated. */
interface EdgeTile {
  readonly path: string;
  readonly stored: HashTile;
  /** Undefined where what is below is missing, damaged, or cannot be read. */
  readonly made: HashTile | undefined;
}

/**
 * The path of a tile that is wrong, the lowest if it can be told, of an edge that does not hash to the root. All its
 * tiles are in the root, which therefore does not tell which of them is wrong; what is below them does:
 *   - Where the root is right with the tiles that were made in the place of some of those stored, those are wrong.
 *   - Where it never is, something below is wrong too. A tile that is wrong differs from what was made, but for files
 *     that are wrong and fit each other: where just one differs, it is that one.
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

/** All subsets but the empty one; at most 2^7, as an edge has no more tiles. */
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

/** A tile as the bundle or the full tiles below it make it, none of which are authenticated. */
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
