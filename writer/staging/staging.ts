/**
 * Staging: what the writer must not lose between two calls to the store, in SQLite. It holds the batches that are
 * sequenced and not yet published, whole, and for ever the leaf hashes, by which a repeated entry is known.
 * @module
 */
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DamagedStoreError } from '../../src/errors.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import {
  emptyRoot,
  equalBytes,
  hashesAt,
  HASH_LENGTH,
  TILE_WIDTH,
  type Hash,
} from '../../tiles-spec/index.js';
import type { PartialRecord } from '../partial-collector.js';
import { appendLeaves, blockIn, readBlocks, readLeaves, writeBlocks, type Block } from './blocks.js';
import { blobIn, Database, numberIn, type Queries, type Row } from './database.js';
import { LeafTable } from './leaf-table.js';
import {
  insertLogRow,
  readLogRow,
  updateLogRow,
  type LogIdentity,
  type LogRow,
  type StagedTree,
} from './log-row.js';
import {
  batchIn,
  holds,
  insertBatch,
  readBatches,
  readChain,
  readLastTree,
  rowOf,
  type SequencedBatch,
} from './outbox.js';
import { prepareTables } from './schema.js';
import { forgetFullTiles, forgetWidths, recordWidths, widthsOf } from './widths.js';

export type { Block, LogIdentity, SequencedBatch, StagedTree };

/** Rows of staging whose checksums fail, or that are not there. */
export interface StagingDamage {
  /** Blocks of published leaf hashes. `adopt` puts them right. */
  readonly blocks: readonly number[];
  /** The old size of the first unpublished batch that cannot be used. `discard` drops it and those after it. */
  readonly batchesFrom: number | undefined;
}

/** What the writer needs of staging; every write is durable when it returns, and all or nothing. */
export interface Staging {
  /** The log that this staging is of, or undefined where it is new. */
  identity(): Promise<LogIdentity | undefined>;
  create(identity: LogIdentity): Promise<void>;
  /** What is damaged and can be put right. Until it is, leaves of damaged blocks are not found. */
  damage(): StagingDamage;
  /** The tree after the last batch, published or not; of size 0 where there is none. */
  tree(): Promise<StagedTree>;
  /** The last tree that staging knows to be published; of size 0 where there is none. */
  published(): Promise<StagedTree>;
  /** The batches sequenced and not yet published, in order. */
  unpublished(): Promise<SequencedBatch[]>;
  /**
   * Sequences a batch: from here on its entries have their indices. Of the very batch that is the last already, which
   * a caller tries again who did not hear that it was written, nothing is changed.
   * @throws DamagedStoreError when a leaf is in the log already, or the batch does not follow the last one.
   */
  sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void>;
  /** Forgets the bytes of the first batch, which is published; its leaf hashes stay, and `claims` has its claim. */
  markPublished(oldSize: number): Promise<void>;
  /** The old sizes of published batches whose claims may still be in the store. */
  claims(): Promise<number[]>;
  /** Notes that a claim is gone from the store: in memory, and durably with the next batch that is published. */
  claimDropped(oldSize: number): void;
  /** Takes back every batch from `oldSize` on. */
  discard(oldSize: number): Promise<void>;
  /**
   * Takes what the store has published for what is published here: the tree, and blocks of its leaf hashes, each as
   * wide as the tree makes it. `blocks` are all that staging has not, or has damaged, up to `tree`; nothing may be
   * unpublished where `tree` is larger than `published`.
   */
  adopt(tree: StagedTree, blocks: readonly Block[]): Promise<void>;
  /**
   * The index of a leaf hash, or undefined. Costs a disk read only where there is one, or nearly never.
   * @throws DamagedStoreError where the block that should have it is damaged.
   */
  find(leafHash: Hash): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Blocks read at a time when the leaf table is filled: 8 KiB each. */
const PAGE = 64;

const ADVICE =
  'Keep the file, and restore its newest copy, or start with --rebuild, which moves it aside and makes it anew from the store';

const NOTHING: StagedTree = { size: 0, root: emptyRoot(opensslSha256), time: 0 };

export class SqliteStaging implements Staging, PartialRecord {
  readonly #database: Database;
  readonly #leaves = new LeafTable();
  readonly #damagedBlocks = new Set<number>();
  #damagedBatch: number | undefined;
  /** Claims that are gone from the store, which the next transaction notes. */
  readonly #dropped = new Set<number>();

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Opens the file, making it where there is none, for this process alone. Reads all but the claims: 34 bytes an entry.
   * @throws DamagedStoreError where the file is damaged in what the store does not tell; NewerVersionError; SQLite's
   *   own errors, with their `code`: SQLITE_BUSY where another process has it open.
   */
  static async open(file: string): Promise<SqliteStaging> {
    await requireWritable(file);
    const database = await Database.open(file, ADVICE);
    try {
      for (const pragma of [
        // With pages of 4 KiB a full block takes two pages and an eighth; with 8 KiB it takes one and an eighth.
        'page_size = 4096',
        'locking_mode = EXCLUSIVE',
        'journal_mode = WAL',
        'synchronous = FULL',
        'fullfsync = ON',
        'wal_autocheckpoint = 4000',
      ]) {
        await database.run(`PRAGMA ${pragma}`);
      }
      await prepareTables(database, file);
      const [check] = await database.all('PRAGMA quick_check(1)');
      if (check?.['quick_check'] !== 'ok') throw database.damaged(String(check?.['quick_check']));
      const staging = new SqliteStaging(database);
      await staging.#load();
      return staging;
    } catch (error) {
      await database.close();
      throw isOfDamage(error) ? database.damaged(error.message, { cause: error }) : error;
    }
  }

