/**
 * A log's one writer: opened on a store and a staging that fit, it takes entries and answers with proofs.
 * @module
 */
import { DamagedStoreError, UnavailableError } from '../src/errors.js';
import type { ObjectStore } from '../src/store/store.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import { equalBytes, ProofError, verifyInclusion } from '../tiles-spec/index.js';
import type { NewEntry } from './batch.js';
import { Clock, type ClockOptions } from './clock.js';
import { faultOf, stopFaultOf, type Fault } from './fault.js';
import { openWritableLog, type LogOptions, type WritableLog } from './opening.js';
import type { Outages } from './outage.js';
import { Patience } from './patience.js';
import { EntryPool, type BatchPlace, type ProvedPlace } from './pool.js';
import type { PublishedLog } from './published-log.js';
import { MovingObject } from './publishing/moving-object.js';
import { isFinal, type Retrying } from './retrying.js';
import { Sequencer } from './sequencer.js';
import type { LogIdentity } from './staging/staging.js';

/** How long a store may take to answer before the log is not healthy, in milliseconds: a probe waits no longer. */
const HEALTHY_ANSWER = 4_000;

/** How long an accepted entry may wait before the log is not healthy, in milliseconds. */
const HEALTHY_WAIT = 5_000;

const UNANSWERED: Fault = {
  code: 'unreachable',
  reason: `the store has not answered for ${HEALTHY_ANSWER / 1000} s`,
};

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
export interface PublishedPlace extends ProvedPlace {
  /** Whether the entry was in the log, or in flight, when it was submitted. */
  readonly isRepeat: boolean;
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
  /** Why nothing goes on, where that is so. */
  #end: Fault | undefined;
  readonly #store: ObjectStore;
  readonly #retrying: Retrying;

