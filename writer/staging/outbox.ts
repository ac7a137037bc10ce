/**
 * Staging's outbox: the batches that are sequenced and not yet published, with all their bytes.
 * @module
 */
import { equalBytes, HASH_LENGTH } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, type Queries, type Row } from './database.js';
import type { StagedTree } from './log-row.js';

/** A sequenced batch, which takes the tree from `oldSize` entries to `size`. */
export interface SequencedBatch {
  readonly oldSize: number;
  readonly size: number;
  /** The root of the tree of `size` entries. */
  readonly root: Uint8Array;
  /** When the batch was sequenced, Unix milliseconds. */
  readonly time: number;
  /** The bytes of the batch's claim: its signed checkpoint, and every object that it makes. */
  readonly claim: Uint8Array;
}

/** A batch's row without its claim. */
export interface OutboxRow extends StagedTree {
  readonly oldSize: number;
  /** The leaf hashes of the batch's entries, 32 bytes each, one after the other. */
  readonly leaves: Uint8Array;
}

const COLUMNS = 'old_size, size, root, time, sum, leaves';

/** @throws SQLite's error where there is a batch of the same old size. */
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

/** Reads all batches, in order, with their claims. */
export async function readBatches(queries: Queries): Promise<SequencedBatch[]> {
  const rows = await queries.all('SELECT old_size, size, root, time, claim FROM outbox ORDER BY old_size');
  return rows.map((row) => ({
    ...treeIn(row),
    oldSize: numberIn(row, 'old_size'),
    claim: blobIn(row, 'claim'),
  }));
}

/** Reads the tree after the last batch; undefined where there is no batch. */
export async function readLastTree(queries: Queries): Promise<StagedTree | undefined> {
  const [row] = await queries.all('SELECT size, root, time FROM outbox ORDER BY old_size DESC LIMIT 1');
  return row && treeIn(row);
}

/** Whether the outbox holds a batch with the same sizes, root, time and claim, compared byte by byte. */
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
 * Reads the batches that follow the published tree of `size` entries, without their claims. Each must begin where the one
 * before it ends. Reading stops at the first batch that is damaged or does not.
 * @returns the batches before that one, and `damagedFrom`: the old size of that one; undefined where all are good.
 */
export async function readChain(
  queries: Queries,
  size: number,
): Promise<{ batches: OutboxRow[]; damagedFrom: number | undefined }> {
  const batches: OutboxRow[] = [];
  let end = size;
  for (const row of await queries.all(`SELECT ${COLUMNS} FROM outbox ORDER BY old_size`)) {
    const batch = batchIn(row);
    if (batch === undefined || batch.oldSize !== end)
      return { batches, damagedFrom: numberIn(row, 'old_size') };
    batches.push(batch);
    end = batch.size;
  }
  return { batches, damagedFrom: undefined };
}

/** Parses a batch's row without its claim. Undefined where its length or checksum is wrong. */
export function batchIn(row: Row): OutboxRow | undefined {
  const batch = { ...treeIn(row), oldSize: numberIn(row, 'old_size'), leaves: blobIn(row, 'leaves') };
  const isWhole = batch.leaves.length === HASH_LENGTH * (batch.size - batch.oldSize);
  return isWhole && sumOf(batch).equals(blobIn(row, 'sum')) ? batch : undefined;
}

/** Reads the row of the batch from `oldSize`, without its claim; `batchIn` parses it. Undefined where there is none. */
export async function rowOf(queries: Queries, oldSize: number): Promise<Row | undefined> {
  const [row] = await queries.all(`SELECT ${COLUMNS} FROM outbox WHERE old_size = ?`, [oldSize]);
  return row;
}

function treeIn(row: Row): StagedTree {
  return { size: numberIn(row, 'size'), root: blobIn(row, 'root'), time: numberIn(row, 'time') };
}

/** The checksum of a row. It leaves the claim out, which is verified by the log's signature before it is published. */
function sumOf({ oldSize, size, root, time, leaves }: OutboxRow): Buffer {
  return checksum('outbox', oldSize, size, root, time, leaves);
}