  /** Fills the leaf table, and notes what is damaged. */
  async #load(): Promise<void> {
    const log = await this.#log();
    const { size } = log?.published ?? NOTHING;
    for (let from = 0; from * TILE_WIDTH < size; from += PAGE) {
      const to = Math.min(from + PAGE, Math.ceil(size / TILE_WIDTH));
      for (let number = from; number < to; number++) this.#damagedBlocks.add(number);
      for (const row of await readBlocks(this.#database, from, to)) this.#addBlock(blockIn(row, size));
    }
    const { batches, damagedFrom } = await readChain(this.#database, size);
    for (const { oldSize, leaves } of batches) this.#addLeaves(oldSize, leaves);
    this.#damagedBatch = damagedFrom;
    if (log === undefined && (await this.tree()).size > 0)
      throw this.#database.damaged('it has batches, and no row that says of which log');
  }

  #addBlock(block: Block | undefined): void {
    if (block === undefined) return;
    this.#damagedBlocks.delete(block.number);
    this.#addLeaves(block.number * TILE_WIDTH, block.leaves);
  }

  #addLeaves(first: number, leaves: Uint8Array): void {
    for (let i = 0; i * HASH_LENGTH < leaves.length; i++) {
      this.#leaves.add(leaves.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH), first + i);
    }
  }

  async identity(): Promise<LogIdentity | undefined> {
    const log = await this.#log();
    return log && { origin: log.origin, verifierKey: log.verifierKey, created: log.created };
  }

