/**
 * The one row in which staging keeps the log's identity, its published tree, and how far partial objects are deleted.
 * @module
 */
import type { Tree } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, textIn, type Database, type Queries } from './database.js';

/** The identity of a log, which never changes. */
export interface LogIdentity {
  readonly origin: string;
  /** As text: `<name>+<key id>+<key>`. */
  readonly verifierKey: string;
  /** When the log was created, Unix milliseconds. */
  readonly created: number;
}

/** The tree after a batch. */
export interface StagedTree extends Tree {
  /** When the batch was sequenced, Unix milliseconds; 0 in a log without entries. */
  readonly time: number;
}

export interface LogRow extends LogIdentity {
  readonly published: StagedTree;
  /** The tree size up to which partial objects are deleted. */
  readonly collected: number;
}

/**
 * Reads the log's row; undefined where there is none.
 * @throws DamagedStoreError where the row's checksum is wrong.
 */
export async function readLogRow(
  queries: Queries,
  database: Pick<Database, 'damaged'>,
): Promise<LogRow | undefined> {
  const [row] = await queries.all('SELECT * FROM log');
  if (row === undefined) return undefined;
  const log = {
    origin: textIn(row, 'origin'),
    verifierKey: textIn(row, 'verifier_key'),
    created: numberIn(row, 'created'),
    published: { size: numberIn(row, 'size'), root: blobIn(row, 'root'), time: numberIn(row, 'time') },
    collected: numberIn(row, 'collected'),
  };
  if (!sumOf(log).equals(blobIn(row, 'sum')))
    throw database.damaged("the row of the log's name and size has another checksum than its contents");
  return log;
}

/** Writes the log's row for the first time. @throws SQLite's error where there is a row already. */
export function insertLogRow(queries: Queries, log: LogRow): Promise<void> {
  const { origin, verifierKey, created, published, collected } = log;
  const { size, root, time } = published;
  return queries.run(
    `INSERT INTO log (id, origin, verifier_key, created, size, root, time, collected, sum)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [origin, verifierKey, created, size, root, time, collected, sumOf(log)],
  );
}

/** Changes the published tree and the collected size in the log's row. The identity must be as it was. */
export function updateLogRow(queries: Queries, log: LogRow): Promise<void> {
  const { size, root, time } = log.published;
  return queries.run('UPDATE log SET size = ?, root = ?, time = ?, collected = ?, sum = ?', [
    size,
    root,
    time,
    log.collected,
    sumOf(log),
  ]);
}

function sumOf({ origin, verifierKey, created, published, collected }: LogRow): Buffer {
  const { size, root, time } = published;
  return checksum('log', origin, verifierKey, created, size, root, time, collected);
}
