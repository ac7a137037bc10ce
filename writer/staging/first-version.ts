/**
 * Carries staging over from the tables of Stele's first version, which kept a row for each batch for ever.
 * @module
 */
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import { equalBytes, HASH_LENGTH, RightEdge, TILE_WIDTH, type Tree } from '../../tiles-spec/index.js';
import { appendLeaves, hashesIn, writeBlocks } from './blocks.js';
import { blobIn, numberIn, textIn, type Database, type Queries } from './database.js';
import { insertLogRow, type StagedTree } from './log-row.js';
import { insertBatch } from './outbox.js';
import { forgetFullTiles, recordWidths } from './widths.js';

/** The names of that version's tables, in alphabetical order. */
export const FIRST_TABLES = ['batch', 'collected', 'log', 'outbox'];

/** Batches read at a time. Each takes 32 bytes of memory an entry. */
const PAGE = 256;

/**
 * Moves all rows into today's tables, inside one transaction: a crash leaves the old tables as they were. Costs about
 * 2 us an entry, once.
 * @param create makes today's tables.
 * @throws DamagedStoreError where the leaf hashes do not make the root of the last published tree.
 */
export async function carryOver(
  queries: Queries,
  database: Database,
  create: (queries: Queries) => Promise<void>,
): Promise<void> {
  for (const table of FIRST_TABLES) await queries.run(`ALTER TABLE ${table} RENAME TO first_${table}`);
  await create(queries);
  const [log] = await queries.all('SELECT origin, verifier_key, created FROM first_log');
  const published = await carryPublished(queries, database);
  if (log !== undefined) {
    const [row] = await queries.all('SELECT size FROM first_collected');
    const collected = row === undefined ? 0 : numberIn(row, 'size');
    await forgetFullTiles(queries, collected);
    await insertLogRow(queries, {
      origin: textIn(log, 'origin'),
      verifierKey: textIn(log, 'verifier_key'),
      created: numberIn(log, 'created'),
      published,
      collected,
    });
    await carryOutbox(queries, database);
  }
  for (const table of FIRST_TABLES) await queries.run(`DROP TABLE first_${table}`);
}

/** Moves the leaf hashes of the published entries, and returns the published tree. */
async function carryPublished(queries: Queries, database: Database): Promise<StagedTree> {
  let edge = RightEdge.empty(opensslSha256);
  let published: Tree & { time: number } = { size: 0, root: edge.root(), time: 0 };
  for (;;) {
    const rows = await queries.all(
      `SELECT old_size, size, root, time, leaf_hashes FROM first_batch
       WHERE old_size >= ?1 AND old_size < (SELECT coalesce(min(old_size), 9e15) FROM first_outbox)
       ORDER BY old_size LIMIT ${PAGE}`,
      [edge.size],
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    const leaves = Buffer.concat(rows.map((row) => blobIn(row, 'leaf_hashes')));
    const tail = edge.partial(0, Math.floor(edge.size / TILE_WIDTH))?.bytes ?? new Uint8Array(0);
    await writeBlocks(queries, appendLeaves(edge.size, tail, leaves));
    await recordWidths(
      queries,
      edge.size,
      rows.map((row) => numberIn(row, 'size')),
    );
    if (numberIn(last, 'size') !== edge.size + leaves.length / HASH_LENGTH)
      throw database.damaged(`it has no batch that begins at ${edge.size}, or too many leaf hashes`);
    ({ edge } = edge.append(hashesIn(leaves)));
    published = { size: edge.size, root: blobIn(last, 'root'), time: numberIn(last, 'time') };
  }
  if (!equalBytes(edge.root(), published.root))
    throw database.damaged(`its leaf hashes are not those of the tree of ${published.size}`);
  return published;
}

async function carryOutbox(queries: Queries, database: Database): Promise<void> {
  const sizes = await queries.all('SELECT old_size FROM first_outbox ORDER BY old_size');
  for (const { old_size: oldSize } of sizes as { old_size: number }[]) {
    const [row] = await queries.all(
      `SELECT old_size, size, root, time, leaf_hashes, claim
       FROM first_outbox JOIN first_batch USING (old_size) WHERE old_size = ?`,
      [oldSize],
    );
    if (row === undefined) throw database.damaged(`its unpublished batch from ${oldSize} has no leaf hashes`);
    await insertBatch(
      queries,
      {
        oldSize,
        size: numberIn(row, 'size'),
        root: blobIn(row, 'root'),
        time: numberIn(row, 'time'),
        claim: blobIn(row, 'claim'),
      },
      blobIn(row, 'leaf_hashes'),
    );
  }
}
