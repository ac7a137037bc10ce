/**
 * Opening a log for writing. A start has three steps, each of which may refuse it (`start-refusals.ts`):
 *
 *   1. here: staging and store are of one log and of its key; where both are empty, a new log is made.
 *   2. `reconciler.ts`: staging is brought to what the store has published.
 *   3. `recovery.ts`: batches that a crash left claimed or sequenced are published.
 *
 * @module
 */
import type { Logger } from 'pino';
import { DamagedStoreError, messageOf } from '../src/errors.js';
import type { LogKey } from '../src/keys/node/log-key.js';
import type { ObjectStore, ReadableStore } from '../src/store/store.js';
import { counted } from '../tiles-spec/counted.js';
import {
  equalBytes,
  formatCheckpoint,
  formatVerifierKey,
  openCheckpoint,
  signNote,
  type NoteSigner,
  type NoteVerifier,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import { EMPTY_TAIL } from './batch.js';
import { Outages } from './outage.js';
import { PublishedLog, type StoredCheckpoint } from './published-log.js';
import { Publisher } from './publishing/publisher.js';
import { creationOf } from './rebuild.js';
import { Reconciler } from './reconciler.js';
import { Recovery, type Recovered } from './recovery.js';
import { Retrying } from './retrying.js';
import type { LogIdentity, Staging } from './staging/staging.js';
import {
  foreignCheckpoint,
  foreignExpectation,
  forkFromExpectation,
  noLogHere,
  nothingToRebuildFrom,
  otherKey,
  otherOrigin,
  refusingDamage,
  stagingMissing,
  storeBehindExpectation,
  storeEmptied,
} from './start-refusals.js';

export interface LogOptions {
  readonly store: ObjectStore;
  /** The same store, for the reads that answers to submitters need. Default: `store`. */
  readonly reads?: ReadableStore;
  readonly staging: Staging;
  readonly key: LogKey;
  readonly origin: string;
  readonly log: Logger;
  /** Whether a log is made where staging and store are both empty. */
  readonly create: boolean;
  /** Whether an empty staging may be filled from the store's log. Default: false. */
  readonly rebuild?: boolean;
  /** Called while staging reads the entries that it lacks from the store: it has read `done` of `total`. */
  readonly onBringUp?: (done: number, total: number) => void;
  /** A signed checkpoint, as note bytes, that the log must extend. */
  readonly expected?: Uint8Array;
  /** The machine's clock, Unix milliseconds. Default: `Date.now`. */
  readonly now?: () => number;
}

/** A log that can be appended to. */
export interface WritableLog extends Recovered {
  readonly identity: LogIdentity;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
  readonly publisher: Publisher;
  readonly retrying: Retrying;
  readonly outages: Outages;
}

/**
 * Opens a log, or makes it. Publishes what a crash left unpublished. Costs a few tiles and the last entry bundle where
 * staging fits the store, and one tile for every 256 entries that staging lacks.
 * @param signal ends the start, which otherwise waits for a store that does not answer.
 * @throws StartRefusedError, naming what an operator can do; ClaimLostError; DamagedStoreError; NewerVersionError.
 */
export async function openWritableLog(options: LogOptions, signal: AbortSignal): Promise<WritableLog> {
  const { staging, key, origin, log, rebuild = false } = options;
  const { identity, verifier, publisher, retrying, outages, reconciler } = await findOrMakeLog(
    options,
    signal,
  );
  if (rebuild && (await staging.published()).size > 0)
    log.info('staging is there and is not rebuilt; what it lacks it reads from the store, as at every start');
  const { tail, lastTime } = await new Recovery(publisher, staging, reconciler, verifier, log).run();
  retrying.started();
  return { identity, signer: key.signer(origin), verifier, publisher, retrying, outages, tail, lastTime };
}

/**
 * Brings staging, which may be empty, to the tree that the store has published, and publishes nothing.
 * @returns the number of entries that staging had before, and that it has now.
 * @throws StartRefusedError, naming what an operator can do; DamagedStoreError.
 */
export async function rebuildStaging(
  options: Omit<LogOptions, 'create' | 'rebuild'>,
  signal: AbortSignal,
): Promise<{ from: number; to: number }> {
  const from = (await options.staging.published()).size;
  const { reconciler } = await findOrMakeLog({ ...options, create: false, rebuild: true }, signal);
  const { value: checkpoint } = await reconciler.reconcile();
  return { from, to: checkpoint.size };
}

/** A log whose staging and store belong together. Each may still have entries that the other lacks. */
interface FoundLog {
  readonly identity: LogIdentity;
  readonly verifier: NoteVerifier;
  readonly publisher: Publisher;
  readonly retrying: Retrying;
  readonly outages: Outages;
  readonly reconciler: Reconciler;
}

/**
 * Makes sure that staging and store are of one log, and fills them where a new log or a new staging is to be made.
 * @throws StartRefusedError
 */
async function findOrMakeLog(options: LogOptions, signal: AbortSignal): Promise<FoundLog> {
  const { store, reads = store, staging, key, origin, log, onBringUp } = options;
  const verifier = key.verifier(origin);
  const expected = options.expected && openExpected(options.expected, verifier);
  const outages = new Outages(log);
  const retrying = new Retrying(log, outages, signal);
  const published = new PublishedLog(store, reads, verifier, retrying);
  const publisher = new Publisher({ store, published, verifier, retrying, log, signal });
  const { identity, isStaged, stored } = await identify(options, published);
  // Nothing is written before this check: `identify` trusts a staging that has an identity, so a refused start must not
  // leave one.
  if (expected !== undefined) await requireExpected(published, expected);
  if (!isStaged && stored !== undefined && options.rebuild === true) warnOfRebuild(log, stored);
  if (!isStaged) await staging.create(identity);
  if (stored === undefined) {
    await publisher.publishEmpty(emptyCheckpoint(key, origin));
    log.info({ origin }, `made a new, empty log ${origin}`);
  }
  const reconciler = new Reconciler(publisher, staging, log, onBringUp);
  return { identity, verifier, publisher, retrying, outages, reconciler };
}

interface Identified {
  /** Of the log that staging and store are of, or of the new log. */
  readonly identity: LogIdentity;
  /** False in a new staging, which has no identity yet. */
  readonly isStaged: boolean;
  /** The store's checkpoint; undefined in an empty store. */
  readonly stored: StoredCheckpoint | undefined;
}

/**
 * Reads the identity of the log in staging and of the log in the store, and compares the two. Writes nothing.
 * @throws StartRefusedError unless both are of this origin and key, or are empty and may be filled.
 */
async function identify(options: LogOptions, published: PublishedLog): Promise<Identified> {
  const { staging, key, origin, now = Date.now } = options;
  const verifierKey = formatVerifierKey(key.verifierKey(origin));
  const staged = await staging.identity();
  if (staged !== undefined && staged.origin !== origin) throw otherOrigin(staged.origin, origin);
  if (staged !== undefined && staged.verifierKey !== verifierKey)
    throw otherKey(staged.verifierKey, verifierKey);
  const stored = await published.read().catch((error: unknown) => {
    if (!(error instanceof DamagedStoreError)) throw error;
    throw foreignCheckpoint(origin, messageOf(error.cause));
  });
  const { size: stagedSize } = await staging.tree();
  if (stored === undefined && stagedSize > 0) throw storeEmptied(stagedSize);
  if (staged !== undefined) return { identity: staged, isStaged: true, stored };
  requireNewStagingAllowed(options, stored);
  const created = stored === undefined ? now() : await readCreation(published, stored, key, now());
  return { identity: { origin, verifierKey, created }, isStaged: false, stored };
}

/** @throws StartRefusedError unless the options allow a new staging beside the checkpoint that the store has. */
function requireNewStagingAllowed(
  { create, rebuild = false }: LogOptions,
  stored: StoredCheckpoint | undefined,
): void {
  if (stored === undefined) {
    if (rebuild) throw nothingToRebuildFrom();
    if (!create) throw noLogHere();
  } else if (stored.value.size > 0 && !rebuild) {
    throw stagingMissing(stored.value.size);
  }
}

/**
 * Reads from the store when its log was created, Unix milliseconds.
 * @param now the answer for a log that is empty and whose store does not tell.
 * @throws StartRefusedError where the store's first times are damaged.
 */
async function readCreation(
  published: PublishedLog,
  { value: checkpoint }: StoredCheckpoint,
  { spki }: LogKey,
  now: number,
): Promise<number> {
  const reader = published.patientReader;
  return refusingDamage('first times', () =>
    creationOf(reader.at(checkpoint), reader.options.read, spki, now),
  );
}

function warnOfRebuild(log: Logger, { value: { size } }: StoredCheckpoint): void {
  log.warn(
    { size },
    `staging is rebuilt from the store's log of ${counted(size, 'entry')}. Whether the store was rolled back as well cannot be told from inside: --expect-checkpoint with the newest checkpoint that anyone has makes sure of it`,
  );
}

function emptyCheckpoint(key: LogKey, origin: string): SignedCheckpoint {
  const root = EMPTY_TAIL.edge.root();
  const text = formatCheckpoint({ origin, size: 0, root, extensions: [] });
  return openCheckpoint(signNote(text, key.signer(origin)), key.verifier(origin));
}

/** @throws StartRefusedError unless `bytes` are a checkpoint of this log. */
function openExpected(bytes: Uint8Array, verifier: NoteVerifier): SignedCheckpoint {
  try {
    return openCheckpoint(bytes, verifier);
  } catch (error) {
    throw foreignExpectation(verifier.name, messageOf(error));
  }
}

/** @throws StartRefusedError unless the store's log extends the checkpoint that the operator expects. */
async function requireExpected(published: PublishedLog, expected: SignedCheckpoint): Promise<void> {
  const stored = await published.read();
  const size = stored?.value.size ?? 0;
  if (stored === undefined || size < expected.size) throw storeBehindExpectation(size, expected.size);
  if (!equalBytes(await published.patientReader.at(stored.value).rootAt(expected.size), expected.root))
    throw forkFromExpectation(expected.size);
}
