/**
 * From a start, or a take-over, to a log that can be appended to: whatever the store has claimed is published first,
 * then what staging has sequenced is published, by the hot path's own code. Store and staging fit all the while.
 * @module
 */
import type { Logger } from 'pino';
import { DamagedStoreError, messageOf, StartRefusedError } from '../src/errors.js';
import {
  equalBytes,
  FormatError,
  ProofError,
  TILE_WIDTH,
  type NoteVerifier,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import { EMPTY_TAIL, type Batch, type LogTail } from './batch.js';
import { verifyBatch, type VerifiedBatch } from './claim-check.js';
import { refusingDamage, type Fitting } from './reconciler.js';
import type { StoredCheckpoint } from './published-log.js';
import { batchOf, type Publisher } from './publishing/publisher.js';
import type { SequencedBatch, Staging } from './staging/staging.js';

/** Where appending goes on from. */
export interface Recovered {
  readonly checkpoint: SignedCheckpoint;
  readonly tail: LogTail;
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly lastTime: number;
}

export class Recovery {
  readonly #publisher: Publisher;
  readonly #staging: Staging;
  readonly #fitting: Fitting;
  readonly #verifier: NoteVerifier;
  readonly #log: Logger;

  constructor(publisher: Publisher, staging: Staging, fitting: Fitting, verifier: NoteVerifier, log: Logger) {
    this.#publisher = publisher;
    this.#staging = staging;
    this.#fitting = fitting;
    this.#verifier = verifier;
    this.#log = log;
  }

  /**
   * Publishes what is claimed, then what is sequenced.
   * @throws StartRefusedError when store and staging do not fit; ClaimLostError; DamagedStoreError; NewerVersionError.
   */
  async run(): Promise<Recovered> {
    let current = await this.#fitting.fit();
    await this.#fitting.dropClaims(current);
    for (;;) {
      const claim = await this.#publisher.readClaim(current.value.size);
      if (claim === undefined) break;
      const again = await this.#publisher.published.current();
      // A claim of a size that is published by now may be a second one for it: only one that is found while the
      // checkpoint is, a moment later, still not past it is the one that was chosen.
      if (again.value.size === current.value.size) await this.#completeClaim(claim, again);
      current = await this.#fitting.fit();
    }
    for (;;) {
      const [staged] = await this.#staging.unpublished();
      if (staged === undefined) break;
      await this.#publishStaged(staged, current);
      // Another writer may have found our claim, and gone on from it.
      current = await this.#fitting.fit();
    }
    const tail = await this.#readTail(current.value);
    const lastTime = (await this.#staging.tree()).time;
    if ((tail.times.at(-1) ?? 0) > lastTime) {
      throw new StartRefusedError(
        `the times of the last bundle in the store are later than staging's last batch. Restore tile/times from a copy of the store`,
      );
    }
    return { checkpoint: current.value, tail, lastTime };
  }

  /** Publishes a claim that was found, ours or another writer's, and has staging know its entries. */
  async #completeClaim(claim: Uint8Array, current: StoredCheckpoint): Promise<void> {
    const batch = batchOf(current.value.size, claim, this.#verifier);
    const { oldSize } = batch;
    const { size, root } = batch.checkpoint;
    this.#log.info({ from: oldSize, to: size }, 'completing a batch that was claimed before the start');
    const { leafHashes, time } = await this.#verifyClaim(batch, current);
    const staged = (await this.#staging.unpublished()).find((each) => each.oldSize === oldSize);
    if (staged === undefined || !equalBytes(staged.claim, claim)) {
      // Ours, if there was one, was never shown to anyone.
      await this.#staging.discard(oldSize);
      await this.#staging.sequence({ oldSize, size, root, time, claim }, leafHashes);
    }
    await this.#publisher.complete(batch, current);
    await this.#fitting.settle(oldSize);
  }

  async #verifyClaim(batch: Batch, { value: checkpoint }: StoredCheckpoint): Promise<VerifiedBatch> {
    const tail = await this.#readTail(checkpoint);
    try {
      return await verifyBatch(batch, tail);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
      throw new DamagedStoreError(
        `the claim staging/${batch.oldSize} does not extend the log: ${error.message}. Something else wrote to the store: keep the claim, and restore the store from a copy`,
        { cause: error },
      );
    }
  }

  /**
   * Publishes a batch of staging's. One that does not verify was damaged on the disk, and is dropped with those after
   * it: the store has no claim for it, so that nobody was ever shown it.
   */
  async #publishStaged(staged: SequencedBatch, current: StoredCheckpoint): Promise<void> {
    const { oldSize, size, root, time, claim } = staged;
    const tail = await this.#readTail(current.value);
    let batch: Batch;
    try {
      batch = batchOf(oldSize, claim, this.#verifier);
      const verified = await verifyBatch(batch, tail);
      const isNoted = batch.checkpoint.size === size && equalBytes(batch.checkpoint.root, root);
      if (!isNoted || verified.time !== time)
        throw new ProofError('its row is of another batch than its claim');
    } catch (error) {
      const reason = error instanceof DamagedStoreError ? error.cause : error;
      if (!(reason instanceof FormatError || reason instanceof ProofError)) throw error;
      await this.#fitting.drop(oldSize, `the first of them does not verify (${messageOf(reason)})`);
      return;
    }
    this.#log.info({ from: oldSize, to: size }, 'publishing a batch that was sequenced before the start');
    await this.#publisher.publish(batch);
    await this.#fitting.settle(oldSize);
  }

  /** The log's tail, from the store: the right edge must hash to the checkpoint, and the partial bundle to the edge. */
  async #readTail(checkpoint: SignedCheckpoint): Promise<LogTail> {
    if (checkpoint.size === 0) return EMPTY_TAIL;
    const tree = this.#publisher.published.patient.at(checkpoint);
    return refusingDamage('end', async () => {
      const edge = await tree.edge();
      if (checkpoint.size % TILE_WIDTH === 0) return { edge, bodies: [], times: [] };
      const index = Math.floor(checkpoint.size / TILE_WIDTH);
      return { edge, bodies: await tree.entryBundle(index), times: await tree.times(index) };
    });
  }
}
