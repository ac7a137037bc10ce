/**
 * Staging: what the writer must not lose between two calls to the store, in SQLite. It holds the batches that are
 * sequenced and not yet published, whole, and for ever the leaf hashes, by which a repeated entry is known.
 * @module
 */
import { DamagedStoreError } from '../../src/errors.js';
import { equalBytes, HASH_LENGTH, TILE_WIDTH, type Hash } from '../../tiles-spec/index.js';
import type { PartialRecord } from '../partial-collector.js';
import { blobIn, Database, numberIn, textIn } from './database.js';
import { LeafTable } from './leaf-table.js';

/** What a log is, fixed when it is made. */
export interface LogIdentity {
  readonly origin: string;
  readonly verifierKey: string;
  /** Unix milliseconds. */
  readonly created: number;
}

/** A batch as it is sequenced: it takes the tree from `oldSize` to `size`. */
export interface SequencedBatch {
  readonly oldSize: number;
  readonly size: number;
  /** The tree's root after it. */
  readonly root: Hash;
  /** When it was sequenced, Unix milliseconds. */
  readonly time: number;
  /** The bytes of its claim: its signed checkpoint and every object that it makes. */
  readonly claim: Uint8Array;
}

/** The tree after a batch. */
export interface StagedTree {
  readonly size: number;
  readonly root: Hash;
  readonly time: number;
}

