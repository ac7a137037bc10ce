/**
 * Why a writer refuses to start: each refusal says what was found, and what the operator can do. The messages stand
 * together here, so that the files that check a start read without them.
 * @module
 */
import { StartRefusedError } from '../src/errors.js';
import { counted } from '../tiles-spec/counted.js';
import { isBadData } from '../tiles-spec/errors.js';

export function otherOrigin(staged: string, given: string): StartRefusedError {
  return new StartRefusedError(
    `staging is of the log ${staged}, and --origin says ${given}: a log's origin never changes. Give --origin ${staged}, or make a new log in another folder`,
  );
}

/** Both keys are verifier keys, as text. */
export function otherKey(staged: string, given: string): StartRefusedError {
  return new StartRefusedError(
    `staging is of the log with the key ${staged}, and the key given is ${given}. Give the log its own key (--key)`,
  );
}

export function foreignCheckpoint(origin: string, reason: string): StartRefusedError {
  return new StartRefusedError(
    `the checkpoint in the store is not one of ${origin} by this key: ${reason}. Check --store, --origin and --key, or restore the store from a copy`,
  );
}

export function storeEmptied(staged: number): StartRefusedError {
  return new StartRefusedError(
    `the store is empty, and staging has ${counted(staged, 'entry')}: the store was emptied, or --store names another place. Give the right store, or restore it from a copy`,
  );
}

export function nothingToRebuildFrom(): StartRefusedError {
  return new StartRefusedError(
    'staging and store are both empty: there is no log from which --rebuild could make staging. Give the right --store',
  );
}

export function noLogHere(): StartRefusedError {
  return new StartRefusedError(
    'there is no log here, in staging or store, and --no-create or --expect-checkpoint forbids making one',
  );
}

export function stagingMissing(stored: number): StartRefusedError {
  return new StartRefusedError(
    `staging.sqlite is missing or empty, and the store has a log of ${counted(stored, 'entry')}. If --data names another place, give the right one. If this is the log's live store, start once with --rebuild. If the store comes from a copy, start once with --rebuild and with --expect-checkpoint and the newest checkpoint that anyone has: entries that were acknowledged may be missing from the copy, and the log would fork`,
  );
}

export function foreignExpectation(origin: string, reason: string): StartRefusedError {
  return new StartRefusedError(
    `the expected checkpoint is not one of ${origin} by this log's key: ${reason}. Give --expect-checkpoint one of this log`,
  );
}

export function storeBehindExpectation(stored: number, expected: number): StartRefusedError {
  return new StartRefusedError(
    `the store has ${counted(stored, 'entry')}, and the expected checkpoint ${expected}: the store is an old copy. Restore a newer one. If there is none, this log has ended: say so in public, keep the copy readable, and make a new log of another name with another key`,
  );
}

export function forkFromExpectation(expected: number): StartRefusedError {
  return new StartRefusedError(
    `the log does not extend the expected checkpoint of ${counted(expected, 'entry')}: a fork. Keep both: they are the evidence`,
  );
}

export function storeRolledBack(stored: number, staged: number): StartRefusedError {
  return new StartRefusedError(
    `the store is at ${counted(stored, 'entry')} and staging has published ${staged}: the store was rolled back or emptied, or --store names another place. Give the right store, or restore it from a copy that is not older than staging`,
  );
}

export function forkFromStaging(stored: number, staged: number): StartRefusedError {
  return new StartRefusedError(
    `the store's log of ${counted(stored, 'entry')} does not extend the ${staged} that staging has published: a fork. Keep the store and staging as they are: they are the evidence`,
  );
}

export function timesAheadOfStaging(): StartRefusedError {
  return new StartRefusedError(
    "the times of the last bundle in the store are later than staging's last batch. Restore tile/times from a copy of the store",
  );
}

/**
 * Runs a read of the store. `what` names the part of the log that is read.
 * @throws StartRefusedError where `read` throws FormatError or ProofError: the store does not hold what its checkpoint
 *   commits to. Other errors of `read` pass through.
 */
export async function refusingDamage<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isBadData(error)) throw error;
    throw new StartRefusedError(
      `the ${what} of the log in the store does not verify: ${error.message}. Restore the store from a copy`,
      { cause: error, path: error.path },
    );
  }
}
