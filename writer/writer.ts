/**
 * A log's one writer: opened on a store and a staging that fit, it takes entries and answers with proofs.
 * @module
 */
import { LogReader, type TreeReader } from '../reader/index.js';
import { gunzip } from '../reader/node/gunzip.js';
import { messageOf, UnavailableError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import {
  equalBytes,
  ProofError,
  verifyInclusion,
  type Hash,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { BatchTree, NewEntry } from './batch.js';
import { Clock } from './clock.js';
import { openLog, type LogOptions, type OpenedLog } from './opening.js';
import { EntryPool, type Placement } from './pool.js';
import { Sequencer, stopped } from './sequencer.js';
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
  readonly onPublished?: (tree: BatchTree, entries: number) => void;
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
  /** Reads the store without patience: a store that does not answer is a fault. */
  readonly #reader: LogReader;
  readonly #pool: EntryPool;
  readonly #clock: Clock;
  /** The checkpoint last published, and the log as it has it. */
  #checkpoint: SignedCheckpoint;
  #published: TreeReader;

  private constructor(options: WriterOptions, opened: OpenedLog) {
    const { store, staging, now, onPublished } = options;
    const { publisher, verifier, checkpoint, tail } = opened;
    this.identity = opened.identity;
    this.#reader = new LogReader({
      read: async (path) => (await store.read(path))?.bytes,
      verifier,
      gunzip,
      sha: nodeSha256,
    });
    const pool = new EntryPool((leafHash) => staging.find(leafHash), options.maxPending);
    const clock = new Clock(opened.lastTime, now);
    this.#pool = pool;
    this.#clock = clock;
    this.#checkpoint = checkpoint;
    this.#published = publisher.reader.at(checkpoint, tail.edge);
    const sequencer = new Sequencer(
      {
        ...options,
        ...opened,
        pool,
        clock,
        onPublished: (tree, entries) => {
          this.#checkpoint = tree.checkpoint;
          this.#published = publisher.reader.at(tree.checkpoint, tree.edge);
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
   * @throws UnavailableError when the log is busy or stopping, or did not publish the entry in time: it may then be
   *   logged all the same, and trying again joins it.
   */
  async submit(entry: NewEntry): Promise<ProvedEntry> {
    const fault = this.#clock.fault();
    if (fault !== undefined)
      throw new UnavailableError(`${fault}; the log takes no entries until it is right`);
    return inTime(
      this.#pool.submit(entry).then((placement) => this.#prove(entry, placement)),
      'the entry is not published yet, and may be soon; try again: a repeat joins it',
    );
  }

  /** Proves an entry in a published tree, and checks the proof before anyone is told of it. */
  async #prove({ leafHash }: NewEntry, { index, tree }: Placement): Promise<ProvedEntry> {
    const published = this.#published;
    const checkpoint = tree?.checkpoint ?? this.#checkpoint;
    // The database's word is not enough for an entry logged before: its leaf is read from the log, and proved.
    if (tree === undefined && !equalBytes(await published.leafHash(index), leafHash)) {
      throw new ProofError(`staging has the entry at ${index}, and the log has another there`);
    }
    const proof = tree?.inclusionProof(index) ?? (await published.inclusionProof(index));
    verifyInclusion(leafHash, index, checkpoint.size, proof, checkpoint.root, nodeSha256);
    return { index, proof, checkpoint };
  }

  /** What is wrong with the log, if anything: as its readers see it, read anew from the store. */
  async fault(): Promise<string | undefined> {
    const waited = Date.now() - (this.#pool.oldest ?? Infinity);
    if (waited > HEALTHY_WAIT) return `an accepted entry has waited for ${Math.round(waited / 1000)} s`;
    const clockFault = this.#clock.fault();
    if (clockFault !== undefined) return clockFault;
    const unanswered = `the store has not answered for ${PUBLISH_TIMEOUT / 1000} s`;
    return inTime(this.#storeFault(), unanswered).catch(() => unanswered);
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