/** What the writer needs of staging; every write is durable when it returns, and all or nothing. */
export interface Staging {
  /** The log that this staging is of, or undefined where it is new. */
  identity(): Promise<LogIdentity | undefined>;
  create(identity: LogIdentity): Promise<void>;
  /** The tree after the last batch, or after the batch that ends at `size`; undefined where there is none. */
  tree(size?: number): Promise<StagedTree | undefined>;
  /** The batches sequenced and not yet published, in order. */
  unpublished(): Promise<SequencedBatch[]>;
  /**
   * Sequences a batch: from here on its entries have their indices.
   * @throws DamagedStoreError when a leaf is in the log already, or the batch does not follow the last one.
   */
  sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void>;
  /** Forgets the bytes of a batch that is published; its leaf hashes stay. */
  markPublished(oldSize: number): Promise<void>;
  /** Takes back every batch from `oldSize` on: another writer's batch was chosen in its place. */
  discard(oldSize: number): Promise<void>;
  /** The index of a leaf hash, or undefined. Costs a disk read only where there is one, or nearly never. */
  find(leafHash: Hash): Promise<number | undefined>;
  close(): Promise<void>;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, verifier_key TEXT NOT NULL, created INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS batch (
    old_size INTEGER PRIMARY KEY, size INTEGER NOT NULL UNIQUE, root BLOB NOT NULL, time INTEGER NOT NULL,
    leaf_hashes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (old_size INTEGER PRIMARY KEY, claim BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS collected (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT;`;

/** Batches read at a time when the leaf table is built: 32 bytes an entry each. */
const PAGE = 16;

export class SqliteStaging implements Staging, PartialRecord {
  readonly #database: Database;
  readonly #leaves = new LeafTable();

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Opens the file, making it where there is none, for this process alone. Reads 32 bytes an entry. */
  static async open(file: string): Promise<SqliteStaging> {
    const database = await Database.open(file);
    for (const pragma of [
      'page_size = 8192',
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      'synchronous = FULL',
      'fullfsync = ON',
      'wal_autocheckpoint = 4000',
    ]) {
      await database.run(`PRAGMA ${pragma}`);
    }
    for (const table of SCHEMA.split(';').filter((sql) => sql.trim() !== '')) await database.run(table);
    const staging = new SqliteStaging(database);
    await staging.#loadLeaves();
    return staging;
  }

  async #loadLeaves(): Promise<void> {
    for (let from = 0; ;) {
      const rows = await this.#database.all(
        'SELECT old_size, size, leaf_hashes FROM batch WHERE old_size >= ? ORDER BY old_size LIMIT ?',
        [from, PAGE],
      );
      for (const row of rows) {
        if (numberIn(row, 'old_size') !== from)
          throw new DamagedStoreError(`staging has no batch that begins at ${from}`);
        const hashes = hashesIn(blobIn(row, 'leaf_hashes'));
        this.#leaves.reserve(hashes.length, from + hashes.length - 1);
        this.#addLeaves(from, hashes);
        from = numberIn(row, 'size');
      }
      if (rows.length < PAGE) return;
    }
  }

  #addLeaves(first: number, hashes: readonly Hash[]): void {
    hashes.forEach((hash, i) => {
      this.#leaves.add(hash, first + i);
    });
  }

  async identity(): Promise<LogIdentity | undefined> {
    const [row] = await this.#database.all('SELECT origin, verifier_key, created FROM log');
    return (
      row && {
        origin: textIn(row, 'origin'),
        verifierKey: textIn(row, 'verifier_key'),
        created: numberIn(row, 'created'),
      }
    );
  }

  create({ origin, verifierKey, created }: LogIdentity): Promise<void> {
    return this.#database.run('INSERT INTO log (id, origin, verifier_key, created) VALUES (1, ?, ?, ?)', [
      origin,
      verifierKey,
      created,
    ]);
  }

  async tree(size?: number): Promise<StagedTree | undefined> {
    const [row] = await this.#database.all(
      'SELECT size, root, time FROM batch WHERE ?1 IS NULL OR size = ?1 ORDER BY old_size DESC LIMIT 1',
      [size ?? null],
    );
    return row && { size: numberIn(row, 'size'), root: blobIn(row, 'root'), time: numberIn(row, 'time') };
  }

  async unpublished(): Promise<SequencedBatch[]> {
    const rows = await this.#database.all(
      'SELECT old_size, size, root, time, claim FROM outbox JOIN batch USING (old_size) ORDER BY old_size',
    );
    return rows.map((row) => ({
      oldSize: numberIn(row, 'old_size'),
      size: numberIn(row, 'size'),
      root: blobIn(row, 'root'),
      time: numberIn(row, 'time'),
      claim: blobIn(row, 'claim'),
    }));
  }

  async sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void> {
    const last = (await this.tree())?.size ?? 0;
    if (last !== batch.oldSize)
      throw new DamagedStoreError(
        `a batch from ${batch.oldSize} does not follow staging's last, which ends at ${last}`,
      );
    if (batch.size - batch.oldSize !== leafHashes.length)
      throw new DamagedStoreError(
        `the batch from ${batch.oldSize} to ${batch.size} has ${leafHashes.length} leaves`,
      );
    if (new Set(leafHashes.map((hash) => Buffer.from(hash).toString('latin1'))).size < leafHashes.length)
      throw new DamagedStoreError(`the batch from ${batch.oldSize} has a leaf twice`);
    for (const hash of leafHashes) {
      const index = await this.find(hash);
      if (index !== undefined)
        throw new DamagedStoreError(
          `a leaf of the batch from ${batch.oldSize} is in the log already, at ${index}`,
        );
    }
    // Before the batch is durable, so that what follows cannot fail.
    this.#leaves.reserve(leafHashes.length, batch.size - 1);
    await this.#database.transaction([
      [
        'INSERT INTO batch (old_size, size, root, time, leaf_hashes) VALUES (?, ?, ?, ?, ?)',
        [batch.oldSize, batch.size, batch.root, batch.time, Buffer.concat(leafHashes)],
      ],
      ['INSERT INTO outbox (old_size, claim) VALUES (?, ?)', [batch.oldSize, batch.claim]],
    ]);
    this.#addLeaves(batch.oldSize, leafHashes);
  }

  markPublished(oldSize: number): Promise<void> {
    return this.#database.run('DELETE FROM outbox WHERE old_size = ?', [oldSize]);
  }

  async discard(oldSize: number): Promise<void> {
    // Candidates of batches taken back stay in the leaf table: they are compared with what is on disk, and fail.
    await this.#database.transaction([
      ['DELETE FROM outbox WHERE old_size >= ?', [oldSize]],
      ['DELETE FROM batch WHERE old_size >= ?', [oldSize]],
    ]);
  }

  async find(leafHash: Hash): Promise<number | undefined> {
    for (const index of this.#leaves.candidates(leafHash)) {
      const [row] = await this.#database.all(
        `SELECT substr(leaf_hashes, (?1 - old_size) * ${HASH_LENGTH} + 1, ${HASH_LENGTH}) AS hash
         FROM batch WHERE old_size <= ?1 AND ?1 < size ORDER BY old_size DESC LIMIT 1`,
        [index],
      );
      if (row !== undefined && equalBytes(blobIn(row, 'hash'), leafHash)) return index;
    }
    return undefined;
  }

  async partialWidths(level: number, index: number): Promise<number[]> {
    // Each batch ended in a published tree, whose size tells its partial tiles' widths.
    const step = TILE_WIDTH ** level;
    const rows = await this.#database.all(
      `SELECT DISTINCT size / ?1 % ${TILE_WIDTH} AS width FROM batch WHERE size > ?2 AND size < ?3 AND width > 0`,
      [step, index * step * TILE_WIDTH, (index + 1) * step * TILE_WIDTH],
    );
    return rows.map((row) => numberIn(row, 'width'));
  }

  async collected(): Promise<number> {
    const [row] = await this.#database.all('SELECT size FROM collected');
    return row === undefined ? 0 : numberIn(row, 'size');
  }

  markCollected(size: number): Promise<void> {
    return this.#database.run(
      'INSERT INTO collected (id, size) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET size = ?1',
      [size],
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function hashesIn(blob: Buffer): Hash[] {
  return Array.from({ length: blob.length / HASH_LENGTH }, (_, i) =>
    blob.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}
