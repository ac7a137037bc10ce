/**
 * A SQLite database by promises. The one place that loads the sqlite3 package, so that another could take its place.
 * @module
 */
import sqlite3 from 'sqlite3';
import { DamagedStoreError } from '../../src/errors.js';

/** What is bound to a statement. Never a bigint: the package would bind NULL. */
export type Value = string | number | Uint8Array | null;

/** A row, by column. Numbers are exact to 2^53. */
export type Row = Record<string, unknown>;

/** Runs SQL: the database, each statement by itself, or one of its transactions. */
export interface Queries {
  /** Runs one statement. */
  run(sql: string, values?: readonly Value[]): Promise<void>;
  /** The rows of one statement. */
  all(sql: string, values?: readonly Value[]): Promise<Row[]>;
}

/** SQLite's names for a file that is no database, or a damaged one. */
const DAMAGE = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

export class Database implements Queries {
  readonly #database: sqlite3.Database;
  readonly #file: string;
  readonly #advice: string;
  /** Transactions and statements run one after the other: the package would mix them. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: sqlite3.Database, file: string, advice: string) {
    this.#database = database;
    this.#file = file;
    this.#advice = advice;
  }

  /**
   * Opens the file, making it where there is none. A lock held by another fails at once. Where SQLite finds the file
   * damaged, now or later, the call throws DamagedStoreError; other errors are SQLite's own, with their `code`.
   * @param advice what an operator can do about a damaged file; it ends that error's message.
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
   * Does `work` in one transaction, durable when this returns; where `work` throws, nothing of it has happened. `work`
   * must not call the database itself, which waits for the transaction to end.
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

  /** The error for a file whose contents are damaged, whoever finds that. */
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

/** A column that holds a number. */
export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new TypeError(`column ${column} is no exact number`);
  return value;
}

/** A column that holds a blob. */
export function blobIn(row: Row, column: string): Buffer {
  const value = row[column];
  if (!Buffer.isBuffer(value)) throw new TypeError(`column ${column} is no blob`);
  return value;
}

/** A column that holds text. */
export function textIn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} is no text`);
  return value;
}
