/**
 * The life of an entry, from accepted to published:
 *
 *   accepted    in the pool, in memory
 *   sequenced   has its index, durable in staging
 *   claimed     the store has chosen its batch
 *   published   a checkpoint that covers it is in the store: only now is its submitter answered
 *
 * One batch is published at a time. The next is built and made durable meanwhile.
 * @module
 */
import type { Logger } from 'pino';
import type { NoteSigner, NoteVerifier } from '../tiles-spec/index.js';
import { UnavailableError } from '../src/errors.js';
import { buildBatch, type Batch, type BatchTree, type LogTail } from './batch.js';
import type { Clock } from './clock.js';
import { stopFaultOf } from './fault.js';
import type { Retrying } from './retrying.js';
import type { EntryPool, AcceptedEntry } from './pool.js';
import type { Publisher } from './publishing/publisher.js';
import type { Staging } from './staging/staging.js';

/** Pause between two looks at a clock that is wrong, in milliseconds. */
const CLOCK_POLL = 1_000;

/** Most bytes of entries in a batch. The batch's claim holds them all, as one object and as one row of staging. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

export interface SequencerOptions {
  readonly pool: EntryPool;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
  /** The least time between two cuts, in milliseconds, unless a batch is full. An idle writer cuts at once. */
  readonly batchAge: number;
  /** Entries in a full batch. */
  readonly batchSize: number;
  readonly retrying: Retrying;
  readonly log: Logger;
}

export class Sequencer {
  readonly #options: SequencerOptions;
  #tail: LogTail;
  #lastCut = -Infinity;

  /** @param tail the end of the published log: nothing may be left unpublished in staging. */
  constructor(options: SequencerOptions, tail: LogTail) {
    this.#options = options;
    this.#tail = tail;
  }

  /**
   * Sequences and publishes until the pool is closed and empty.
   * @throws ClaimLostError; DamagedStoreError; the error of a staging that fails; the reason of the signal that ends the
   *   publisher's waits. None of them is retried: the log has stopped.
   */
  async run(): Promise<void> {
    let publishing: Promise<void> = Promise.resolve();
    try {
      for (;;) {
        const entries = await this.#cut();
        if (entries.length === 0) break;
        if (!(await this.#rightClock(entries))) break;
        const { batch, tree } = await this.#sequence(entries);
        await publishing;
        publishing = this.#publish(batch, tree, entries);
        // A failed publication must stop the loop while it waits for the next entry: aborting the pool ends that wait.
        publishing.catch((error: unknown) => {
          this.#options.pool.abort(new UnavailableError(stopFaultOf(error).reason));
        });
      }
    } finally {
      // However the loop ends, wait for the batch on its way: its submitters are answered or refused.
      await publishing;
    }
  }

  /** Waits for the entries of the next batch. Returns none when the pool is closed and empty. */
  async #cut(): Promise<AcceptedEntry[]> {
    const { pool, batchAge, batchSize } = this.#options;
    await pool.filled(1);
    // Measured from the last cut, not from the first waiting entry: batchAge bounds the number of publications, each
    // of which the operator pays for.
    const wait = this.#lastCut + batchAge - performance.now();
    if (wait > 0) await pool.filled(batchSize, wait);
    this.#lastCut = performance.now();
    return pool.take(batchSize, MAX_BATCH_BYTES);
  }

  /**
   * Waits while the machine's clock is wrong, so that no entry gets its time from that clock.
   * @returns false where the pool was closed meanwhile; the entries have then been refused.
   */
  async #rightClock(entries: readonly AcceptedEntry[]): Promise<boolean> {
    const { pool, clock, publisher } = this.#options;
    for (let fault = clock.fault(); fault !== undefined; fault = clock.fault()) {
      if (pool.isClosed) {
        for (const entry of entries) entry.fail(new UnavailableError(fault));
        return false;
      }
      await pool.filled(Infinity, CLOCK_POLL);
      // A bucket's answer carries the time. Reading one may show that the clock is right again.
      await publisher.published.impatientReader.checkpoint().catch(() => undefined);
    }
    return true;
  }

  /** Gives the entries their indices: builds and signs their batch, and makes it durable in staging. */
  async #sequence(entries: readonly AcceptedEntry[]): Promise<{ batch: Batch; tree: BatchTree }> {
    const { staging, clock, signer, verifier, retrying } = this.#options;
    const time = clock.next();
    const { batch, tail, tree } = await buildBatch(this.#tail, entries, time, signer, verifier);
    const { size, root } = batch.checkpoint;
    const sequenced = { oldSize: batch.oldSize, size, root, time, claim: batch.claim };
    const leafHashes = entries.map(({ leafHash }) => leafHash);
    await retrying.run('sequence a batch in staging', () => staging.sequence(sequenced, leafHashes), {
      isStaging: true,
    });
    this.#tail = tail;
    return { batch, tree };
  }

  /** Publishes a sequenced batch, answers its submitters, and then clears the batch out of staging and store. */
  async #publish(batch: Batch, tree: BatchTree, entries: readonly AcceptedEntry[]): Promise<void> {
    const { staging, publisher, retrying, log } = this.#options;
    await publisher.publish(batch, tree.edge);
    entries.forEach((entry, i) => {
      entry.place({ index: batch.oldSize + i, tree });
    });
    await retrying.run('mark a batch as published in staging', () => staging.markPublished(batch.oldSize), {
      isStaging: true,
    });
    if (await publisher.dropClaim(batch.oldSize)) staging.claimDropped(batch.oldSize);
    log.debug({ from: batch.oldSize, to: batch.checkpoint.size }, 'published');
  }
}
