/**
 * A log's one writer: it takes entries, logs them, and answers with proofs.
 * @module
 */
import type { Logger } from 'pino';
import { DamagedStoreError, errorOf, UnavailableError } from '../src/errors.js';
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

/** How long `fault` waits for the store before the log counts as unhealthy, in milliseconds. */
const HEALTHY_ANSWER = 4_000;

/** How long an accepted entry may wait before the log counts as unhealthy, in milliseconds. */
const HEALTHY_WAIT = 5_000;

const UNANSWERED: Fault = {
  code: 'unreachable',
  reason: `the store has not answered for ${HEALTHY_ANSWER / 1000} s`,
};

export interface WriterOptions extends LogOptions {
  /** The least time between two batches that are not full, in milliseconds. */
  readonly batchAge: number;
  /** Entries in a full batch. */
  readonly batchSize: number;
  /** Most entries in flight; more are refused. */
  readonly maxPending: number;
  /** How the machine's clock is judged. Default: by the time that the machine has been up. */
  readonly clock?: Omit<ClockOptions, 'last' | 'now' | 'onFault'> | undefined;
}

/** The answer to a submission: the entry's index, proved at a published checkpoint. */
export interface PublishedPlace extends ProvedPlace {
  /** Whether the entry was in the log, or in flight, when it was submitted. */
  readonly isRepeat: boolean;
}

export class Writer {
  readonly identity: LogIdentity;
  /** Resolves when the writer has stopped: with undefined after `close`, else with the error that stopped it. */
  readonly stopped: Promise<Error | undefined>;
  /** The published checkpoint and tree, and their growth. */
  readonly published: PublishedLog;
  readonly #pool: EntryPool;
  readonly #clock: Clock;
  readonly #outages: Outages;
  /** Why the writer takes no entries any more; undefined while it works. */
  #end: Fault | undefined;
  readonly #store: ObjectStore;
  readonly #retrying: Retrying;
  readonly #log: Logger;

