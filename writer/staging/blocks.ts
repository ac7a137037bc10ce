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

export async function writeBlocks(queries: Queries, blocks: Iterable<Block>): Promise<void> {
  for (const { number, leaves } of blocks) {
    await queries.run('INSERT OR REPLACE INTO block (number, sum, leaves) VALUES (?, ?, ?)', [
      number,
      checksum('block', number, leaves),
      leaves,
    ]);
  }
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
