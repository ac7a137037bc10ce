/**
 * Staging from the store: leaf hashes that staging has not, or has damaged, are read from the published log's tiles.
 * @module
 */
import type { ReadObject, TreeReader } from '../reader/index.js';
import { parseTrustedRoot } from '../src/sigstore/trust/trusted-root.js';
import { equalBytes, FormatError, HASH_LENGTH, TILE_WIDTH, widthAt } from '../tiles-spec/index.js';
import type { Block, StagedTree, Staging } from './staging/staging.js';

/** The longest trust file that is read, in bytes. */
const MAX_TRUST_FILE = 1 << 20;

/** Blocks written in one transaction: 8 KiB each, in memory and in staging's WAL. */
const STEP = 1024;

/**
 * Brings staging up to a larger tree, which must extend the published one that it has. Each transaction leaves staging
 * as it was at some smaller tree of the same log, so that a crash in between leaves one that the next start brings up.
 * Costs a tile of 8 KiB for 256 entries; holds 8 MiB.
 * @param onProgress told how many of how many entries are done.
 */
export async function bringUp(
  staging: Staging,
  tree: TreeReader,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const from = (await staging.published()).size;
  const { size } = tree.tree;
  let blocks: Block[] = [];
  for await (const [number, { bytes }] of tree.leafTiles(Math.floor(from / TILE_WIDTH))) {
    blocks.push({ number, leaves: bytes });
    const end = number * TILE_WIDTH + bytes.length / HASH_LENGTH;
    if (blocks.length < STEP && end < size) continue;
    await staging.adopt(await treeAt(tree, end), blocks);
    onProgress(end - from, size - from);
    blocks = [];
  }
}

/** The log as it was at `size`, which is the end of a bundle, or of all. */
async function treeAt(tree: TreeReader, size: number): Promise<StagedTree> {
  const times = await tree.times(Math.ceil(size / TILE_WIDTH) - 1);
  return { size, root: await tree.rootAt(size), time: times.at(-1) ?? 0 };
}

/** Reads staging's damaged blocks anew. The tree must extend the published one that staging has. Returns how many. */
export async function repairBlocks(staging: Staging, tree: TreeReader): Promise<number> {
  const published = await staging.published();
  const damaged = staging.damage().blocks;
  for (let at = 0; at < damaged.length; at += STEP) {
    const blocks: Block[] = [];
    for (const number of damaged.slice(at, at + STEP)) {
      const { bytes } = await tree.leafTile(number);
      blocks.push({ number, leaves: bytes.subarray(0, HASH_LENGTH * widthAt(published.size, 0, number)) });
    }
    await staging.adopt(published, blocks);
  }
  return damaged.length;
}

/**
 * When a log was made, Unix milliseconds, as its store tells: the start in its trust file, which nothing authenticates,
 * unless that is later than the first entry; then the time of the first entry.
 * @param spki the log's key, DER.
 * @param now for a log that has no entry.
 */
export async function creationOf(
  tree: TreeReader,
  read: ReadObject,
  spki: Uint8Array,
  now: number,
): Promise<number> {
  const [first = now] = tree.tree.size === 0 ? [] : await tree.times(0);
  const file = await read('trusted_root.json', MAX_TRUST_FILE);
  return Math.min(first, (file && startIn(file, spki)) ?? first);
}

/** When a log's key came into use, by a trust file; undefined where that does not say. */
function startIn(file: Uint8Array, spki: Uint8Array): number | undefined {
  try {
    return parseTrustedRoot(file).logs.find((log) => equalBytes(log.spki, spki))?.validFor.start;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}