  create(identity: LogIdentity): Promise<void> {
    return insertLogRow(this.#database, { ...identity, published: NOTHING, collected: 0 });
  }

  damage(): StagingDamage {
    return { blocks: [...this.#damagedBlocks], batchesFrom: this.#damagedBatch };
  }

  async tree(): Promise<StagedTree> {
    return (await readLastTree(this.#database)) ?? (await this.published());
  }

  async published(): Promise<StagedTree> {
    return (await this.#log())?.published ?? NOTHING;
  }

  unpublished(): Promise<SequencedBatch[]> {
    return readBatches(this.#database);
  }

  async sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void> {
    const { oldSize, size } = batch;
    const leaves = Buffer.concat(leafHashes);
    const last = (await this.tree()).size;
    const isRepeated = last === size && (await holds(this.#database, batch));
    if (!isRepeated) {
      await this.#requireNew(batch, leafHashes, last);
      await insertBatch(this.#database, batch, leaves);
    }
    this.#addLeaves(oldSize, leaves);
  }

  async #requireNew(
    { oldSize, size }: SequencedBatch,
    leafHashes: readonly Hash[],
    last: number,
  ): Promise<void> {
    if (last !== oldSize)
      throw new DamagedStoreError(
        `a batch from ${oldSize} does not follow staging's last, which ends at ${last}`,
      );
    if (size - oldSize !== leafHashes.length)
      throw new DamagedStoreError(`the batch from ${oldSize} to ${size} has ${leafHashes.length} leaves`);
    if (new Set(leafHashes.map((hash) => Buffer.from(hash).toString('latin1'))).size < leafHashes.length)
      throw new DamagedStoreError(`the batch from ${oldSize} has a leaf twice`);
    const [index] = (await this.#indicesOf(leafHashes)).values();
    if (index !== undefined)
      throw new DamagedStoreError(`a leaf of the batch from ${oldSize} is in the log already, at ${index}`);
    // Before the batch is durable, so that what follows cannot fail.
    LeafTable.requireIndex(size - 1);
  }

  async markPublished(oldSize: number): Promise<void> {
    const dropped = [...this.#dropped];
    await this.#database.transaction(async (queries) => {
      const row = await rowOf(queries, oldSize);
      if (row === undefined) return;
      const [log, batch] = [await this.#requireLog(queries), batchIn(row)];
      if (batch === undefined || oldSize !== log.published.size)
        throw this.#database.damaged(
          `the batch from ${oldSize} is damaged, or does not follow the ${log.published.size} that are published`,
        );
      const { size, root, time, leaves } = batch;
      const last = await this.#lastBlock(queries, oldSize);
      await writeBlocks(queries, appendLeaves(oldSize, last, leaves));
      await recordWidths(queries, oldSize, [size]);
      await updateLogRow(queries, { ...log, published: { size, root, time } });
      await queries.run('DELETE FROM outbox WHERE old_size = ?', [oldSize]);
      await queries.run('INSERT OR IGNORE INTO claim (old_size) VALUES (?)', [oldSize]);
      await queries.run(`DELETE FROM claim WHERE old_size IN (${dropped.join()})`);
    });
    for (const each of dropped) this.#dropped.delete(each);
  }

  /** The leaves of the block that a log of `size` entries has in part. */
  async #lastBlock(queries: Queries, size: number): Promise<Uint8Array> {
    if (size % TILE_WIDTH === 0) return new Uint8Array(0);
    const number = Math.floor(size / TILE_WIDTH);
    const [row] = await readBlocks(queries, number, number + 1);
    const block = row && blockIn(row, size);
    if (block === undefined) throw this.#damagedBlock(number);
    return block.leaves;
  }

  async claims(): Promise<number[]> {
    const rows = await this.#database.all('SELECT old_size FROM claim ORDER BY old_size');
    return rows.map((row) => numberIn(row, 'old_size')).filter((size) => !this.#dropped.has(size));
  }

  claimDropped(oldSize: number): void {
    this.#dropped.add(oldSize);
  }

  async discard(oldSize: number): Promise<void> {
    // Candidates of batches taken back stay in the leaf table: they are compared with what is on disk, and fail.
    await this.#database.run('DELETE FROM outbox WHERE old_size >= ?', [oldSize]);
    if (this.#damagedBatch !== undefined && this.#damagedBatch >= oldSize) this.#damagedBatch = undefined;
  }

  async adopt(tree: StagedTree, blocks: readonly Block[]): Promise<void> {
    await this.#database.transaction(async (queries) => {
      const log = await this.#requireLog(queries);
      const old = log.published.size;
      if (tree.size < old || (tree.size > old && (await readLastTree(queries)) !== undefined))
        throw new DamagedStoreError(`the store's tree of ${tree.size} does not follow what staging has`);
      await writeBlocks(queries, blocks);
      // The store does not tell in which widths it got its tiles.
      for (let level = 0; hashesAt(tree.size, level) > hashesAt(old, level); level++) {
        await forgetWidths(queries, level, Math.floor(hashesAt(old, level) / TILE_WIDTH));
      }
      await updateLogRow(queries, { ...log, published: tree });
    });
    for (const block of blocks) this.#addBlock(block);
  }

  async find(leafHash: Hash): Promise<number | undefined> {
    // Each entry is looked up, and few are there.
    if (this.#leaves.candidates(leafHash).length === 0) return undefined;
    const [index] = (await this.#indicesOf([leafHash])).values();
    return index;
  }

  /** The indices of those leaf hashes that are in the log. One query, where any might be. */
  async #indicesOf(leafHashes: readonly Hash[]): Promise<Map<Hash, number>> {
    const candidates = leafHashes.flatMap((hash) =>
      this.#leaves.candidates(hash).map((index) => ({ hash, index })),
    );
    const found = new Map<Hash, number>();
    if (candidates.length === 0) return found;
    const numbers = new Set(candidates.map(({ index }) => Math.floor(index / TILE_WIDTH)));
    const rows = await readLeaves(this.#database, numbers);
    for (const row of rows) this.#requireIntact(row);
    for (const { hash, index } of candidates) {
      if (rows.some((row) => equalBytes(hashAt(row, index), hash))) found.set(hash, index);
    }
    return found;
  }

  /** A block that was damaged since the start has leaves that would be logged once more. */
  #requireIntact(row: Row): void {
    if (row['number'] === null) return;
    const number = numberIn(row, 'number');
    const size = number * TILE_WIDTH + blobIn(row, 'leaves').length / HASH_LENGTH;
    if (blockIn(row, size) === undefined) throw this.#damagedBlock(number);
  }

  #damagedBlock(number: number): DamagedStoreError {
    return new DamagedStoreError(
      `staging.sqlite is damaged: its block ${number} of leaf hashes has another checksum than its contents. Start again: a start reads such blocks anew from the store`,
    );
  }

  partialWidths(level: number, index: number): Promise<number[]> {
    return widthsOf(this.#database, level, index);
  }

  async collected(): Promise<number> {
    return (await this.#log())?.collected ?? 0;
  }

  markCollected(size: number): Promise<void> {
    return this.#database.transaction(async (queries) => {
      await updateLogRow(queries, { ...(await this.#requireLog(queries)), collected: size });
      await forgetFullTiles(queries, size);
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #log(queries: Queries = this.#database): Promise<LogRow | undefined> {
    return readLogRow(queries, this.#database);
  }

  async #requireLog(queries: Queries): Promise<LogRow> {
    const log = await this.#log(queries);
    if (log === undefined) throw this.#database.damaged('it has no row that says of which log it is');
    return log;
  }
}

/** Tells a file that may not be written from one whose damaged header says so, which SQLite does not. */
async function requireWritable(file: string): Promise<void> {
  await access(dirname(file), constants.W_OK);
  if (existsSync(file)) await access(file, constants.R_OK | constants.W_OK);
}

/**
 * Whether an error of opening comes of a file that is not as this version wrote it, though SQLite does not call it
 * corrupt: SQL that does not fit its tables, a header that says read-only, a number that no column holds.
 */
function isOfDamage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return error instanceof TypeError || code === 'SQLITE_ERROR' || code === 'SQLITE_READONLY';
}

/** The leaf hash at an index, in a row of some leaves from `first` on; empty where it has not that index. */
function hashAt(row: Row, index: number): Uint8Array {
  const at = (index - numberIn(row, 'first')) * HASH_LENGTH;
  return at < 0 ? new Uint8Array(0) : blobIn(row, 'leaves').subarray(at, at + HASH_LENGTH);
}
