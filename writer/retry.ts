/**
 * Trying again: a store that does not answer is asked until it does.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ClaimLostError, DamagedStoreError, messageOf } from '../src/errors.js';
import { FormatError, ProofError } from '../tiles-spec/index.js';

/** Milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** Errors that no second try mends, faults of the program among them. Every other is the store's, and may pass. */
const FINAL = [DamagedStoreError, ClaimLostError, FormatError, ProofError, TypeError, RangeError];

/** Whether an error stays, however often the work is tried. */
export function isFinal(error: unknown): boolean {
  return FINAL.some((final) => error instanceof final);
}

/**
 * Does `work` again, with growing pauses, until it succeeds or fails for good.
 * @throws the final error, or the signal's reason once it is aborted, even where `work` never ends.
 */
export async function retry<T>(
  what: string,
  work: () => Promise<T>,
  log: Logger,
  signal: AbortSignal,
): Promise<T> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await unlessAborted(work, signal);
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      log.warn({ err: error, what }, `${what} failed: ${messageOf(error)}; trying again in ${pause} ms`);
      await unlessAborted(() => sleep(pause), signal);
    }
  }
}

async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
