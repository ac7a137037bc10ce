/**
 * The way of a batch from staging into the store: claim, upload, swap. The only code that writes the log's files,
 * on the hot path and in recovery alike.
 *
 * For each tree size the store chooses one batch: whoever creates `staging/<size>` first. That create is the point of
 * no return; before it nothing of the batch is shown to anyone.
 * @module
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { gunzip } from '../reader/node/gunzip.js';
import { LogReader } from '../reader/index.js';
import { ClaimLostError, DamagedStoreError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import type { ObjectStore } from '../src/store/store.js';
import {
  equalBytes,
  FormatError,
  formatPath,
  isGzip,
  maxBundleLength,
  NewerVersionError,
  openCheckpoint,
  parseClaim,
  ProofError,
  TILE_WIDTH,
  type NoteVerifier,
  type SignedCheckpoint,
  type StoredObject,
} from '../tiles-spec/index.js';
import type { Batch } from './batch.js';
import { retry } from './retry.js';

/** The store's checkpoint, verified, and the tag to swap it by. */
export interface StoredCheckpoint {
  readonly checkpoint: SignedCheckpoint;
  readonly etag: string;
}

export class Publisher {
  /** Reads the log's files from the store. */
  readonly reader: LogReader;
  readonly #store: ObjectStore;
  readonly #verifier: NoteVerifier;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** The last checkpoint seen in the store: it never goes back. */
  #seen: StoredCheckpoint | undefined;

  /** @param signal gives up on a store that does not answer. */
  constructor(store: ObjectStore, verifier: NoteVerifier, log: Logger, signal: AbortSignal) {
    this.#store = store;
    this.#verifier = verifier;
    this.#log = log;
    this.#signal = signal;
    this.reader = new LogReader({
      read: async (path) => (await this.#retry(`read ${path}`, () => store.read(path)))?.bytes,
      verifier,
      gunzip,
      sha: nodeSha256,
    });
  }

  /** Publishes a batch. @throws ClaimLostError when another's was chosen; DamagedStoreError. */
  async publish(batch: Batch): Promise<void> {
    const current = await this.#claim(batch);
    if (current !== undefined) await this.complete(batch, current);
  }

  /** Does what a won claim says. `current` is the checkpoint as it was when the claim was won. */
  async complete(batch: Batch, current: StoredCheckpoint): Promise<void> {
    await this.#upload(batch.objects);
    await this.#swap(batch, current);
  }

  /**
   * Deletes the claim of a size that the store's checkpoint is past. Returns whether it is gone: where it is not it does
   * no harm, and the next start deletes it.
   */
  async dropClaim(oldSize: number): Promise<boolean> {
    try {
      await this.#store.delete(formatPath({ kind: 'claim', size: oldSize }));
      return true;
    } catch (error) {
      this.#log.warn(
        { err: error, oldSize },
        'the claim could not be deleted; the next start will delete it',
      );
      return false;
    }
  }

