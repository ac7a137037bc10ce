/**
 * What is wrong with the log, in words for anyone. `/healthz` and refused submitters read them, so that they never name
 * the store's place. An outage, a wrong clock and damage have different remedies, and so different codes.
 * @module
 */
import { ClaimLostError, DamagedStoreError, messageOf, UnavailableError } from '../src/errors.js';
import { isBadData } from '../tiles-spec/errors.js';
import { outageOf, type Outage } from './outage.js';

export interface Fault {
  /**
   * A fault with an outage's code ends when the outage does. `starting`: the log is being opened. `clock`: this machine's
   * clock is wrong. `late`: an accepted entry, or a request, has waited too long. `damaged`: the store holds what it
   * should not. `stopped`: the writer has ended.
   */
  readonly code: Outage['code'] | 'starting' | 'clock' | 'late' | 'damaged' | 'stopped';
  /** For people: it names no host, path or bucket. */
  readonly reason: string;
}

/** The fault of the log that a failed read of its store shows. */
export function faultOf(error: unknown): Fault {
  const outage = outageOf(error);
  if (outage !== undefined) return { code: outage.code, reason: outage.reason };
  // Its message names files of this machine.
  if (error instanceof DamagedStoreError) {
    return { code: 'damaged', reason: "the log in the store does not verify; the daemon's own log says why" };
  }
  if (isDamage(error)) {
    return { code: 'damaged', reason: `the log in the store does not verify: ${messageOf(error)}` };
  }
  return { code: 'unreachable', reason: 'the store does not answer' };
}

/** Why the writer has ended. Details of damage are in the daemon's own log alone, since they name files of this machine. */
export function stopFaultOf(error: unknown): Fault {
  const isForAnyone = error instanceof ClaimLostError || error instanceof UnavailableError;
  const why = isForAnyone
    ? messageOf(error)
    : (outageOf(error)?.reason ??
      `${isDamage(error) ? 'its store or its staging is damaged, and ' : ''}the daemon's own log says why`);
  return { code: 'stopped', reason: `the log has stopped: ${why}` };
}

function isDamage(error: unknown): boolean {
  return error instanceof DamagedStoreError || isBadData(error);
}
