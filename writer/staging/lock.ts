/**
 * Ownership of a folder for the process's life, by SQLite's own file lock: the kernel drops it when the process dies,
 * however it dies.
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, messageOf } from '../../src/errors.js';
import { Database } from './database.js';

/**
 * The lock's file. Nothing else in the process may ever open it: closing any descriptor on a file drops the
 * process's locks on it (POSIX).
 */
const LOCK_FILE = '.lock.sqlite';

export class FolderLock {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws ConfigurationError when another process owns the folder. */
  static async take(folder: string): Promise<FolderLock> {
    await mkdir(folder, { recursive: true });
    const database = await Database.open(join(folder, LOCK_FILE));
    try {
      // The pragma alone locks nothing: the first write takes the lock, and in this mode keeps it.
      await database.run('PRAGMA locking_mode = EXCLUSIVE');
      await database.run('BEGIN EXCLUSIVE');
      await database.run('COMMIT');
    } catch (error) {
      await database.close();
      const busy = error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';
      throw new ConfigurationError(
        busy
          ? `${folder} is owned by another writer that runs: stop it first`
          : `${join(folder, LOCK_FILE)}, the lock of the store, cannot be taken: ${messageOf(error)}`,
      );
    }
    return new FolderLock(database);
  }

  release(): Promise<void> {
    return this.#database.close();
  }
}
