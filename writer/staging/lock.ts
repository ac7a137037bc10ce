/**
 * Ownership of a folder for the process's life, by SQLite's own file lock: the kernel drops it when the process dies,
 * however it dies.
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, DamagedStoreError, messageOf } from '../../src/errors.js';
import { hasCode } from '../../src/node/system-error.js';
import { Database } from './database.js';

/**
 * The lock's file. Nothing else in the process may ever open it: closing any descriptor on a file drops the
 * process's locks on it (POSIX). So it is looked at by its name alone.
 */
const LOCK_FILE = '.lock.sqlite';

export class FolderLock {
  readonly #file: string;
  readonly #database: Database;
  /** Which file is locked. */
  readonly #identity: string;
  /** Whether the file was made to be locked. */
  readonly isNew: boolean;

  private constructor(file: string, database: Database, identity: string, isNew: boolean) {
    this.#file = file;
    this.#database = database;
    this.#identity = identity;
    this.isNew = isNew;
  }

  /**
   * @param folder must exist.
   * @throws ConfigurationError when another process owns the folder, or the lock's file cannot be written.
   */
  static async take(folder: string): Promise<FolderLock> {
    const file = join(folder, LOCK_FILE);
    const isNew = makeFile(file);
    const before = await identityOf(file);
    const database = await Database.open(file).catch((error: unknown) => {
      throw notTaken(file, error);
    });
    try {
      await database.run('PRAGMA locking_mode = EXCLUSIVE');
      // A transaction that writes nothing succeeds on a file that cannot be written, and then locks nothing.
      await database.transaction((queries) => queries.run('PRAGMA user_version = 1'));
      const identity = await identityOf(file);
      // Another process may have removed the file between its opening and its locking, and a third one made another.
      if (identity === undefined || identity !== before)
        throw new Error('the file was replaced meanwhile: start again');
      return new FolderLock(file, database, identity, isNew);
    } catch (error) {
      const busy = hasCode(error, 'SQLITE_BUSY');
      // A file that took the place of the one made here is another's.
      if (isNew && !busy && (await identityOf(file)) === before) await rm(file, { force: true });
      await database.close();
      throw busy
        ? new ConfigurationError(`${folder} is owned by another running writer: stop it first`)
        : notTaken(file, error);
    }
  }

  /**
   * Makes sure that the file is still the one that is locked. Costs one system call.
   * @throws DamagedStoreError when it was deleted or replaced: another writer may then own the folder too.
   */
  async check(): Promise<void> {
    if ((await identityOf(this.#file)) === this.#identity) return;
    throw new DamagedStoreError(
      `${this.#file}, the lock of the store, was deleted or replaced while this writer ran, so that another writer may have started here. Make sure that no other one runs, and start this one again; never delete that file while a writer runs`,
    );
  }

  release(): Promise<void> {
    return this.#database.close();
  }

  /** Deletes the file, and releases the lock. A process that has opened the file meanwhile finds out in `take`. */
  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
    await this.release();
  }
}

/**
 * Makes the lock's file, empty, so that there is one to compare with before it is locked. False where there is one: it is
 * not opened, for to close it would drop a lock of this process. No other code runs before the new file is closed.
 * @throws ConfigurationError
 */
function makeFile(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o644));
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw notTaken(file, error);
  }
}

/** Which file has this name: another one that takes the name while this one is open has another number. */
async function identityOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function notTaken(file: string, error: unknown): ConfigurationError {
  const isReadOnly = hasCode(error, 'SQLITE_READONLY');
  const advice = isReadOnly ? '. Give the user that runs the writer the right to write it' : '';
  return new ConfigurationError(
    `${file}, the lock of the store, cannot be taken: ${messageOf(error)}${advice}`,
  );
}
