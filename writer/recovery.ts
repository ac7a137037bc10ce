/**
 * Finishes what an earlier writer began: publishes the batches that the store has claimed, then those that staging has
 * sequenced, with the hot path's own code. A standby that takes over does the same.
 * @module
 */
import type { Logger } from 'pino';
import { DamagedStoreError } from '../src/errors.js';
import { isBadData } from '../tiles-spec/errors.js';
import {
  equalBytes,
  formatPath,
  NewerVersionError,
  ProofError,
  TILE_WIDTH,
  type NoteVerifier,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import { EMPTY_TAIL, type Batch, type LogTail } from './batch.js';
import { verifyBatch, type VerifiedBatch } from './claim-check.js';
import type { StoredCheckpoint } from './published-log.js';
import { batchOf, type Publisher } from './publishing/publisher.js';
import type { Reconciler } from './reconciler.js';
import type { SequencedBatch, Staging } from './staging/staging.js';
import { refusingDamage, timesAheadOfStaging } from './start-refusals.js';

/** Where appending goes on from. */
export interface Recovered {
  readonly tail: LogTail;
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly lastTime: number;
}

export class Recovery {
  readonly #publisher: Publisher;
  readonly #staging: Staging;
  readonly #reconciler: Reconciler;
  readonly #verifier: NoteVerifier;
  readonly #log: Logger;

  constructor(
    publisher: Publisher,
    staging: Staging,
    reconciler: Reconciler,
    verifier: NoteVerifier,
    log: Logger,
  ) {
    this.#publisher = publisher;
    this.#staging = staging;
    this.#reconciler = reconciler;
    this.#verifier = verifier;
    this.#log = log;
  }

  /**
   * Publishes what is claimed, then what is sequenced. Waits for a store that does not answer.
   * @throws StartRefusedError when store and staging contradict each other; ClaimLostError; DamagedStoreError;
   *   NewerVersionError.
   */
  async run(): Promise<Recovered> {
    const reconciled = await this.#reconciler.reconcile();
    await this.#reconciler.dropOldClaims(reconciled);
    const completed = await this.#completeClaims(reconciled);
    const { value: checkpoint } = await this.#publishSequenced(completed);
    const tail = await this.#readTail(checkpoint);
    const lastTime = (await this.#staging.tree()).time;
    if ((tail.times.at(-1) ?? 0) > lastTime) throw timesAheadOfStaging();
    return { tail, lastTime };
  }

  /** Completes claims until there is none for the checkpoint's size. Returns the store's checkpoint after them. */
  async #completeClaims(reconciled: StoredCheckpoint): Promise<StoredCheckpoint> {
    let current = reconciled;
    for (;;) {
      const claim = await this.#publisher.readClaim(current.value.size);
      if (claim === undefined) return current;
      // Read the checkpoint after the claim. If it has passed this size, the claim is stale: ignore it. If not, this
      // claim won.
      const again = await this.#publisher.published.current();
      if (again.value.size === current.value.size) await this.#completeClaim(claim, again);
      current = await this.#reconciler.reconcile();
    }
  }

  /** Publishes the batches that staging has sequenced. Returns the store's checkpoint after them. */
  async #publishSequenced(completed: StoredCheckpoint): Promise<StoredCheckpoint> {
    let current = completed;
    for (;;) {
      const [sequenced] = await this.#staging.unpublished();
      if (sequenced === undefined) return current;
      await this.#publishBatch(sequenced, current);
      // Reconcile after each batch: another writer may have completed our claim and published more after it.
      current = await this.#reconciler.reconcile();
    }
  }

  /** Publishes a claim that was found in the store, ours or another writer's. Staging is given its entries first. */
  async #completeClaim(claim: Uint8Array, current: StoredCheckpoint): Promise<void> {
    const batch = batchOf(current.value.size, claim, this.#verifier);
    const { oldSize } = batch;
    const { size, root } = batch.checkpoint;
    this.#log.info({ from: oldSize, to: size }, 'completing a batch that was claimed before the start');
    const { leafHashes, time } = await this.#verifyClaim(batch, current);
    const sequenced = (await this.#staging.unpublished()).find((each) => each.oldSize === oldSize);
    if (sequenced === undefined || !equalBytes(sequenced.claim, claim)) {
      // Staging has no batch for this size, or has one that the store has not chosen. Nobody was shown such a batch: it
      // is taken back, and the claimed one takes its place.
      await this.#staging.discard(oldSize);
      await this.#staging.sequence({ oldSize, size, root, time, claim }, leafHashes);
    }
    await this.#publisher.complete(batch, current);
    await this.#reconciler.settle(oldSize);
  }

  /** @throws DamagedStoreError unless the claim's batch extends the log. */
  async #verifyClaim(batch: Batch, { value: checkpoint }: StoredCheckpoint): Promise<VerifiedBatch> {
    const tail = await this.#readTail(checkpoint);
    try {
      return await verifyBatch(batch, tail);
    } catch (error) {
      if (!isBadData(error)) throw error;
      const path = formatPath({ kind: 'claim', size: batch.oldSize });
      throw new DamagedStoreError(
        `the claim ${path} does not extend the log: ${error.message}. Something else wrote to the store: keep the claim, and restore the store from a copy`,
        { cause: error, path },
      );
    }
  }

  /**
   * Publishes a batch from staging. A batch that the disk has damaged is dropped, and so are all that follow it. Dropping
   * is safe: the store has no claim for this size, so nobody was ever shown the batch.
   * @throws NewerVersionError where a newer version of Stele wrote the batch, which stays in staging.
   */
  async #publishBatch(sequenced: SequencedBatch, current: StoredCheckpoint): Promise<void> {
    const { oldSize, size } = sequenced;
    const tail = await this.#readTail(current.value);
    let batch: Batch;
    try {
      batch = await this.#verifySequenced(sequenced, tail);
    } catch (error) {
      const damage = damageOf(error);
      if (damage === undefined) throw error;
      await this.#reconciler.dropBatches(oldSize, `the first of them does not verify (${damage})`);
      return;
    }
    this.#log.info({ from: oldSize, to: size }, 'publishing a batch that was sequenced before the start');
    await this.#publisher.publish(batch);
    await this.#reconciler.settle(oldSize);
  }

  /** @throws ProofError unless the batch's claim extends the log, and its row in staging is of the same batch. */
  async #verifySequenced(sequenced: SequencedBatch, tail: LogTail): Promise<Batch> {
    const { oldSize, size, root, time, claim } = sequenced;
    const batch = batchOf(oldSize, claim, this.#verifier);
    const verified = await verifyBatch(batch, tail);
    const { checkpoint } = batch;
    if (checkpoint.size !== size || !equalBytes(checkpoint.root, root) || verified.time !== time)
      throw new ProofError('its row is of another batch than its claim');
    return batch;
  }

  /**
   * Reads the end of the log from the store, to which the next batch is appended: the tiles of the right edge and, where
   * the last entry bundle is partial, that bundle and its times.
   * @throws StartRefusedError unless the edge hashes to the checkpoint's root, and the bundle's entries to the edge.
   */
  async #readTail(checkpoint: SignedCheckpoint): Promise<LogTail> {
    if (checkpoint.size === 0) return EMPTY_TAIL;
    const tree = this.#publisher.published.patientReader.at(checkpoint);
    return refusingDamage('end', async () => {
      const edge = await tree.edge();
      if (checkpoint.size % TILE_WIDTH === 0) return { edge, bodies: [], times: [] };
      const index = Math.floor(checkpoint.size / TILE_WIDTH);
      return { edge, bodies: await tree.entryBundle(index), times: await tree.times(index) };
    });
  }
}

/** How an error shows that a batch in staging is damaged; undefined where it shows something else. */
function damageOf(error: unknown): string | undefined {
  // The batch may be whole: only the newer version can tell, and can publish it.
  if (error instanceof NewerVersionError) return undefined;
  // `batchOf` blames the store, where claims usually come from. This one comes from staging, so only the cause counts.
  const cause = error instanceof DamagedStoreError ? error.cause : error;
  return isBadData(cause) ? cause.message : undefined;
}
