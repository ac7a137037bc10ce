/**
 * The leaf hashes of what is published, in blocks of 256: a row a block, whatever the batches were, each with its
 * checksum.
 * @module
 */
import { HASH_LENGTH, TILE_WIDTH, widthAt, type Hash } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, type Queries, type Row } from './database.js';

/** The leaf hashes of entries 256 * `number` on: 1 to 256, one after the other. */
export interface Block {
  readonly number: number;
  readonly leaves: Uint8Array;
}

/**
 * All blocks. The one that is not full has a table of its own, where it can grow: rows that are written once, in order,
 * fill their pages, and a row that grew among them would leave each page with one row.
 */
const BLOCKS = `(SELECT number, sum, leaves FROM block UNION ALL SELECT number, sum, leaves FROM tail)`;

/** Writes blocks, in the place of those of the same numbers; each is full, but for the log's last. */
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

/** The rows of blocks `from` to `to` (exclusive), for `blockIn`. */
export function readBlocks(queries: Queries, from: number, to: number): Promise<Row[]> {
  return queries.all(`SELECT * FROM ${BLOCKS} WHERE number >= ? AND number < ?`, [from, to]);
}

/**
 * The leaves of some blocks and of the outbox, each with its `first` index; a block's row is one for `blockIn`, of a
 * batch `number` is null. In one statement: between two, a batch could move from the outbox to the blocks, and be in
 * neither.
 */
export function readLeaves(queries: Queries, numbers: Iterable<number>): Promise<Row[]> {
  return queries.all(
    `SELECT number * ${TILE_WIDTH} AS first, number, sum, leaves FROM ${BLOCKS} WHERE number IN (${[...numbers].join()})
     UNION ALL SELECT old_size, NULL, NULL, leaves FROM outbox`,
  );
}

/** Appends leaves to a log of `size` entries. @param last the leaves of the block that is not full, if there is one. */
export function appendLeaves(size: number, last: Uint8Array, leaves: Uint8Array): Block[] {
  const first = Math.floor(size / TILE_WIDTH);
  const all = Buffer.concat([last, leaves]);
  const length = TILE_WIDTH * HASH_LENGTH;
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) => ({
    number: first + i,
    leaves: all.subarray(i * length, (i + 1) * length),
  }));
}

/** The block in a row, in a log of `size` entries; undefined where the row is damaged. */
export function blockIn(row: Row, size: number): Block | undefined {
  const [number, leaves] = [numberIn(row, 'number'), blobIn(row, 'leaves')];
  if (leaves.length !== HASH_LENGTH * widthAt(size, 0, number)) return undefined;
  return checksum('block', number, leaves).equals(blobIn(row, 'sum')) ? { number, leaves } : undefined;
}

/** The hashes in a byte string, as views into it. */
export function hashesIn(leaves: Uint8Array): Hash[] {
  return Array.from({ length: leaves.length / HASH_LENGTH }, (_, i) =>
    leaves.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}
