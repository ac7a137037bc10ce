/**
 * Trying again what may succeed later.
 * @module
 */
import { UnreachableError } from './errors.js';

/** Milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/** A server that says how long to wait. */
export class BusyError extends UnreachableError {
  /** @param pause what the server asked for, in milliseconds. */
  constructor(
    message: string,
    readonly pause: number,
  ) {
    super(message, 'busy');
  }
}

/**
 * Does `work` up to `retries` times again, with growing pauses, while it fails with an UnreachableError that is no
 * refusal.
 * @param signal ends it, between two tries.
 * @throws what it fails with at last, or the signal's reason.
 */
export async function tryAgain<T>(work: () => Promise<T>, retries: number, signal?: AbortSignal): Promise<T> {
  for (let retry = 0; ; retry++) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const mayPass =
        error instanceof UnreachableError && error.code !== 'refused' && error.code !== 'no-log';
      if (signal?.aborted === true || !mayPass || retry >= retries) throw signal?.reason ?? error;
      const pause = FIRST_PAUSE * 2 ** retry * (1 + Math.random());
      await sleep(Math.min(Math.max(pause, error instanceof BusyError ? error.pause : 0), LONGEST_PAUSE));
    }
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
