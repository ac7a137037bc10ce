/**
 * Staging: the writer's durable memory, in SQLite. It holds the batches that are sequenced and not yet published, with
 * all their bytes, and the leaf hashes of all entries, by which a repeated entry is recognised.
 * @module
 */
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
import { blobIn, numberIn, type Database, type Queries, type Row } from './database.js';
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
import { openStagingFile } from './staging-file.js';
import { forgetFullTiles, forgetWidths, recordWidths, widthsOf } from './widths.js';

export type { Block, LogIdentity, SequencedBatch, StagedTree };

/** Rows of staging that are missing, or whose checksums are wrong. */
export interface StagingDamage {
  /** Numbers of the damaged blocks of published leaf hashes. `adopt` repairs them. */
  readonly blocks: readonly number[];
  /** The old size of the first unpublished batch that cannot be used. `discard` drops it and all that follow. */
  readonly batchesFrom: number | undefined;
}

/**
 * What the writer needs of staging. A write is one transaction, durable when it returns. All methods throw
 * DamagedStoreError where they find staging damaged beyond what `damage` tells, and SQLite's own errors, with their
 * `code`, for a disk that is full or fails.
 */
export interface Staging {
  /** The identity of the log; undefined in a new staging. */
  identity(): Promise<LogIdentity | undefined>;
  /** Makes a new staging that of a log, of size 0. Fails where it has an identity. */
  create(identity: LogIdentity): Promise<void>;
  /** The damage that can be repaired. Until it is, `find` does not find the leaves of damaged blocks. */
  damage(): StagingDamage;
  /** The tree after the last batch, published or not; the empty tree where there is none. */
  tree(): Promise<StagedTree>;
  /** The newest tree that staging knows to be published; the empty tree where there is none. */
  published(): Promise<StagedTree>;
  /** The batches that are sequenced and not yet published, in order, each with the bytes of its claim. */
  unpublished(): Promise<SequencedBatch[]>;
  /**
   * Sequences a batch: from then on its entries have their indices. Sequencing the last batch again changes nothing, so
   * that a caller may try again after an error. Costs one write of the batch's bytes, and one query where a leaf might
   * be in the log already.
   * @param leafHashes of the batch's entries, in order.
   * @throws DamagedStoreError also when a leaf is in the log already, or the batch does not follow the last one;
   *   RangeError for an index over 2^32 - 2.
   */
  sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void>;
  /**
   * Notes that the first batch, from `oldSize`, is published. Its leaf hashes stay, its bytes are forgotten, and
   * `claims` lists its claim. Does nothing where there is no batch from `oldSize`.
   */
  markPublished(oldSize: number): Promise<void>;
  /** The old sizes of published batches whose claims may still be in the store. */
  claims(): Promise<number[]>;
  /** Notes that a claim is gone from the store: in memory, and durably with the next `markPublished`. */
  claimDropped(oldSize: number): void;
  /** Takes back the unpublished batches from `oldSize` on: their entries lose their indices. */
  discard(oldSize: number): Promise<void>;
  /**
   * Takes over a tree that the store has published, with the blocks of its leaf hashes that staging lacks or has
   * damaged. Nothing may be unpublished where `tree` is larger than `published`.
   * @param blocks each as wide as `tree` makes it.
   * @throws DamagedStoreError also where `tree` does not follow what staging has.
   */
  adopt(tree: StagedTree, blocks: readonly Block[]): Promise<void>;
  /**
   * The index of a leaf hash; undefined where the log does not have it. Costs a look into memory, and a query where the
   * leaf is in the log or, very rarely, shares 42 bits with one that is.
   * @throws DamagedStoreError where the block that may hold the leaf was damaged since the start.
   */
  find(leafHash: Hash): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Blocks read at a time when the leaf table is filled, of 8 KiB each. */
const PAGE = 64;

const NOTHING: StagedTree = { size: 0, root: emptyRoot(opensslSha256), time: 0 };

/** Memory: 11 to 16 bytes an entry. */
export class SqliteStaging implements Staging, PartialRecord {
  readonly #database: Database;
  readonly #leaves = new LeafTable();
  readonly #damagedBlocks = new Set<number>();
  #damagedBatch: number | undefined;
  /** The old sizes of claims that are gone from the store; the next `markPublished` makes them durable. */
  readonly #dropped = new Set<number>();

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Opens the file, or makes it, for this process alone. Reads all of it but the claims: 34 bytes an entry.
   * @throws DamagedStoreError where the file is damaged beyond what can be read from the store; NewerVersionError;
   *   SQLite's own errors, with their `code`: SQLITE_BUSY where another process has the file open.
   */
  static open(file: string): Promise<SqliteStaging> {
    return openStagingFile(file, async (database) => {
      const staging = new SqliteStaging(database);
      await staging.#load();
      return staging;
    });
  }

  /** Fills the leaf table, and notes damaged blocks and batches. */
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
    // Before the batch is durable: adding its leaves to the table can then not fail.
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

  /** The leaf hashes in the partial block of a log of `size` entries; empty where there is no partial block. */
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
    // The leaves of discarded batches stay in the leaf table as candidates: comparing them with the disk rejects them.
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
      // The store does not tell in which widths these tiles were published.
      for (let level = 0; hashesAt(tree.size, level) > hashesAt(old, level); level++) {
        await forgetWidths(queries, level, Math.floor(hashesAt(old, level) / TILE_WIDTH));
      }
      await updateLogRow(queries, { ...log, published: tree });
    });
    for (const block of blocks) this.#addBlock(block);
  }

  async find(leafHash: Hash): Promise<number | undefined> {
    // Nearly all lookups are for new entries, and end here.
    if (this.#leaves.candidates(leafHash).length === 0) return undefined;
    const [index] = (await this.#indicesOf([leafHash])).values();
    return index;
  }

  /** The indices of those leaf hashes that are in the log. One query where there are candidates, else none. */
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

  /**
   * @throws DamagedStoreError for a block that was damaged since the start: its leaves would be logged a second time.
   */
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

/** The leaf hash at an index, in a row of `readLeaves`; empty where the row does not hold that index. */
function hashAt(row: Row, index: number): Uint8Array {
  const at = (index - numberIn(row, 'first')) * HASH_LENGTH;
  return at < 0 ? new Uint8Array(0) : blobIn(row, 'leaves').subarray(at, at + HASH_LENGTH);
}
