/**
 * A SQLite database by promises. The one place that loads the sqlite3 package, so that another could take its place.
 * @module
 */
import sqlite3 from 'sqlite3';

/** What is bound to a statement. Never a bigint: the package would bind NULL. */
export type Value = string | number | Uint8Array | null;

/** A row, by column. Numbers are exact to 2^53. */
export type Row = Record<string, unknown>;

export class Database {
  readonly #database: sqlite3.Database;
  /** Transactions and statements run one after the other: the package would mix them. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: sqlite3.Database) {
    this.#database = database;
  }

  /** Opens the file, making it where there is none. A lock held by another fails at once. */
  static async open(file: string): Promise<Database> {
    const opened = await new Promise<sqlite3.Database>((resolve, reject) => {
      const database = new sqlite3.Database(file, (error) => {
        if (error === null) resolve(database);
        else reject(error);
      });
    });
    opened.configure('busyTimeout', 0);
    return new Database(opened);
  }

  /** Runs one statement. */
  run(sql: string, values: readonly Value[] = []): Promise<void> {
    return this.#next(() => this.#run(sql, values));
  }

  all(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return this.#next(() => this.#all(sql, values));
  }

  /** Runs statements as one transaction, durable when this returns; where one fails, none has happened. */
  transaction(statements: readonly (readonly [sql: string, values: readonly Value[]])[]): Promise<void> {
    return this.#next(async () => {
      await this.#run('BEGIN IMMEDIATE', []);
      try {
        for (const [sql, values] of statements) await this.#run(sql, values);
        await this.#run('COMMIT', []);
      } catch (error) {
        await this.#run('ROLLBACK', []).catch(() => undefined);
        throw error;
      }
    });
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
        else reject(error);
      });
    });
  }

  #all(sql: string, values: readonly Value[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#database.all<Row>(sql, values, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
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
