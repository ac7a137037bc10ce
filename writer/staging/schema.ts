/**
 * Staging's tables. A new file gets them, an older version's tables are carried over into them, and a file of a newer
 * version is refused.
 * @module
 */
import { NewerVersionError } from '../../tiles-spec/index.js';
import { numberIn, textIn, type Database, type Queries } from './database.js';
import { carryOver, FIRST_TABLES } from './first-version.js';

/** The version of the tables, kept as SQLite's `user_version`. A change of the tables must raise it. */
const VERSION = 2;

/** By name. The text must be what SQLite keeps in `sqlite_schema`, since the two are compared. */
const TABLES: Readonly<Record<string, string>> = {
  // The log's identity, its published tree, and the size up to which partial objects are deleted: one row.
  log: `CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, verifier_key TEXT NOT NULL, created INTEGER NOT NULL,
    size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, collected INTEGER NOT NULL, sum BLOB NOT NULL
  ) STRICT`,
  // The leaf hashes of the published entries: full blocks of 256 a row, and apart from them the partial block.
  block: `CREATE TABLE block (number INTEGER PRIMARY KEY, sum BLOB NOT NULL, leaves BLOB NOT NULL) STRICT`,
  tail: `CREATE TABLE tail (number INTEGER PRIMARY KEY, sum BLOB NOT NULL, leaves BLOB NOT NULL) STRICT`,
  // The widths in which each tile has been published while it was partial: a bit a width.
  widths: `CREATE TABLE widths (
    level INTEGER NOT NULL, number INTEGER NOT NULL, bits BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (level, number)
  ) STRICT, WITHOUT ROWID`,
  // The batches that are sequenced and not yet published.
  outbox: `CREATE TABLE outbox (
    old_size INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, sum BLOB NOT NULL,
    leaves BLOB NOT NULL, claim BLOB NOT NULL
  ) STRICT`,
  // The old sizes of published batches whose claims may still be in the store.
  claim: `CREATE TABLE claim (old_size INTEGER PRIMARY KEY) STRICT`,
};

/**
 * Makes the tables in a new file, or carries over those of an older version, in one transaction.
 * @throws NewerVersionError where a newer version of Stele made the file; DamagedStoreError where the tables are those of
 *   no version.
 */
export async function prepareTables(database: Database, file: string): Promise<void> {
  const [version = 0] = (await database.all('PRAGMA user_version')).map((row) =>
    numberIn(row, 'user_version'),
  );
  if (version > VERSION)
    throw new NewerVersionError(
      `${file} was made by a newer version of Stele: its tables are of version ${version}, and this one knows ${VERSION}. Run the newer version`,
    );
  const found = await tablesIn(database);
  const names = Object.keys(found).sort().join();
  if (version === 0 && names === '') {
    await database.transaction(create);
  } else if (version === 0 && names === FIRST_TABLES.join()) {
    await database.transaction((queries) => carryOver(queries, database, create));
  } else {
    const wrong = Object.entries(TABLES).find(([name, sql]) => found[name] !== sql);
    if (
      version !== VERSION ||
      wrong !== undefined ||
      Object.keys(found).length !== Object.keys(TABLES).length
    )
      throw database.damaged(`its tables are not those of version ${version}`);
  }
}

async function create(queries: Queries): Promise<void> {
  for (const sql of Object.values(TABLES)) await queries.run(sql);
  await queries.run(`PRAGMA user_version = ${VERSION}`);
}

async function tablesIn(database: Database): Promise<Record<string, string>> {
  const rows = await database.all(`SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL`);
  return Object.fromEntries(rows.map((row) => [textIn(row, 'name'), textIn(row, 'sql')]));
}
