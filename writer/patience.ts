/**
 * Trying again: a store that does not answer is asked until it does.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ClaimLostError, DamagedStoreError } from '../src/errors.js';
import { FormatError, ProofError } from '../tiles-spec/index.js';

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** Errors that no second try mends. Every other means that the store did not answer, or not yet. */
const FINAL = [DamagedStoreError, ClaimLostError, FormatError, ProofError];

/** Asks again, with growing pauses, until `work` answers, fails for good, or `signal` gives up. */
export async function patiently<T>(
  what: string,
  work: () => Promise<T>,
  log: Logger,
  signal: AbortSignal,
): Promise<T> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (FINAL.some((final) => error instanceof final)) throw error;
      log.warn({ err: error, what }, `the store did not answer; trying again in ${pause} ms`);
      await sleep(pause, undefined, { signal });
    }
  }
}
