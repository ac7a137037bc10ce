/**
 * Opening a log: staging and store must be of one log and of its key, a log is made where both are empty, and what a
 * crash left undone is done. Each refusal says what an operator can do.
 * @module
 */
import type { Logger } from 'pino';
import { DamagedStoreError, messageOf, StartRefusedError } from '../src/errors.js';
import type { LogKey } from '../src/keys/node/log-key.js';
import type { ObjectStore, ReadableStore } from '../src/store/store.js';
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
import { Fitting, refusingDamage } from './reconciler.js';
import { Outages } from './outage.js';
import { PublishedLog, type StoredCheckpoint } from './published-log.js';
import { Publisher } from './publishing/publisher.js';
import { creationOf } from './rebuild.js';
import { Recovery, type Recovered } from './recovery.js';
import { Retrying } from './retrying.js';
import type { LogIdentity, Staging } from './staging/staging.js';

export interface LogOptions {
  readonly store: ObjectStore;
  /** The same store, for reads that submitters cause. Default: `store`. */
  readonly reads?: ReadableStore;
  readonly staging: Staging;
  readonly key: LogKey;
  readonly origin: string;
  readonly log: Logger;
  /** Whether a log is made where staging and store are both empty. */
  readonly create: boolean;
  /** Whether an empty staging is made from the store's log. */
  readonly rebuild?: boolean;
  /** Told how many of how many entries staging has learnt from the store. */
  readonly onBringUp?: (done: number, total: number) => void;
  /** A signed checkpoint that the log must extend. */
  readonly expected?: Uint8Array;
  /** The machine's clock, Unix milliseconds. */
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
 * Opens a log, or makes it.
 * @param signal gives up on a store that does not answer.
 * @throws StartRefusedError, naming what an operator can do; ClaimLostError; DamagedStoreError; NewerVersionError.
 */
export async function openWritableLog(options: LogOptions, signal: AbortSignal): Promise<WritableLog> {
  const { staging, key, origin, log } = options;
  const { identity, fitting, ...parts } = await identifyLog(options, signal);
  const { publisher, retrying } = parts;
  const verifier = key.verifier(origin);
  if (options.rebuild === true && (await staging.published()).size > 0)
    log.info('staging is there and is not rebuilt; what it lacks it reads from the store, as at every start');
  const recovered = await new Recovery(publisher, staging, fitting, verifier, log).run();
  retrying.started();
  return { ...recovered, ...parts, identity, signer: key.signer(origin), verifier };
}

/**
 * Brings staging, which may be empty, to the tree that the store has published, and publishes nothing. Returns the size
 * that staging had, and the one that it has.
 * @throws StartRefusedError, naming what an operator can do; DamagedStoreError.
 */
export async function rebuildStaging(
  options: Omit<LogOptions, 'create' | 'rebuild'>,
  signal: AbortSignal,
): Promise<{ from: number; to: number }> {
  const from = (await options.staging.published()).size;
  const { fitting } = await identifyLog({ ...options, create: false, rebuild: true }, signal);
  const { value: checkpoint } = await fitting.fit();
  return { from, to: checkpoint.size };
}

/** What is known of a log before staging and store are made to fit. */
async function identifyLog(options: LogOptions, signal: AbortSignal) {
  const { store, staging, key, origin, log } = options;
  const verifier = key.verifier(origin);
  const expected = options.expected && openExpected(options.expected, verifier);
  const outages = new Outages(log);
  const retrying = new Retrying(log, outages, signal);
  const published = new PublishedLog(store, options.reads ?? store, verifier, retrying);
  const publisher = new Publisher({ store, published, verifier, retrying, log, signal });
  const { identity, stored, isKnown } = await identify(options, publisher);
  // Before anything is written: a start that is refused must leave the next one just as much to refuse.
  if (expected !== undefined) await requireExpected(publisher, expected);
  if (!isKnown) await staging.create(identity);
  if (stored === undefined) {
    await publisher.publishEmpty(emptyCheckpoint(key, origin));
    log.info({ origin }, `made a new, empty log ${origin}`);
  }
  const fitting = new Fitting(publisher, staging, log, options.onBringUp);
  return { identity, fitting, publisher, retrying, outages };
}

/** What a log is, as far as staging and store tell. Nothing is written. */
interface Identified {
  readonly identity: LogIdentity;
  /** Whether staging has it. */
  readonly isKnown: boolean;
  /** The store's checkpoint. */
  readonly stored: StoredCheckpoint | undefined;
}

/** Makes sure that staging and store are of one log and of this key, or both empty. */
async function identify(options: LogOptions, publisher: Publisher): Promise<Identified> {
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
  const stored = await publisher.published.read().catch((error: unknown) => {
    if (!(error instanceof DamagedStoreError)) throw error;
    throw new StartRefusedError(
      `the checkpoint in the store is not one of ${origin} by this key: ${messageOf(error.cause)}. Check --store, --origin and --key, or restore the store from a copy`,
    );
  });
  const staged = await staging.tree();
  if (stored === undefined && staged.size > 0) {
    throw new StartRefusedError(
      `the store is empty, and staging has ${staged.size} entries: the store was emptied, or --store names another place. Give the right store, or restore it from a copy`,
    );
  }
  const identity = known ?? { origin, verifierKey, created: await creation(options, publisher, stored) };
  return { identity, isKnown: known !== undefined, stored };
}

/**
 * When the log was made for which a new staging is made, Unix milliseconds.
 * @throws StartRefusedError where no staging may be made.
 */
async function creation(
  { create, rebuild = false, key, log, now = Date.now }: LogOptions,
  publisher: Publisher,
  stored: StoredCheckpoint | undefined,
): Promise<number> {
  if (stored === undefined) {
    if (create && !rebuild) return now();
    throw new StartRefusedError(
      rebuild
        ? 'staging and store are both empty: there is no log from which --rebuild could make staging. Give the right --store'
        : 'there is no log here, in staging or store, and --no-create or --expect-checkpoint forbids making one',
    );
  }
  const checkpoint = stored.value;
  if (checkpoint.size > 0 && !rebuild) {
    throw new StartRefusedError(
      `staging.sqlite is missing or empty, and the store has a log of ${checkpoint.size} entries. If --data names another place, give the right one. If this is the log's live store, start once with --rebuild. If the store comes from a copy, start once with --rebuild and with --expect-checkpoint and the newest checkpoint that anyone has: entries that were acknowledged may be missing from the copy, and the log would fork`,
    );
  }
  if (rebuild)
    log.warn(
      { size: checkpoint.size },
      `staging is rebuilt from the store's log of ${checkpoint.size} entries. Whether the store was rolled back as well cannot be told from inside: --expect-checkpoint with the newest checkpoint that anyone has makes sure of it`,
    );
  const reader = publisher.published.patient;
  return refusingDamage('first times', () =>
    creationOf(reader.at(checkpoint), reader.options.read, key.spki, now()),
  );
}

function emptyCheckpoint(key: LogKey, origin: string): SignedCheckpoint {
  const root = EMPTY_TAIL.edge.root();
  const text = formatCheckpoint({ origin, size: 0, root, extensions: [] });
  return openCheckpoint(signNote(text, key.signer(origin)), key.verifier(origin));
}

/** @throws StartRefusedError unless it is a checkpoint of this log. */
function openExpected(bytes: Uint8Array, verifier: NoteVerifier): SignedCheckpoint {
  try {
    return openCheckpoint(bytes, verifier);
  } catch (error) {
    throw new StartRefusedError(
      `the expected checkpoint is not one of ${verifier.name} by this log's key: ${messageOf(error)}. Give --expect-checkpoint one of this log`,
    );
  }
}

/** @throws StartRefusedError unless the log in the store begins with the tree of a checkpoint that an operator kept. */
async function requireExpected(publisher: Publisher, expected: SignedCheckpoint): Promise<void> {
  const stored = await publisher.published.read();
  const size = stored?.value.size ?? 0;
  if (stored === undefined || size < expected.size) {
    throw new StartRefusedError(
      `the store has ${size} entries, and the expected checkpoint ${expected.size}: the store is an old copy. Restore a newer one. If there is none, this log has ended: say so in public, keep the copy readable, and make a new log of another name with another key`,
    );
  }
  if (!equalBytes(await publisher.published.patient.at(stored.value).rootAt(expected.size), expected.root)) {
    throw new StartRefusedError(
      `the log does not extend the expected checkpoint of ${expected.size} entries: a fork. Keep both: they are the evidence`,
    );
  }
}
