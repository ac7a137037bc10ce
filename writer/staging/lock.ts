/**
 * Ownership of a folder for the process's life, through SQLite's own file lock. The kernel drops the lock when the
 * process dies, in whatever way.
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, DamagedStoreError, messageOf } from '../../src/errors.js';
import { hasCode } from '../../src/node/system-error.js';
import { Database } from './database.js';

/**
 * The lock's file. Nothing else in the process may ever open it: by POSIX, closing any descriptor of a file drops the
 * process's locks on that file. Other code may only stat it.
 */
const LOCK_FILE = '.lock.sqlite';

export class FolderLock {
  readonly #file: string;
  readonly #database: Database;
  /** Device and inode of the locked file. */
  readonly #identity: string;
  /** Whether `take` made the file. */
  readonly isNew: boolean;

  private constructor(file: string, database: Database, identity: string, isNew: boolean) {
    this.#file = file;
    this.#database = database;
    this.#identity = identity;
    this.isNew = isNew;
  }

  /**
   * Takes ownership of a folder, which must exist. Does not wait for another owner.
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
      // The transaction must write: an empty one succeeds on a read-only file, and locks nothing.
      await database.transaction((queries) => queries.run('PRAGMA user_version = 1'));
      const identity = await identityOf(file);
      // Between our opening and locking the file, another process may have removed it, and a third one made a new one.
      // Our lock would then be on a file without a name.
      if (identity === undefined || identity !== before)
        throw new Error('the file was replaced meanwhile: start again');
      return new FolderLock(file, database, identity, isNew);
    } catch (error) {
      const busy = hasCode(error, 'SQLITE_BUSY');
      // Leave a file that has replaced the one made here: it belongs to another process.
      if (isNew && !busy && (await identityOf(file)) === before) await rm(file, { force: true });
      await database.close();
      throw busy
        ? new ConfigurationError(`${folder} is owned by another running writer: stop it first`)
        : notTaken(file, error);
    }
  }

  /**
   * Makes sure that the file of this name is still the locked one. Costs one system call.
   * @throws DamagedStoreError when the file was deleted or replaced: another writer may then own the folder too.
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

  /** Deletes the file, and releases the lock. `take` notices it in a process that has opened the file meanwhile. */
  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
    await this.release();
  }
}

/**
 * Makes the lock's file, empty, so that its identity is known before it is locked. Returns false where it exists: an
 * existing file must not be opened, since closing it would drop a lock of this process. The calls are synchronous, so
 * that no other code of the process can lock the new file before it is closed.
 * @throws ConfigurationError where the file cannot be made.
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

/**
 * Device and inode of the file with this name; undefined where there is none. A file that takes over the name while the
 * old one is open has another inode.
 */
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
