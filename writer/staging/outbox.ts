/**
 * Staging's outbox: the batches that are sequenced and not yet published, whole.
 * @module
 */
import { equalBytes, HASH_LENGTH } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, type Queries, type Row } from './database.js';
import type { StagedTree } from './log-row.js';

/** A batch as it is sequenced: it takes the tree from `oldSize` to `size`. */
export interface SequencedBatch {
  readonly oldSize: number;
  readonly size: number;
  /** The tree's root after it. */
  readonly root: Uint8Array;
  /** When it was sequenced, Unix milliseconds. */
  readonly time: number;
  /** The bytes of its claim: its signed checkpoint and every object that it makes. */
  readonly claim: Uint8Array;
}

/** A batch's row, but for its claim. */
export interface OutboxRow extends StagedTree {
  readonly oldSize: number;
  /** Its leaf hashes, one after the other. */
  readonly leaves: Uint8Array;
}

const COLUMNS = 'old_size, size, root, time, sum, leaves';

export function insertBatch(queries: Queries, batch: SequencedBatch, leaves: Uint8Array): Promise<void> {
  const { oldSize, size, root, time, claim } = batch;
  const sum = sumOf({ ...batch, leaves });
  return queries.run(`INSERT INTO outbox (${COLUMNS}, claim) VALUES (?, ?, ?, ?, ?, ?, ?)`, [
    oldSize,
    size,
    root,
    time,
    sum,
    leaves,
    claim,
  ]);
}

/** The batches, in order, with their claims. */
export async function readBatches(queries: Queries): Promise<SequencedBatch[]> {
  const rows = await queries.all('SELECT old_size, size, root, time, claim FROM outbox ORDER BY old_size');
  return rows.map((row) => ({
    ...treeIn(row),
    oldSize: numberIn(row, 'old_size'),
    claim: blobIn(row, 'claim'),
  }));
}

/** The tree after the last batch, or undefined where there is no batch. */
export async function readLastTree(queries: Queries): Promise<StagedTree | undefined> {
  const [row] = await queries.all('SELECT size, root, time FROM outbox ORDER BY old_size DESC LIMIT 1');
  return row && treeIn(row);
}

/** Whether the outbox holds just this batch. */
export async function holds(queries: Queries, batch: SequencedBatch): Promise<boolean> {
  const [row] = await queries.all('SELECT size, root, time, claim FROM outbox WHERE old_size = ?', [
    batch.oldSize,
  ]);
  if (row === undefined) return false;
  const { size, root, time } = treeIn(row);
  const isSame = size === batch.size && time === batch.time && equalBytes(root, batch.root);
  return isSame && equalBytes(blobIn(row, 'claim'), batch.claim);
}

/**
 * The batches without their claims, one after the other as they follow a published tree of `size` entries.
 * @returns those that are whole, and the old size of the first that is damaged or does not follow, if one is.
 */
export async function readChain(
  queries: Queries,
  size: number,
): Promise<{ batches: OutboxRow[]; damagedFrom: number | undefined }> {
  const batches: OutboxRow[] = [];
  let end = size;
  for (const row of await queries.all(`SELECT ${COLUMNS} FROM outbox ORDER BY old_size`)) {
    const batch = batchIn(row);
    if (batch?.oldSize !== end) return { batches, damagedFrom: numberIn(row, 'old_size') };
    batches.push(batch);
    end = batch.size;
  }
  return { batches, damagedFrom: undefined };
}

/** A batch's row, but for its claim; undefined where the row is damaged. */
export function batchIn(row: Row): OutboxRow | undefined {
  const batch = { ...treeIn(row), oldSize: numberIn(row, 'old_size'), leaves: blobIn(row, 'leaves') };
  const isWhole = batch.leaves.length === HASH_LENGTH * (batch.size - batch.oldSize);
  return isWhole && sumOf(batch).equals(blobIn(row, 'sum')) ? batch : undefined;
}

/** A batch's row, but for its claim, by its old size: with its columns for `batchIn`. */
export async function rowOf(queries: Queries, oldSize: number): Promise<Row | undefined> {
  const [row] = await queries.all(`SELECT ${COLUMNS} FROM outbox WHERE old_size = ?`, [oldSize]);
  return row;
}

function treeIn(row: Row): StagedTree {
  return { size: numberIn(row, 'size'), root: blobIn(row, 'root'), time: numberIn(row, 'time') };
}

/** Not over the claim, which the log's signature covers: what it holds is verified before it is published. */
function sumOf({ oldSize, size, root, time, leaves }: OutboxRow): Buffer {
  return checksum('outbox', oldSize, size, root, time, leaves);
}
