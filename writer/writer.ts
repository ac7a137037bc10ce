/**
 * A log's one writer: opened on a store and a staging that fit, it takes entries and answers with proofs.
 * @module
 */
import { UnavailableError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import {
  equalBytes,
  ProofError,
  verifyInclusion,
  type Hash,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { NewEntry } from './batch.js';
import { Clock, type ClockOptions } from './clock.js';
import { faultOf, stopFaultOf, type Fault } from './fault.js';
import { openLog, type LogOptions, type OpenedLog } from './opening.js';
import { EntryPool, type Placement } from './pool.js';
import type { Outages } from './outage.js';
import type { PublishedLog } from './published-log.js';
import { Sequencer } from './sequencer.js';
import type { LogIdentity } from './staging/staging.js';

/** How long a submitter waits for its batch, from acceptance, in milliseconds: clients give up after five seconds. */
const PUBLISH_TIMEOUT = 4_000;

/** How long an accepted entry may wait before the log is not healthy, in milliseconds. */
const HEALTHY_WAIT = 10_000;

export interface WriterOptions extends LogOptions {
  /** Milliseconds. */
  readonly batchAge: number;
  readonly batchSize: number;
  /** Entries in flight at most; more are refused. */
  readonly maxPending: number;
  /** How the machine's clock is judged. Default: against its own steady time. */
  readonly clock?: Omit<ClockOptions, 'last' | 'now'> | undefined;
}

/** An entry's place in the log, shown by a published checkpoint. */
export interface ProvedEntry {
  readonly index: number;
  readonly proof: readonly Hash[];
  readonly checkpoint: SignedCheckpoint;
}

export class Writer {
  readonly identity: LogIdentity;
  /** Settles when the writer has stopped: with nothing when it was told to, or with the error that stopped it. */
  readonly stopped: Promise<Error | undefined>;
  /** Where the log is. */
  readonly published: PublishedLog;
  readonly #pool: EntryPool;
  readonly #clock: Clock;
  readonly #outages: Outages;

  private constructor(options: WriterOptions, opened: OpenedLog) {
    const { staging, batchAge, batchSize, maxPending, log } = options;
    const { identity, signer, verifier, publisher, patience, outages, lastTime, tail } = opened;
    this.identity = identity;
    this.published = publisher.published;
    const pool = new EntryPool((leafHash) => staging.find(leafHash), maxPending);
    const clock = new Clock({ now: options.now, ...options.clock, last: lastTime });
    this.#pool = pool;
    this.#clock = clock;
    this.#outages = outages;
    const sequencer = new Sequencer(
      { pool, staging, publisher, clock, signer, verifier, batchAge, batchSize, patience, log },
      tail,
    );
    this.stopped = sequencer.run().then(
      () => undefined,
      (error: unknown) => {
        pool.abort(new UnavailableError(stopFaultOf(error).reason));
        return error instanceof Error ? error : new Error(String(error));
      },
    );
  }

  /**
   * Opens the log, or makes it, and starts to sequence.
   * @param signal gives up on a store that does not answer.
   * @throws StartRefusedError, naming what an operator can do; ClaimLostError; DamagedStoreError.
   */
  static async open(options: WriterOptions, signal: AbortSignal): Promise<Writer> {
    return new Writer(options, await openLog(options, signal));
  }

  /** Whether so many entries are in flight that others are refused. */
  get full(): boolean {
    return this.#pool.full;
  }

  /** Entries in flight. */
  get pending(): number {
    return this.#pool.pending;
  }

  /**
   * Logs an entry, whose signatures are verified already. One that is in the log is not logged again: the answer is
   * its index, with a fresh proof.
   * @throws UnavailableError when the log is busy or stopping, or did not publish the entry in time: it may then be
   *   logged all the same, and trying again joins it.
   */
  async submit(entry: NewEntry): Promise<ProvedEntry> {
    const fault = this.#outageFault() ?? this.#clockFault();
    // An entry in flight gets its answer when the fault is over: joining it costs nothing.
    if (fault !== undefined && !this.#pool.has(entry.leafHash))
      throw new UnavailableError(`the log takes no entries now: ${fault.reason}`);
    return inTime(
      this.#pool.submit(entry).then((placement) => this.#prove(entry, placement)),
      'the entry is not published yet, and may be soon; try again: a repeat joins it',
    );
  }

  /** Proves an entry in a published tree, and checks the proof before anyone is told of it. */
  async #prove({ leafHash }: NewEntry, { index, tree }: Placement): Promise<ProvedEntry> {
    const published = this.published.tree;
    const checkpoint = tree?.checkpoint ?? this.published.checkpoint;
    // The database's word is not enough for an entry logged before: its leaf is read from the log, and proved.
    if (tree === undefined && !equalBytes(await published.leafHash(index), leafHash)) {
      throw new ProofError(`staging has the entry at ${index}, and the log has another there`);
    }
    const proof = tree?.inclusionProof(index) ?? (await published.inclusionProof(index));
    verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, nodeSha256);
    return { index, proof, checkpoint };
  }

  /** What is wrong with the log, if anything: as its readers see it, read anew from the store. */
  async fault(): Promise<Fault | undefined> {
    const fault = this.#outageFault() ?? this.#clockFault();
    if (fault !== undefined) return fault;
    const waited = performance.now() - (this.#pool.oldest ?? Infinity);
    if (waited > HEALTHY_WAIT)
      return { code: 'late', reason: `an accepted entry has waited for ${Math.round(waited / 1000)} s` };
    const unanswered = {
      code: 'unreachable',
      reason: `the store has not answered for ${PUBLISH_TIMEOUT / 1000} s`,
    } as const;
    return inTime(this.#storeFault(), unanswered.reason).catch(() => unanswered);
  }

  #outageFault(): Fault | undefined {
    const outage = this.#outages.current;
    return outage && { code: outage.code, reason: outage.reason };
  }

  #clockFault(): Fault | undefined {
    const reason = this.#clock.fault();
    return reason === undefined ? undefined : { code: 'clock', reason };
  }

  async #storeFault(): Promise<Fault | undefined> {
    const { impatient } = this.published;
    try {
      const stored = await impatient.checkpoint();
      if (stored === undefined) return { code: 'damaged', reason: 'the store has no checkpoint' };
      await impatient.at(stored).edge();
      return undefined;
    } catch (error) {
      return faultOf(error);
    }
  }

  /** Publishes what is in flight, and stops. */
  async close(): Promise<Error | undefined> {
    this.#pool.close();
    return this.stopped;
  }
}

/** @throws UnavailableError when the promise is late. */
async function inTime<T>(promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new UnavailableError(message));
    }, PUBLISH_TIMEOUT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
