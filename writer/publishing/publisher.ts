/**
 * The way of a batch from staging into the store: claim, upload, swap. All batches are published by this code, on the
 * hot path and in recovery.
 *
 * For each tree size the store chooses one batch: that of the writer which created `staging/<size>` first. Winning that
 * create is the point of no return. Before it, nothing of the batch is shown to anyone.
 * @module
 */
import type { Logger } from 'pino';
import { ClaimLostError, DamagedStoreError } from '../../src/errors.js';
import type { ObjectStore } from '../../src/store/store.js';
import { counted } from '../../tiles-spec/counted.js';
import { isBadData } from '../../tiles-spec/errors.js';
import {
  equalBytes,
  formatPath,
  NewerVersionError,
  openCheckpoint,
  parseClaim,
  type NoteVerifier,
  type RightEdge,
  type SignedCheckpoint,
} from '../../tiles-spec/index.js';
import type { Batch } from '../batch.js';
import type { Retrying } from '../retrying.js';
import type { PublishedLog, StoredCheckpoint } from '../published-log.js';
import { ImmutableObjects } from './immutable-objects.js';
import { passingError } from './moving-object.js';

/** Advice for the operator of a writer that has lost a claim. */
const ADVICE =
  'One store has one writer: stop the other one, and this one goes on from there when it is started again; or leave this one stopped';

export interface PublisherOptions {
  readonly store: ObjectStore;
  readonly published: PublishedLog;
  readonly verifier: NoteVerifier;
  readonly retrying: Retrying;
  readonly log: Logger;
  /** Ends every wait for a store that does not answer. */
  readonly signal: AbortSignal;
}

/**
 * No method but `dropClaim` gives up by itself: each tries until the store answers, or throws the signal's reason once
 * the signal is aborted. Each throws DamagedStoreError for a store that contradicts the log, or has no checkpoint.
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
   * Publishes a batch. All of it is durable in the store when this returns. Costs two writes and at least two reads,
   * and one write for each of the batch's objects.
   * @param edge the right edge of the batch's tree. Where it is passed, answers to submitters need not read its tiles.
   * @throws ClaimLostError when the store has chosen another writer's batch for this size, or is past it.
   */
  async publish(batch: Batch, edge?: RightEdge): Promise<void> {
    const current = await this.#claim(batch);
    if (current !== undefined) await this.complete(batch, current, edge);
  }

  /**
   * Publishes a batch whose claim is won: uploads its objects, and swaps the checkpoint.
   * @param current the checkpoint as it was read after the claim was won.
   */
  async complete(batch: Batch, current: StoredCheckpoint, edge?: RightEdge): Promise<void> {
    await this.#objects.put(batch.objects, this.#signal);
    await this.#swap(batch, current, edge);
  }

  /**
   * Deletes the claim for `oldSize`, which the store's checkpoint must have passed. Tries once.
   * @returns whether the claim is gone. One that stays does no harm: the next start deletes it.
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

  /** Creates the checkpoint of a new log. It needs no claim, since every writer would publish the same empty tree. */
  async publishEmpty(checkpoint: SignedCheckpoint): Promise<void> {
    await this.published.move(undefined, checkpoint);
  }

  /** The bytes of the claim for a tree size; undefined where there is none. One read. */
  async readClaim(size: number): Promise<Uint8Array | undefined> {
    const path = formatPath({ kind: 'claim', size });
    return (await this.#retrying.run(`read ${path}`, () => this.#store.read(path)))?.bytes;
  }

  /**
   * Wins the claim for the batch's size.
   * @returns the checkpoint to swap; undefined when another writer has found our claim, and has published the batch.
   * @throws ClaimLostError.
   */
  async #claim(batch: Batch): Promise<StoredCheckpoint | undefined> {
    const path = formatPath({ kind: 'claim', size: batch.oldSize });
    await this.#retrying.run(`claim ${path}`, async () => {
      const created = await this.#store.create(path, batch.claim).catch(passingError);
      if (created === true) return;
      // The create was refused, or its answer was lost. The claim in the store may be ours or another's: read it back.
      const found = await this.#store.read(path);
      if (found !== undefined) this.#requireOurs(batch, found.bytes);
      else if (created === false) throw new Error(`${path} was there when it was created, and is gone`);
      else throw created;
    });
    // Claims are deleted once the checkpoint has passed them, so our create can succeed for a size that was published
    // long ago. Read the checkpoint again: if it has not passed this size, no claim for it was ever deleted, and ours
    // is the first.
    const current = await this.published.current();
    if (current.value.size === batch.oldSize) return current;
    await this.dropClaim(batch.oldSize);
    if (await this.#covers(current.value, batch)) return undefined;
    throw new ClaimLostError(
      `another writer has published ${counted(current.value.size, 'entry')} while this one was at ${batch.oldSize}. ${ADVICE}`,
      { path: formatPath({ kind: 'checkpoint' }) },
    );
  }

  /** @throws ClaimLostError unless the claim that the store holds is the batch's own; DamagedStoreError as `batchOf`. */
  #requireOurs(batch: Batch, found: Uint8Array): void {
    if (equalBytes(found, batch.claim)) return;
    const size = batch.oldSize;
    const { checkpoint: theirs } = batchOf(size, found, this.#verifier);
    throw new ClaimLostError(
      `another writer has claimed the batch from ${size} to ${theirs.size}. ${ADVICE}`,
      { path: formatPath({ kind: 'claim', size }) },
    );
  }

  /** Moves the checkpoint from the batch's old size to its new one. */
  async #swap(batch: Batch, current: StoredCheckpoint, edge?: RightEdge): Promise<void> {
    const stored = await this.published.move(current, batch.checkpoint, edge);
    if (await this.#covers(stored.value, batch)) return;
    throw new DamagedStoreError(
      `the store's checkpoint of ${stored.value.size} does not extend the batch from ${batch.oldSize} to ${batch.checkpoint.size}, whose claim was won: a fork. Keep the store and staging as they are`,
      { path: formatPath({ kind: 'checkpoint' }) },
    );
  }

  /**
   * Whether a checkpoint's tree begins with the batch's tree. At most two tiles a level, none where the sizes are
   * equal.
   */
  async #covers(checkpoint: SignedCheckpoint, batch: Batch): Promise<boolean> {
    const { size, root } = batch.checkpoint;
    if (checkpoint.size < size) return false;
    if (checkpoint.size === size) return equalBytes(checkpoint.root, root);
    return equalBytes(await this.published.patientReader.at(checkpoint).rootAt(size), root);
  }
}

/**
 * Parses a claim, and verifies the signature of its checkpoint. Its objects are not verified.
 * @param oldSize the tree size that the claim is for, which its path names.
 * @throws DamagedStoreError when the bytes are no claim of this log; its cause says why. NewerVersionError when a newer
 *   version of Stele wrote the claim.
 */
export function batchOf(oldSize: number, claim: Uint8Array, verifier: NoteVerifier): Batch {
  try {
    const { checkpoint, objects } = parseClaim(claim);
    return { oldSize, checkpoint: openCheckpoint(checkpoint, verifier), objects, claim };
  } catch (error) {
    if (!isBadData(error)) throw error;
    const path = formatPath({ kind: 'claim', size: oldSize });
    if (error instanceof NewerVersionError)
      throw new NewerVersionError(`${path}: ${error.message}`, { path });
    throw new DamagedStoreError(
      `the claim ${path} is not one of this log: ${error.message}. Something else wrote to the store: restore it from a copy`,
      { cause: error, path },
    );
  }
}