  /** The store's checkpoint as it is now; undefined where there is none. */
  async checkpoint(): Promise<StoredCheckpoint | undefined> {
    return this.#retry('read checkpoint', async () => {
      const object = await this.#store.read('checkpoint');
      if (object === undefined) {
        if (this.#seen !== undefined) throw new Error('the checkpoint is gone from the store');
        return undefined;
      }
      if (this.#seen?.etag !== object.etag || !equalBytes(this.#seen.checkpoint.bytes, object.bytes)) {
        const checkpoint = this.#open(object.bytes);
        const seen = this.#seen?.checkpoint;
        if (seen !== undefined && checkpoint.size < seen.size)
          throw new Error(`the store shows a checkpoint of ${checkpoint.size} after one of ${seen.size}`);
        if (checkpoint.size === seen?.size && !equalBytes(checkpoint.root, seen.root)) {
          throw new DamagedStoreError(
            `the store shows two checkpoints of ${checkpoint.size} with different roots: a fork. Keep the store and staging as they are: they are the evidence`,
          );
        }
        this.#seen = { checkpoint, etag: object.etag };
      }
      return this.#seen;
    });
  }

  /** @throws DamagedStoreError whose cause says why the bytes are no checkpoint of this log. */
  #open(bytes: Uint8Array): SignedCheckpoint {
    try {
      return openCheckpoint(bytes, this.#verifier);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
      throw new DamagedStoreError(
        `the checkpoint in the store is not one of ${this.#verifier.name} by this log's key: ${error.message}. Something else wrote to the store: restore it from a copy`,
        { cause: error },
      );
    }
  }

  /** Creates the checkpoint of a new log. There is one tree of no entries, so that it needs no claim. */
  async publishEmpty(checkpoint: SignedCheckpoint): Promise<void> {
    await this.#retry('create checkpoint', () => this.#store.create('checkpoint', checkpoint.bytes));
    await this.current();
  }

  /** The claim of a size, if there is one. */
  async readClaim(size: number): Promise<Uint8Array | undefined> {
    const path = formatPath({ kind: 'claim', size });
    return (await this.#retry(`read ${path}`, () => this.#store.read(path)))?.bytes;
  }

  /**
   * Wins the claim for the batch's size. Returns the checkpoint to swap, or undefined when the batch turns out to be
   * published already, by whoever found our claim.
   */
  async #claim(batch: Batch): Promise<StoredCheckpoint | undefined> {
    const path = formatPath({ kind: 'claim', size: batch.oldSize });
    await this.#retry(`claim ${path}`, async () => {
      const created = await this.#store.create(path, batch.claim).catch(asError);
      if (created === true) return;
      // Refused or not answered, it says nothing of whose claim is there: read it back.
      const found = await this.#store.read(path);
      if (found === undefined) throw created === false ? new Error('the claim is there and is not') : created;
      if (!equalBytes(found.bytes, batch.claim)) throw this.#lost(batch.oldSize, found.bytes);
    });
    // A claim is deleted once the checkpoint is past it. So ours may be a second one for a size that is long
    // published; only if the checkpoint is still not past that size was it the first.
    const current = await this.current();
    if (current.checkpoint.size === batch.oldSize) return current;
    await this.dropClaim(batch.oldSize);
    if (await this.#covers(current.checkpoint, batch)) return undefined;
    throw new ClaimLostError(
      `another writer has published ${current.checkpoint.size} entries while this one was at ${batch.oldSize}`,
    );
  }

  #lost(size: number, claim: Uint8Array): Error {
    const { checkpoint: theirs } = batchOf(size, claim, this.#verifier);
    return new ClaimLostError(
      `another writer has claimed the batch from ${size} to ${theirs.size}: of two writers on one store one stops; start this one again when the other has stopped`,
    );
  }

  async #upload(objects: readonly StoredObject[]): Promise<void> {
    // The first failure ends the others' tries, which might go on for ever.
    const failure = new AbortController();
    setMaxListeners(0, failure.signal);
    const abort = () => {
      failure.abort(this.#signal.reason);
    };
    this.#signal.addEventListener('abort', abort);
    try {
      await Promise.allSettled(
        objects.map((object) =>
          retry(`create ${object.path}`, () => this.#create(object), this.#log, failure.signal).catch(
            (error: unknown) => {
              failure.abort(error);
            },
          ),
        ),
      );
    } finally {
      this.#signal.removeEventListener('abort', abort);
    }
    this.#signal.throwIfAborted();
    failure.signal.throwIfAborted();
  }

  async #create({ path, bytes }: StoredObject): Promise<void> {
    if (await this.#store.create(path, bytes)) return;
    const found = await this.#store.read(path);
    if (found === undefined) throw new Error(`${path} is there and is not`);
    if (await sameContent(found.bytes, bytes)) return;
    throw new DamagedStoreError(
      `${path} holds other bytes than the log's. Something else writes to this store, or it is damaged: keep it as it is, and compare it with a copy`,
    );
  }

  /** Moves the checkpoint from the batch's old size to its new one. */
  async #swap(batch: Batch, current: StoredCheckpoint): Promise<void> {
    let { checkpoint, etag } = current;
    await this.#retry('swap checkpoint', async () => {
      if (checkpoint.size !== batch.oldSize) return;
      const swapped = await this.#store.replace('checkpoint', batch.checkpoint.bytes, etag).catch(asError);
      // Whatever it answered, or did not: what the store holds is what counts.
      ({ checkpoint, etag } = await this.current());
      if (checkpoint.size === batch.oldSize) {
        throw swapped instanceof Error ? swapped : new Error('the checkpoint is not swapped');
      }
    });
    if (!(await this.#covers(checkpoint, batch))) {
      throw new DamagedStoreError(
        `the store's checkpoint of ${checkpoint.size} does not extend the batch from ${batch.oldSize} to ${batch.checkpoint.size}, whose claim was won: a fork. Keep the store and staging as they are`,
      );
    }
  }

  /** Whether the tree of a checkpoint begins with the batch's. */
  async #covers(checkpoint: SignedCheckpoint, batch: Batch): Promise<boolean> {
    const { size, root } = batch.checkpoint;
    if (checkpoint.size < size) return false;
    if (checkpoint.size === size) return equalBytes(checkpoint.root, root);
    return equalBytes(await this.reader.at(checkpoint).rootAt(size), root);
  }

  /** The store's checkpoint as it is now. @throws DamagedStoreError where there is none. */
  async current(): Promise<StoredCheckpoint> {
    const current = await this.checkpoint();
    if (current === undefined) throw new DamagedStoreError('the store has no checkpoint');
    return current;
  }

  #retry<T>(what: string, work: () => Promise<T>): Promise<T> {
    return retry(what, work, this.#log, this.#signal);
  }
}

/** For a call whose failure is not its end. */
function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * The batch that a claim holds.
 * @throws DamagedStoreError when it is no claim of this log, its cause saying why; NewerVersionError.
 */
export function batchOf(oldSize: number, claim: Uint8Array, verifier: NoteVerifier): Batch {
  try {
    const { checkpoint, objects } = parseClaim(claim);
    return { oldSize, checkpoint: openCheckpoint(checkpoint, verifier), objects, claim };
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
    if (error instanceof NewerVersionError)
      throw new NewerVersionError(`staging/${oldSize}: ${error.message}`);
    throw new DamagedStoreError(
      `the claim staging/${oldSize} is not one of this log: ${error.message}. Something else wrote to the store: restore it from a copy`,
      { cause: error },
    );
  }
}

/** Whether stored bytes are ours: the same, or the same once decompressed (another zlib compresses otherwise). */
export async function sameContent(stored: Uint8Array, ours: Uint8Array): Promise<boolean> {
  if (equalBytes(stored, ours)) return true;
  if (!isGzip(stored) || !isGzip(ours)) return false;
  const longest = maxBundleLength(TILE_WIDTH);
  try {
    return equalBytes(await gunzip(stored, longest), await gunzip(ours, longest));
  } catch {
    return false;
  }
}
