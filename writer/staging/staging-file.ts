/**
 * The file of staging: how SQLite opens it, and how damage is told from other errors while it is read the first time.
 * @module
 */
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Database } from './database.js';
import { prepareTables } from './schema.js';

const ADVICE =
  'Keep the file, and restore its newest copy, or start with --rebuild, which moves it aside and makes it anew from the store';

const PRAGMAS = [
  // A full block, 8 KiB and a little more, takes 2 1/8 pages of 4 KiB. It would take 1 1/8 of 8 KiB, which is more.
  'page_size = 4096',
  'locking_mode = EXCLUSIVE',
  'journal_mode = WAL',
  'synchronous = FULL',
  'fullfsync = ON',
  'wal_autocheckpoint = 4000',
];

/**
 * Opens the file, or makes it, for this process alone, and has `load` read it. The file is closed where any of that fails.
 * @returns what `load` returns.
 * @throws DamagedStoreError where the file is damaged; NewerVersionError; SQLite's own errors, with their `code`:
 *   SQLITE_BUSY where another process has the file open; what `load` throws.
 */
export async function openStagingFile<T>(file: string, load: (database: Database) => Promise<T>): Promise<T> {
  await requireWritable(file);
  const database = await Database.open(file, ADVICE);
  try {
    for (const pragma of PRAGMAS) await database.run(`PRAGMA ${pragma}`);
    await prepareTables(database, file);
    const [check] = await database.all('PRAGMA quick_check(1)');
    if (check?.['quick_check'] !== 'ok') throw database.damaged(String(check?.['quick_check']));
    return await load(database);
  } catch (error) {
    await database.close();
    throw isOfDamage(error) ? database.damaged(error.message, { cause: error }) : error;
  }
}

/**
 * Requires that the file can be written, by the file system. SQLite gives the same error for a file without permission
 * and for one whose damaged header says read-only.
 */
async function requireWritable(file: string): Promise<void> {
  await access(dirname(file), constants.W_OK);
  if (existsSync(file)) await access(file, constants.R_OK | constants.W_OK);
}

/**
 * Whether an error of the first reads comes from a damaged file that SQLite does not call corrupt: SQL that does not fit
 * its tables, a header that says read-only, or a column that holds another type.
 */
function isOfDamage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return error instanceof TypeError || code === 'SQLITE_ERROR' || code === 'SQLITE_READONLY';
}
