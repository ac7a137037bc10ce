/**
 * A log's one writer: opened on a store and a staging that fit, it takes entries and answers with proofs.
 * @module
 */
import type { Logger } from 'pino';
import { StartRefusedError, UnavailableError } from '../src/errors.js';
import type { LogKey } from '../src/keys/log-key.js';
import { nodeSha256 } from '../src/node-sha256.js';
import type { ObjectStore } from '../src/store/store.js';
import { LogReader, type TreeReader } from '../reader/index.js';
import { gunzip } from '../reader/node/gunzip.js';
import {
  equalBytes,
  formatCheckpoint,
  formatVerifierKey,
  openCheckpoint,
  ProofError,
  signNote,
  verifyInclusion,
  type Hash,
  type NoteSigner,
  type NoteVerifier,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import { EMPTY_TAIL, type BatchTree, type LogTail, type NewEntry } from './batch.js';
import { Clock } from './clock.js';
import { EntryPool, type Placement } from './pool.js';
import { Publisher } from './publisher.js';
import { recover } from './recovery.js';
import { Sequencer, stopped } from './sequencer.js';
import type { LogIdentity, Staging } from './staging/staging.js';

/** How long a submitter waits for its batch, from acceptance, in milliseconds: clients give up after five seconds. */
const LONGEST_WAIT = 4_000;

/** How long an accepted entry may wait before the log is not healthy, in milliseconds. */
const HEALTHY_WAIT = 10_000;

export interface WriterOptions {
  readonly store: ObjectStore;
  readonly staging: Staging;
  readonly key: LogKey;
  readonly origin: string;
  /** Milliseconds. */
  readonly batchAge: number;
  readonly batchSize: number;
  /** Entries in flight at most; more are refused. */
  readonly maxPending: number;
  readonly log: Logger;
  /** Whether a log is made where staging and store are both empty. */
  readonly create: boolean;
  /** A signed checkpoint that the log must extend. */
  readonly expected?: Uint8Array;
  readonly onPublished?: (tree: BatchTree, entries: number) => void;
  /** The machine's clock, Unix milliseconds. */
  readonly now?: () => number;
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

  private constructor(options: WriterOptions, opened: Opened) {
    const { pool, clock, publisher } = opened;
    this.identity = opened.identity;
    this.#reader = new LogReader({
      read: async (path) => (await options.store.read(path))?.bytes,
      verifier: opened.verifier,
      gunzip,
      sha: nodeSha256,
    });
    this.#pool = pool;
    this.#clock = clock;
    this.#checkpoint = opened.checkpoint;
    this.#published = opened.published;
    const sequencer = new Sequencer(
      {
        ...options,
        ...opened,
        onPublished: (tree, entries) => {
          this.#checkpoint = tree.checkpoint;
          this.#published = publisher.reader.at(tree.checkpoint, tree.edge);
          options.onPublished?.(tree, entries);
        },
      },
      opened.tail,
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
   * Recovers the log, or makes it, and starts to sequence.
   * @param signal gives up on a store that does not answer.
   * @throws StartRefusedError, naming what an operator can do; ClaimLostError; DamagedStoreError.
   */
  static async open(options: WriterOptions, signal: AbortSignal): Promise<Writer> {
    const { store, staging, key, origin, log } = options;
    const [signer, verifier] = [key.signer(origin), key.verifier(origin)];
    const expected = options.expected && openExpected(options.expected, verifier);
    const publisher = new Publisher(store, verifier, log, signal);
    const identity = await identify(options, publisher, signer);
    const { checkpoint, tail, lastTime } = await recover(publisher, staging, verifier, log);
    const published = publisher.reader.at(checkpoint, tail.edge);
    if (expected !== undefined) await requireExtends(published, expected);
    const pool = new EntryPool((leafHash) => staging.find(leafHash), options.maxPending);
    const clock = new Clock(lastTime, options.now);
    return new Writer(options, {
      identity,
      signer,
      verifier,
      publisher,
      pool,
      clock,
      tail,
      checkpoint,
      published,
    });
  }

  /** The checkpoint last published. */
  get checkpoint(): SignedCheckpoint {
    return this.#checkpoint;
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
    const unanswered = `the store has not answered for ${LONGEST_WAIT / 1000} s`;
    return inTime(this.#storeFault(), unanswered).catch(() => unanswered);
  }

  async #storeFault(): Promise<string | undefined> {
    try {
      const stored = await this.#reader.checkpoint();
      if (stored === undefined) return 'the store has no checkpoint';
      await this.#reader.at(stored).edge();
      return undefined;
    } catch (error) {
      return `the log in the store does not verify: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Publishes what is in flight, and stops. */
  async close(): Promise<Error | undefined> {
    this.#pool.close();
    return this.stopped;
  }
}

/** What opening a log finds and makes. */
interface Opened {
  readonly identity: LogIdentity;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
  readonly publisher: Publisher;
  readonly pool: EntryPool;
  readonly clock: Clock;
  readonly tail: LogTail;
  readonly checkpoint: SignedCheckpoint;
  readonly published: TreeReader;
}

/** Makes sure that staging and store are of one log and of this key, and makes the log where both are empty. */
async function identify(
  options: WriterOptions,
  publisher: Publisher,
  signer: NoteSigner,
): Promise<LogIdentity> {
  const { staging, key, origin } = options;
  const verifierKey = formatVerifierKey(key.verifierKey(origin));
  const known = await staging.identity();
  if (known !== undefined && known.origin !== origin) {
    throw new StartRefusedError(
      `staging is of the log ${known.origin}, and --origin says ${origin}: a log's origin never changes. Give --origin ${known.origin}, or make a new log in another folder`,
    );
  }
  if (known !== undefined && known.verifierKey !== verifierKey) {
    throw new StartRefusedError(
      `staging is of the log with the key ${known.verifierKey}, and the key given is ${verifierKey}. Give the log its own key (--key)`,
    );
  }
  const stored = await publisher.checkpoint().catch((error: unknown) => {
    throw new StartRefusedError(
      `the checkpoint in the store is not one of ${origin} by this key: ${error instanceof Error ? error.message : String(error)}. Give the log its own store, origin and key, or restore the store from a copy`,
    );
  });
  const staged = await staging.tree();
  if (stored === undefined && staged !== undefined) {
    throw new StartRefusedError(
      `the store is empty, and staging has ${staged.size} entries: the store was emptied, or --store names another place. Give the right store, or restore it from a copy`,
    );
  }
  if (known === undefined && stored !== undefined && stored.checkpoint.size > 0) {
    throw new StartRefusedError(
      `staging is empty, and the store has a log of ${stored.checkpoint.size} entries: staging was lost, or --data names another place. Give the right folder, or restore staging.sqlite from its newest copy; this version cannot rebuild it from the store`,
    );
  }
  if (known === undefined && stored === undefined && !options.create) {
    throw new StartRefusedError(
      'there is no log here, in staging or store, and --no-create or --expect-checkpoint forbids to make one',
    );
  }
  const identity = known ?? { origin, verifierKey, created: (options.now ?? Date.now)() };
  if (known === undefined) await staging.create(identity);
  if (stored === undefined) await publisher.publishEmpty(emptyCheckpoint(signer, key.verifier(origin)));
  return identity;
}

function emptyCheckpoint(signer: NoteSigner, verifier: NoteVerifier): SignedCheckpoint {
  const text = formatCheckpoint({
    origin: signer.name,
    size: 0,
    root: EMPTY_TAIL.edge.root(),
    extensions: [],
  });
  return openCheckpoint(signNote(text, signer), verifier);
}

/** @throws StartRefusedError unless it is a checkpoint of this log. */
function openExpected(bytes: Uint8Array, verifier: NoteVerifier): SignedCheckpoint {
  try {
    return openCheckpoint(bytes, verifier);
  } catch (error) {
    throw new StartRefusedError(
      `the expected checkpoint is not one of ${verifier.name} by this log's key: ${error instanceof Error ? error.message : String(error)}. Give --expect-checkpoint one of this log`,
    );
  }
}

/** @throws StartRefusedError unless the log begins with the tree of a checkpoint that an operator kept. */
async function requireExtends(published: TreeReader, expected: SignedCheckpoint): Promise<void> {
  const { size } = published.tree;
  if (size < expected.size) {
    throw new StartRefusedError(
      `the log has ${size} entries, and the expected checkpoint ${expected.size}: staging and store were both restored from an old copy. Restore a newer one`,
    );
  }
  if (!equalBytes(await published.rootAt(expected.size), expected.root)) {
    throw new StartRefusedError(
      `the log does not extend the expected checkpoint of ${expected.size} entries: a fork. Keep both: they are the evidence`,
    );
  }
}

/** @throws UnavailableError when the promise is late. */
async function inTime<T>(promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new UnavailableError(message));
    }, LONGEST_WAIT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