  private constructor(options: WriterOptions, opened: WritableLog) {
    const { staging, batchAge, batchSize, maxPending, log } = options;
    const { identity, signer, verifier, publisher, retrying, outages, lastTime, tail } = opened;
    this.identity = identity;
    this.published = publisher.published;
    this.published.knowEdge(tail.edge);
    const pool = new EntryPool({
      findRepeat: async (entry, isAwaited) => {
        const index = await staging.find(entry.leafHash).catch((error: unknown) => {
          throw this.#staged(error);
        });
        return index === undefined ? undefined : this.#proveRepeat(entry, index, isAwaited);
      },
      maxPending,
    });
    const onFault = (fault: string | undefined) => {
      if (fault === undefined) log.info('the clock is right again');
      else log.error(fault);
    };
    const clock = new Clock({ now: options.now, onFault, ...options.clock, last: lastTime });
    // Now, and not with the first entry: an operator reads what a start says.
    clock.fault();
    this.#pool = pool;
    this.#clock = clock;
    this.#outages = outages;
    this.#store = options.store;
    this.#retrying = retrying;
    const sequencer = new Sequencer(
      { pool, staging, publisher, clock, signer, verifier, batchAge, batchSize, retrying, log },
      tail,
    );
    this.stopped = sequencer.run().then(
      () => undefined,
      (error: unknown) => {
        this.#end = stopFaultOf(error);
        pool.abort(new UnavailableError(this.#end.reason));
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
    return new Writer(options, await openWritableLog(options, signal));
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
   * @param patience how long the submitter waits, from the arrival of its request; by default four seconds from now.
   * @throws UnavailableError when the log is busy or stopping, the store does not answer, or the entry was not published
   *   in time: it may then be logged all the same, and trying again joins it.
   */
  async submit(entry: NewEntry, patience = new Patience()): Promise<PublishedPlace> {
    try {
      const fault = this.#end ?? this.#outageFault() ?? clockFaultOf(this.#clock.recentFault());
      // An entry in flight gets its answer when the fault is over: joining it costs nothing.
      if (fault !== undefined && !this.#pool.has(entry.leafHash))
        throw new UnavailableError(`the log takes no entries now: ${fault.reason}`);
      const { place, isRepeat } = await this.#pool.submit(entry, patience);
      return { ...('tree' in place ? proveNew(entry, place) : place), isRepeat };
    } catch (error) {
      throw this.#withReason(error);
    } finally {
      patience.done();
    }
  }

  /** An entry that is not published in time is not published for a reason, where there is a fault. */
  #withReason(error: unknown): unknown {
    const fault = this.#outageFault() ?? clockFaultOf(this.#clock.fault());
    if (!(error instanceof UnavailableError) || fault === undefined || error.message.includes(fault.reason))
      return error;
    return new UnavailableError(`${error.message} (${fault.reason})`, { cause: error });
  }

  /**
   * Proves an entry that was logged before, in the published tree. The database's word is not enough: the leaf is read
   * from the log. Costs at most two tiles a level, less those in memory.
   * @throws ProofError when the log has another entry there; UnavailableError when the store does not answer.
   */
  async #proveRepeat({ leafHash }: NewEntry, index: number, isAwaited: () => boolean): Promise<ProvedPlace> {
    const { tree: published, checkpoint } = this.published;
    try {
      if (!equalBytes(await published.leafHash(index), leafHash)) {
        throw new ProofError(`staging has the entry at ${index}, and the log has another there`);
      }
      if (!isAwaited()) throw new UnavailableError('nobody waits for the proof any more');
      const proof = await published.inclusionProof(index);
      verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, opensslSha256);
      return { index, proof, checkpoint };
    } catch (error) {
      if (isFinal(error) || error instanceof UnavailableError) throw error;
      throw new UnavailableError('the store does not answer; try again', { cause: error });
    }
  }

  /** A start repairs damage in staging; until then a repeat can no longer be told from a new entry. */
  #staged(error: unknown): unknown {
    if (!(error instanceof DamagedStoreError)) return error;
    this.#end ??= { code: 'damaged', reason: 'staging is damaged: a start of the writer repairs it' };
    return error;
  }

  /** What is wrong with the log, if anything: as its readers see it, read anew from the store. */
  async fault(): Promise<Fault | undefined> {
    const fault = this.#end ?? this.#outageFault();
    if (fault !== undefined) return fault;
    const storeFault = () => inTime<Fault | undefined>(this.#storeFault(), UNANSWERED);
    // The answer of a bucket tells the time, by which a clock that was wrong may be right again.
    if (this.#clock.fault() !== undefined) await storeFault();
    return clockFaultOf(this.#clock.fault()) ?? this.#lateness() ?? storeFault();
  }

  #lateness(): Fault | undefined {
    const waited = this.#pool.oldestWait;
    if (waited <= HEALTHY_WAIT) return undefined;
    return { code: 'late', reason: `an accepted entry has waited for ${Math.round(waited / 1000)} s` };
  }

  #outageFault(): Fault | undefined {
    const outage = this.#outages.current;
    return outage && { code: outage.code, reason: outage.reason };
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

  /** Stores a file that may change, as trust files do, unless it is there as it should be. */
  async publishFile(path: string, bytes: Uint8Array): Promise<void> {
    const anyContent = { path, open: () => undefined, requireForward: () => undefined };
    const file = new MovingObject(this.#store, this.#retrying, anyContent);
    const stored = await file.read();
    if (stored === undefined || !equalBytes(stored.bytes, bytes)) await file.move(stored, bytes);
  }

  /** Publishes what is in flight, and stops. */
  async close(): Promise<Error | undefined> {
    this.#pool.close();
    return this.stopped;
  }
}

/** Proves an entry in the tree of its batch, and checks the proof before anyone is told of it. @throws ProofError. */
function proveNew({ leafHash }: NewEntry, { index, tree }: BatchPlace): ProvedPlace {
  const { checkpoint } = tree;
  const proof = tree.inclusionProof(index);
  verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, opensslSha256);
  return { index, proof, checkpoint };
}

/** What a promise gives, or `late` when the promise takes too long. */
async function inTime<T>(promise: Promise<T>, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<T>((resolve) => {
    timer = setTimeout(() => {
      resolve(late);
    }, HEALTHY_ANSWER);
  });
  try {
    return await Promise.race([promise, time]);
  } finally {
    clearTimeout(timer);
  }
}

function clockFaultOf(reason: string | undefined): Fault | undefined {
  return reason === undefined ? undefined : { code: 'clock', reason };
}