  private constructor(options: WriterOptions, opened: WritableLog) {
    const { staging, batchAge, batchSize, maxPending, now, log } = options;
    const { identity, signer, verifier, publisher, retrying, outages, lastTime, tail } = opened;
    this.identity = identity;
    this.published = publisher.published;
    this.published.knowEdge(tail.edge);
    const pool = new EntryPool({
      findRepeat: async (entry, isAwaited) => {
        const index = await staging.find(entry.leafHash).catch((error: unknown) => {
          throw this.#stagingFailed(error);
        });
        return index === undefined ? undefined : this.#proveRepeat(entry, index, isAwaited);
      },
      maxPending,
    });
    const { steady, reference, accept, earlier, onChange } = options.clock ?? {};
    const onFault = (fault: string | undefined) => {
      if (fault === undefined) log.info('the clock is right again');
      else log.error(fault);
    };
    const clock = new Clock({ last: lastTime, now, steady, reference, accept, earlier, onChange, onFault });
    // Look at the clock now: an operator who has started the writer should see its fault before the first entry does.
    clock.fault();
    this.#pool = pool;
    this.#clock = clock;
    this.#outages = outages;
    this.#store = options.store;
    this.#retrying = retrying;
    this.#log = log;
    const sequencer = new Sequencer(
      { pool, staging, publisher, clock, signer, verifier, batchAge, batchSize, retrying, log },
      tail,
    );
    this.stopped = sequencer.run().then(
      () => undefined,
      (error: unknown) => {
        this.#end = stopFaultOf(error);
        pool.abort(new UnavailableError(this.#end.reason));
        return errorOf(error);
      },
    );
  }

  /**
   * Opens the log, or makes it, publishes what an earlier writer left unpublished, and starts to sequence.
   * @param signal ends the wait for a store that does not answer, at the start and later.
   * @throws StartRefusedError, naming what an operator can do; ClaimLostError; DamagedStoreError; NewerVersionError.
   */
  static async open(options: WriterOptions, signal: AbortSignal): Promise<Writer> {
    return new Writer(options, await openWritableLog(options, signal));
  }

  /** Whether `maxPending` entries are in flight, so that a new one is refused. */
  get full(): boolean {
    return this.#pool.full;
  }

  /** Entries in flight. */
  get pending(): number {
    return this.#pool.pending;
  }

  /**
   * Logs an entry whose signatures are verified already. An entry that is in the log is not logged again: the answer is
   * its index, with a fresh proof. Costs a batch for a new entry; for a repeat at most two tiles a level, less those in
   * memory.
   * @param patience how long the submitter waits. Default: four seconds from now.
   * @throws UnavailableError when the log is busy or stopping, the store does not answer, or the entry was not published
   *   in time. In the last case the entry may still be logged, and a second submission joins it. ProofError when the log
   *   contradicts staging.
   */
  async submit(entry: NewEntry, patience = new Patience()): Promise<PublishedPlace> {
    try {
      const fault = this.#end ?? this.#outageFault() ?? clockFaultOf(this.#clock.recentFault());
      // Joining an entry in flight costs nothing, and it is answered when the fault is over.
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

  /** Adds the present fault, if there is one, to the refusal of an entry that was not published in time. */
  #withReason(error: unknown): unknown {
    const fault = this.#outageFault() ?? clockFaultOf(this.#clock.fault());
    if (!(error instanceof UnavailableError) || fault === undefined || error.message.includes(fault.reason))
      return error;
    return new UnavailableError(`${error.message} (${fault.reason})`, { cause: error });
  }

  /**
   * Proves an entry that staging has found in the log, in the published tree. The leaf at `index` is read from the log
   * and compared, because staging may be wrong. Costs at most two tiles a level, less those in memory.
   * @throws ProofError when the log has another entry at `index`; UnavailableError when the store does not answer.
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

  /**
   * Stops taking entries once staging is found damaged: a repeat could be taken for a new entry, and be logged twice.
   * Returns the error.
   */
  #stagingFailed(error: unknown): unknown {
    if (!(error instanceof DamagedStoreError)) return error;
    this.#end ??= { code: 'damaged', reason: 'staging is damaged: a start of the writer repairs it' };
    return error;
  }

  /**
   * The log's fault, if it has one. Where this process knows no fault, the checkpoint and the right edge are read from
   * the store and verified. Takes at most four seconds, and a few reads.
   */
  async fault(): Promise<Fault | undefined> {
    const fault = this.#end ?? this.#outageFault();
    if (fault !== undefined) return fault;
    const storeFault = () => inTime<Fault | undefined>(this.#storeFault(), UNANSWERED);
    // A bucket's answer carries the time. Reading one may show that the clock is right again.
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
    const { impatientReader } = this.published;
    try {
      const stored = await impatientReader.checkpoint();
      if (stored === undefined) return { code: 'damaged', reason: 'the store has no checkpoint' };
      await impatientReader.at(stored).edge();
      return undefined;
    } catch (error) {
      const fault = faultOf(error);
      if (fault.code === 'damaged') this.#log.error({ err: error }, 'the log in the store does not verify');
      return fault;
    }
  }

  /**
   * Stores a file that is not part of the tree and may change, such as a trust file. One read, and one write and read
   * more unless the store has the same bytes already. Waits for a store that does not answer.
   * @param path below the log's prefix.
   */
  async publishFile(path: string, bytes: Uint8Array): Promise<void> {
    const anyContent = { path, open: () => undefined, requireForward: () => undefined };
    const file = new MovingObject(this.#store, this.#retrying, anyContent);
    const stored = await file.read();
    if (stored === undefined || !equalBytes(stored.bytes, bytes)) await file.move(stored, bytes);
  }

  /** Refuses new entries, publishes those in flight, and stops. Resolves as `stopped` does. */
  async close(): Promise<Error | undefined> {
    this.#pool.close();
    return this.stopped;
  }
}

/** Proves an entry in its batch's tree. Verifies the proof before it leaves the process. @throws ProofError. */
function proveNew({ leafHash }: NewEntry, { index, tree }: BatchPlace): ProvedPlace {
  const { checkpoint } = tree;
  const proof = tree.inclusionProof(index);
  verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, opensslSha256);
  return { index, proof, checkpoint };
}

/** The promise's value, or `late` after `HEALTHY_ANSWER`. */
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
