/**
 * Fills staging from the store: leaf hashes that staging lacks, or has damaged, are read from the published log's
 * tiles.
 * @module
 */
import type { ReadObject, TreeReader } from '../reader/index.js';
import { TRUSTED_ROOT } from '../src/sigstore/trust/trust-files.js';
import { MAX_TRUSTED_ROOT_LENGTH, parseTrustedRoot } from '../src/sigstore/trust/trusted-root.js';
import { equalBytes, FormatError, HASH_LENGTH, TILE_WIDTH, widthAt } from '../tiles-spec/index.js';
import type { Block, StagedTree, Staging } from './staging/staging.js';

/** Blocks in one transaction: each takes 8 KiB of memory, and of staging's write-ahead log. */
const STEP = 1024;

/**
 * Brings staging up to a larger tree, which must extend the tree that staging has published. Each transaction leaves
 * staging at some smaller tree of the same log, so the next start can go on after a crash. Costs one read of 8 KiB for
 * every 256 missing entries, and one read of times a transaction; holds 8 MiB.
 * @param onProgress called after each transaction: `done` of `total` missing entries are in staging.
 * @throws ProofError or FormatError where a tile of the store is damaged or missing; what staging throws.
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

/** The log as it was at `size`, which is a multiple of 256, or the size of the whole tree. */
async function treeAt(tree: TreeReader, size: number): Promise<StagedTree> {
  const times = await tree.times(Math.ceil(size / TILE_WIDTH) - 1);
  return { size, root: await tree.rootAt(size), time: times.at(-1) ?? 0 };
}

/**
 * Reads staging's damaged blocks again. `tree` must extend the tree that staging has published. Costs one tile a block.
 * @returns the number of blocks that were repaired.
 * @throws ProofError or FormatError where a tile of the store is damaged or missing; what staging throws.
 */
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
 * When a log was created, Unix milliseconds, by its store: the start in its trust file, or the time of the first entry
 * where that is earlier. Nothing authenticates the trust file, and a start after the first entry cannot be right.
 * @param spki the log's public key, as DER SubjectPublicKeyInfo.
 * @param now the creation time of a log that has neither entries nor a trust file.
 * @throws ProofError or FormatError where the first times are damaged or missing.
 */
export async function creationOf(
  tree: TreeReader,
  read: ReadObject,
  spki: Uint8Array,
  now: number,
): Promise<number> {
  const [first = now] = tree.tree.size === 0 ? [] : await tree.times(0);
  const file = await read(TRUSTED_ROOT, MAX_TRUSTED_ROOT_LENGTH);
  return Math.min(first, (file && startIn(file, spki)) ?? first);
}

/** When a log's key came into use, by a trust file; undefined where the file does not list the key, or is damaged. */
function startIn(file: Uint8Array, spki: Uint8Array): number | undefined {
  try {
    return parseTrustedRoot(file).logs.find((log) => equalBytes(log.spki, spki))?.validFor.start;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}
