/**
 * A SQLite database with promises. No other file loads the sqlite3 package, so it can be replaced here alone.
 * @module
 */
import sqlite3 from 'sqlite3';
import { DamagedStoreError } from '../../src/errors.js';

/** A value bound to a statement. It cannot be a bigint, which the package would bind as NULL. */
export type Value = string | number | Uint8Array | null;

/** A row, by column name. Numbers are exact up to 2^53. */
export type Row = Record<string, unknown>;

/** Runs SQL, in a transaction or, on the database itself, each statement by itself. */
export interface Queries {
  /** Runs one statement. */
  run(sql: string, values?: readonly Value[]): Promise<void>;
  /** The rows of one statement. */
  all(sql: string, values?: readonly Value[]): Promise<Row[]>;
}

/** SQLite's codes for a damaged file, and for a file that is no database. */
const DAMAGE = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

export class Database implements Queries {
  readonly #database: sqlite3.Database;
  readonly #file: string;
  readonly #advice: string;
  /** Ends when the last statement or transaction has. They take turns: the package would interleave them. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: sqlite3.Database, file: string, advice: string) {
    this.#database = database;
    this.#file = file;
    this.#advice = advice;
  }

  /**
   * Opens the file, or makes it. Does not wait for a lock that another process holds. Here and in all other methods, a
   * file that SQLite finds damaged throws DamagedStoreError; other errors are SQLite's own, with their `code`.
   * @param advice ends the message about a damaged file: what an operator can do.
   */
  static async open(file: string, advice = 'Restore a copy of it'): Promise<Database> {
    const opened = await new Promise<sqlite3.Database>((resolve, reject) => {
      const database = new sqlite3.Database(file, (error) => {
        if (error === null) resolve(database);
        else reject(error);
      });
    });
    opened.configure('busyTimeout', 0);
    return new Database(opened, file, advice);
  }

  run(sql: string, values: readonly Value[] = []): Promise<void> {
    return this.#next(() => this.#run(sql, values));
  }

  all(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return this.#next(() => this.#all(sql, values));
  }

  /**
   * Runs `work` in one transaction, which is durable when this returns, and rolled back where `work` throws. `work`
   * must use its argument: a call on the database itself would wait for the transaction, which waits for `work`.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      await this.#run('BEGIN IMMEDIATE', []);
      try {
        const result = await work({
          run: (sql, values = []) => this.#run(sql, values),
          all: (sql, values = []) => this.#all(sql, values),
        });
        await this.#run('COMMIT', []);
        return result;
      } catch (error) {
        await this.#run('ROLLBACK', []).catch(() => undefined);
        throw error;
      }
    });
  }

  /** The error for damage that a caller has found in the file's contents. */
  damaged(what: string, options?: ErrorOptions): DamagedStoreError {
    return new DamagedStoreError(`${this.#file} is damaged: ${what}. ${this.#advice}`, options);
  }

  close(): Promise<void> {
    return this.#next(
      () =>
        new Promise((resolve, reject) => {
          this.#database.close((error) => {
            if (error === null) resolve();
            else reject(error);
          });
        }),
    );
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #run(sql: string, values: readonly Value[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#database.run(sql, values, (error: Error | null) => {
        if (error === null) resolve();
        else reject(this.#named(error));
      });
    });
  }

  #all(sql: string, values: readonly Value[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#database.all<Row>(sql, values, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(this.#named(error));
      });
    });
  }

  #named(error: Error): Error {
    const isDamage = 'code' in error && DAMAGE.includes(String(error.code));
    return isDamage ? this.damaged(error.message, { cause: error }) : error;
  }
}

/** An integer column. @throws TypeError where it holds anything else. */
export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new TypeError(`column ${column} is no exact number`);
  return value;
}

/** A blob column. @throws TypeError where it holds anything else. */
export function blobIn(row: Row, column: string): Buffer {
  const value = row[column];
  if (!Buffer.isBuffer(value)) throw new TypeError(`column ${column} is no blob`);
  return value;
}

/** A text column. @throws TypeError where it holds anything else. */
export function textIn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} is no text`);
  return value;
}
