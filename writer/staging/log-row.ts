/**
 * Staging's one row of the log: what it is, and how far it is published and its partial objects are deleted.
 * @module
 */
import type { Tree } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, numberIn, textIn, type Database, type Queries } from './database.js';

/** What a log is, fixed when it is made. */
export interface LogIdentity {
  readonly origin: string;
  readonly verifierKey: string;
  /** Unix milliseconds. */
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
 * The log's row, or undefined where there is none.
 * @throws DamagedStoreError where it is damaged.
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

/** Makes the log's row. Fails where there is one. */
export function insertLogRow(queries: Queries, log: LogRow): Promise<void> {
  const { origin, verifierKey, created, published, collected } = log;
  const { size, root, time } = published;
  return queries.run(
    `INSERT INTO log (id, origin, verifier_key, created, size, root, time, collected, sum)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [origin, verifierKey, created, size, root, time, collected, sumOf(log)],
  );
}

/** Changes how far the log has come. */
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
