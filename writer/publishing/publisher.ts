/**
 * The way of a batch from staging into the store: claim, upload, swap. The only code that publishes batches, on the hot
 * path and in recovery alike.
 *
 * For each tree size the store chooses one batch, the one whose writer created `staging/<size>` first. That create is
 * the point of no return; before it nothing of the batch is shown to anyone.
 * @module
 */
import type { Logger } from 'pino';
import { ClaimLostError, DamagedStoreError } from '../../src/errors.js';
import type { ObjectStore } from '../../src/store/store.js';
import {
  equalBytes,
  FormatError,
  formatPath,
  NewerVersionError,
  openCheckpoint,
  parseClaim,
  ProofError,
  type NoteVerifier,
  type RightEdge,
  type SignedCheckpoint,
} from '../../tiles-spec/index.js';
import type { Batch } from '../batch.js';
import type { Retrying } from '../retrying.js';
import type { PublishedLog, StoredCheckpoint } from '../published-log.js';
import { ImmutableObjects } from './immutable-objects.js';
import { asPassing } from './moving-object.js';

/** What the operator of a writer that has lost to another can do. */
const ADVICE =
  'One store has one writer: stop the other one, and this one goes on from there when it is started again; or leave this one stopped';

export interface PublisherOptions {
  readonly store: ObjectStore;
  readonly published: PublishedLog;
  readonly verifier: NoteVerifier;
  readonly retrying: Retrying;
  readonly log: Logger;
  /** Gives up on a store that does not answer. */
  readonly signal: AbortSignal;
}

/**
 * None of its methods gives up by itself: each waits until the store answers, or the signal ends it. All throw
 * DamagedStoreError for a store that holds what it should not.
 */
export class Publisher {
  readonly published: PublishedLog;
  readonly #store: ObjectStore;
  readonly #objects: ImmutableObjects;
  readonly #verifier: NoteVerifier;
  readonly #retrying: Retrying;
  readonly #log: Logger;
  readonly #signal: AbortSignal;

  constructor({ store, published, verifier, retrying, log, signal }: PublisherOptions) {
    this.published = published;
    this.#store = store;
    this.#objects = new ImmutableObjects(store, retrying);
    this.#verifier = verifier;
    this.#retrying = retrying;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * Publishes a batch. One claim, its objects, one swap, three reads of `checkpoint` at least.
   * @param edge the right edge of the batch's tree, where the caller has it.
   * @throws ClaimLostError when another's was chosen.
   */
  async publish(batch: Batch, edge?: RightEdge): Promise<void> {
    const current = await this.#claim(batch);
    if (current !== undefined) await this.complete(batch, current, edge);
  }

  /** Does what a won claim says. `current` is the checkpoint as it was when the claim was won. */
  async complete(batch: Batch, current: StoredCheckpoint, edge?: RightEdge): Promise<void> {
    await this.#objects.put(batch.objects, this.#signal);
    await this.#swap(batch, current, edge);
  }

  /**
   * Deletes the claim of a size that the store's checkpoint is past. Returns whether it is gone: where it is not it does
   * no harm, and the next start deletes it.
   */
  async dropClaim(oldSize: number): Promise<boolean> {
    try {
      await this.#store.delete([formatPath({ kind: 'claim', size: oldSize })]);
      return true;
    } catch (error) {
      this.#log.warn(
        { err: error, oldSize },
        'the claim could not be deleted; the next start will delete it',
      );
      return false;
    }
  }

  /** Creates the checkpoint of a new log. There is one tree of no entries, so that it needs no claim. */
  async publishEmpty(checkpoint: SignedCheckpoint): Promise<void> {
    await this.published.move(undefined, checkpoint);
  }

  /** The claim of a size, if there is one. */
  async readClaim(size: number): Promise<Uint8Array | undefined> {
    const path = formatPath({ kind: 'claim', size });
    return (await this.#retrying.run(`read ${path}`, () => this.#store.read(path)))?.bytes;
  }

  /**
   * Wins the claim for the batch's size. Returns the checkpoint to swap, or undefined when another writer found our
   * claim and has published the batch already.
   */
  async #claim(batch: Batch): Promise<StoredCheckpoint | undefined> {
    const path = formatPath({ kind: 'claim', size: batch.oldSize });
    await this.#retrying.run(`claim ${path}`, async () => {
      const created = await this.#store.create(path, batch.claim).catch(asPassing);
      if (created === true) return;
      // A refusal or a lost answer does not say whose claim is there: read it back.
      const found = await this.#store.read(path);
      if (found === undefined) throw created === false ? new Error('the claim is there and is not') : created;
      if (!equalBytes(found.bytes, batch.claim)) throw this.#lost(batch.oldSize, found.bytes);
    });
    // Claims are deleted once the checkpoint has passed them, so our create can succeed for a size that was published
    // long ago. Read the checkpoint again: if it has not passed this size, no claim for it was ever deleted, and ours
    // is the first.
    const current = await this.published.current();
    if (current.value.size === batch.oldSize) return current;
    await this.dropClaim(batch.oldSize);
    if (await this.#covers(current.value, batch)) return undefined;
    throw new ClaimLostError(
      `another writer has published ${current.value.size} entries while this one was at ${batch.oldSize}. ${ADVICE}`,
    );
  }

  #lost(size: number, claim: Uint8Array): Error {
    const { checkpoint: theirs } = batchOf(size, claim, this.#verifier);
    return new ClaimLostError(
      `another writer has claimed the batch from ${size} to ${theirs.size}. ${ADVICE}`,
    );
  }

  /** Moves the checkpoint from the batch's old size to its new one. */
  async #swap(batch: Batch, current: StoredCheckpoint, edge?: RightEdge): Promise<void> {
    const stored = await this.published.move(current, batch.checkpoint, edge);
    if (await this.#covers(stored.value, batch)) return;
    throw new DamagedStoreError(
      `the store's checkpoint of ${stored.value.size} does not extend the batch from ${batch.oldSize} to ${batch.checkpoint.size}, whose claim was won: a fork. Keep the store and staging as they are`,
    );
  }

  /** Whether the tree of a checkpoint begins with the batch's. */
  async #covers(checkpoint: SignedCheckpoint, batch: Batch): Promise<boolean> {
    const { size, root } = batch.checkpoint;
    if (checkpoint.size < size) return false;
    if (checkpoint.size === size) return equalBytes(checkpoint.root, root);
    return equalBytes(await this.published.patient.at(checkpoint).rootAt(size), root);
  }
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
