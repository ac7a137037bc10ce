/**
 * A log's one writer: opened on a store and a staging that fit, it takes entries and answers with proofs.
 * @module
 */
import { LogReader, MemoryCache, type TreeReader } from '../reader/index.js';
import { gunzip } from '../reader/node/gunzip.js';
import { messageOf, UnavailableError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import { equalBytes, ProofError, verifyInclusion, type SignedCheckpoint } from '../tiles-spec/index.js';
import type { BatchTree, NewEntry } from './batch.js';
import { Clock } from './clock.js';
import { openLog, type LogOptions, type OpenedLog } from './opening.js';
import { Patience } from './patience.js';
import { EntryPool, type Placement, type ProvedPlacement } from './pool.js';
import { isFinal } from './retry.js';
import { Sequencer, stopped } from './sequencer.js';
import type { LogIdentity } from './staging/staging.js';

/** How long a store may take to answer before the log is not healthy, in milliseconds: a probe waits no longer. */
const HEALTHY_ANSWER = 4_000;

/** How long an accepted entry may wait before the log is not healthy, in milliseconds. */
const HEALTHY_WAIT = 10_000;

export interface WriterOptions extends LogOptions {
  /** Milliseconds. */
  readonly batchAge: number;
  readonly batchSize: number;
  /** Entries in flight at most; more are refused. */
  readonly maxPending: number;
  readonly onPublished?: (tree: BatchTree, entries: number) => void;
}

/** An entry's place in the log, shown by a published checkpoint. */
export interface ProvedEntry extends ProvedPlacement {
  /** Whether the entry was in the log, or in flight, when it was submitted. */
  readonly isRepeat: boolean;
}

export class Writer {
  readonly identity: LogIdentity;
  /** Settles when the writer has stopped: with nothing when it was told to, or with the error that stopped it. */
  readonly stopped: Promise<Error | undefined>;
  /** Reads the store, and does not try again: a store that does not answer is a fault, or a reason to send submitters away. */
  readonly #reader: LogReader;
  readonly #pool: EntryPool;
  readonly #clock: Clock;
  /** The checkpoint last published, and the log as it has it. */
  #checkpoint: SignedCheckpoint;
  #published: TreeReader;

  private constructor(options: WriterOptions, opened: OpenedLog) {
    const { store, staging, now, onPublished } = options;
    const { verifier, checkpoint, tail } = opened;
    this.identity = opened.identity;
    this.#reader = new LogReader({
      read: async (path) => (await store.read(path))?.bytes,
      verifier,
      gunzip,
      sha: nodeSha256,
      cache: new MemoryCache(),
    });
    const pool = new EntryPool({
      findRepeat: async (entry, isAwaited) => {
        const index = await staging.find(entry.leafHash);
        return index === undefined ? undefined : this.#proveRepeat(entry, index, isAwaited);
      },
      maxPending: options.maxPending,
    });
    const clock = new Clock(opened.lastTime, now);
    this.#pool = pool;
    this.#clock = clock;
    this.#checkpoint = checkpoint;
    this.#published = this.#reader.at(checkpoint, tail.edge);
    const sequencer = new Sequencer(
      {
        ...options,
        ...opened,
        pool,
        clock,
        onPublished: (tree, entries) => {
          this.#checkpoint = tree.checkpoint;
          this.#published = this.#reader.at(tree.checkpoint, tree.edge);
          onPublished?.(tree, entries);
        },
      },
      tail,
    );
    this.stopped = sequencer.run().then(
      () => undefined,
      (error: unknown) => {
        pool.abort(stopped(error));
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

  /** The checkpoint last published. */
  get checkpoint(): SignedCheckpoint {
    return this.#checkpoint;
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
  async submit(entry: NewEntry, patience = new Patience()): Promise<ProvedEntry> {
    try {
      const fault = this.#clock.fault();
      if (fault !== undefined)
        throw new UnavailableError(`${fault}; the log takes no entries until it is right`);
      const { place, isRepeat } = await this.#pool.submit(entry, patience);
      return { ...('tree' in place ? proveNew(entry, place) : place), isRepeat };
    } finally {
      patience.done();
    }
  }

  /**
   * Proves an entry that was logged before, in the published tree. The database's word is not enough: the leaf is read
   * from the log. Costs at most two tiles a level, less those in memory.
   * @throws ProofError when the log has another entry there; UnavailableError when the store does not answer.
   */
  async #proveRepeat(
    { leafHash }: NewEntry,
    index: number,
    isAwaited: () => boolean,
  ): Promise<ProvedPlacement> {
    const [published, checkpoint] = [this.#published, this.#checkpoint];
    try {
      if (!equalBytes(await published.leafHash(index), leafHash)) {
        throw new ProofError(`staging has the entry at ${index}, and the log has another there`);
      }
      if (!isAwaited()) throw new UnavailableError('nobody waits for the proof any more');
      const proof = await published.inclusionProof(index);
      verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, nodeSha256);
      return { index, proof, checkpoint };
    } catch (error) {
      if (isFinal(error) || error instanceof UnavailableError) throw error;
      throw new UnavailableError('the store does not answer; try again', { cause: error });
    }
  }

  /** What is wrong with the log, if anything: as its readers see it, read anew from the store. */
  async fault(): Promise<string | undefined> {
    const waited = this.#pool.oldestWait;
    if (waited > HEALTHY_WAIT) return `an accepted entry has waited for ${Math.round(waited / 1000)} s`;
    const clockFault = this.#clock.fault();
    if (clockFault !== undefined) return clockFault;
    const unanswered = `the store has not answered for ${HEALTHY_ANSWER / 1000} s`;
    return inTime(this.#storeFault(), unanswered);
  }

  async #storeFault(): Promise<string | undefined> {
    try {
      const stored = await this.#reader.checkpoint();
      if (stored === undefined) return 'the store has no checkpoint';
      await this.#reader.at(stored).edge();
      return undefined;
    } catch (error) {
      return `the log in the store does not verify: ${messageOf(error)}`;
    }
  }

  /** Publishes what is in flight, and stops. */
  async close(): Promise<Error | undefined> {
    this.#pool.close();
    return this.stopped;
  }
}

/** Proves an entry in the tree of its batch, and checks the proof before anyone is told of it. @throws ProofError. */
function proveNew({ leafHash }: NewEntry, { index, tree }: Placement): ProvedPlacement {
  const { checkpoint } = tree;
  const proof = tree.inclusionProof(index);
  verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, nodeSha256);
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
