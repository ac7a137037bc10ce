/**
 * The leaf hashes of the published entries, in blocks of 256. A block is one row with a checksum, however many batches
 * its entries came in.
 * @module
 */
import { HASH_LENGTH, TILE_WIDTH, widthAt, type Hash } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, type Queries, type Row } from './database.js';

/** The leaf hashes of the entries from index 256 * `number` on. */
export interface Block {
  readonly number: number;
  /** 1 to 256 hashes of 32 bytes, one after the other. */
  readonly leaves: Uint8Array;
}

/**
 * All blocks. The partial block has a table of its own, because it grows with each batch: growing rows in the table of
 * full blocks would leave one row on each page, where rows written once and in order fill their pages.
 */
const BLOCKS = `(SELECT number, sum, leaves FROM block UNION ALL SELECT number, sum, leaves FROM tail)`;

/** Writes blocks over those of the same numbers. `blocks` ascend, and all but the log's last are full. */
export async function writeBlocks(queries: Queries, blocks: readonly Block[]): Promise<void> {
  const last = blocks.at(-1);
  if (last === undefined) return;
  await queries.run('DELETE FROM tail WHERE number <= ?', [last.number]);
  for (const { number, leaves } of blocks) {
    const table = leaves.length === TILE_WIDTH * HASH_LENGTH ? 'block' : 'tail';
    await queries.run(`INSERT OR REPLACE INTO ${table} (number, sum, leaves) VALUES (?, ?, ?)`, [
      number,
      checksum('block', number, leaves),
      leaves,
    ]);
  }
}

/** Reads the rows of blocks `from` to `to` (exclusive); `blockIn` parses them. */
export function readBlocks(queries: Queries, from: number, to: number): Promise<Row[]> {
  return queries.all(`SELECT * FROM ${BLOCKS} WHERE number >= ? AND number < ?`, [from, to]);
}

/**
 * Reads the leaf hashes of the blocks in `numbers`, and of all batches in the outbox. Each row has the index of its
 * first leaf as `first`. `blockIn` parses a block's row; in a batch's row `number` is null. One statement reads both,
 * since a batch could move from the outbox to the blocks between two statements, and be found in neither.
 */
export function readLeaves(queries: Queries, numbers: Iterable<number>): Promise<Row[]> {
  return queries.all(
    `SELECT number * ${TILE_WIDTH} AS first, number, sum, leaves FROM ${BLOCKS} WHERE number IN (${[...numbers].join()})
     UNION ALL SELECT old_size, NULL, NULL, leaves FROM outbox`,
  );
}

/**
 * The blocks that appending leaves to a log of `size` entries makes: the partial block, filled further, and new ones.
 * @param last the leaf hashes in the partial block; empty where `size` is a multiple of 256.
 */
export function appendLeaves(size: number, last: Uint8Array, leaves: Uint8Array): Block[] {
  const first = Math.floor(size / TILE_WIDTH);
  const all = Buffer.concat([last, leaves]);
  const length = TILE_WIDTH * HASH_LENGTH;
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) => ({
    number: first + i,
    leaves: all.subarray(i * length, (i + 1) * length),
  }));
}

/** Parses a block's row, in a log of `size` entries. Undefined where its length or checksum is wrong. */
export function blockIn(row: Row, size: number): Block | undefined {
  const [number, leaves] = [numberIn(row, 'number'), blobIn(row, 'leaves')];
  if (leaves.length !== HASH_LENGTH * widthAt(size, 0, number)) return undefined;
  return checksum('block', number, leaves).equals(blobIn(row, 'sum')) ? { number, leaves } : undefined;
}

/** The hashes that stand in a byte string one after the other, as views of it. */
export function hashesIn(leaves: Uint8Array): Hash[] {
  return Array.from({ length: leaves.length / HASH_LENGTH }, (_, i) =>
    leaves.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}
