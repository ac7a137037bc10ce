/**
 * Trying again: a store or a disk that is away is asked until it is back.
 * @module
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ClaimLostError, DamagedStoreError, messageOf, StartRefusedError } from '../src/errors.js';
import { FormatError, ProofError } from '../tiles-spec/index.js';
import { outageOf, type Outages } from './outage.js';

/** Milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** Errors that no second try cures, faults of the program among them. */
const FINAL = [
  DamagedStoreError,
  ClaimLostError,
  StartRefusedError,
  FormatError,
  ProofError,
  TypeError,
  RangeError,
];

/**
 * Whether an error is the end of what met it. After an I/O error the kernel may have dropped what was written, so that
 * a second fsync would succeed and prove nothing.
 */
export function isFinal(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && error.code === 'EIO') return true;
  return FINAL.some((final) => error instanceof final);
}

interface RetryOptions {
  readonly signal?: AbortSignal;
  readonly isStaging?: boolean;
}

export class Retrying {
  readonly #log: Logger;
  readonly #outages: Outages;
  readonly #signal: AbortSignal;
  #isStarting = true;

  /** @param signal ends every wait, even where a call never ends. */
  constructor(log: Logger, outages: Outages, signal: AbortSignal) {
    this.#log = log;
    this.#outages = outages;
    this.#signal = signal;
    // Each call under way listens to it, and a batch makes dozens.
    setMaxListeners(0, signal);
  }

  /** From here on a full or forbidden disk is waited for too. At a start it is the operator who waits. */
  started(): void {
    this.#isStarting = false;
  }

  /**
   * Does `work` again, with pauses from 50 ms to 5 s, until it succeeds or fails for good.
   * @param what names the call in the log.
   * @param options.signal ends the wait, in place of the writer's own.
   * @param options.isStaging staging is this machine's: what is no outage is final there, where a store's may pass.
   * @throws the final error, or the signal's reason once it is aborted; at a start StartRefusedError for a disk that is
   *   full, read-only or forbidden.
   */
  async run<T>(what: string, work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const { signal = this.#signal, isStaging = false } = options;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const result = await unlessAborted(work, signal);
        this.#outages.succeeded(what);
        return result;
      } catch (error) {
        if (signal.aborted || isFinal(error) || (isStaging && outageOf(error) === undefined)) {
          this.#outages.givenUp(what);
          throw error;
        }
        this.#refuseAtStart(what, error);
        this.#outages.failed(what, error);
        this.#log.debug({ err: error, what, pause }, 'trying again');
        // The pause ends early with the signal, which the next round throws.
        await sleep(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #refuseAtStart(what: string, error: unknown): void {
    const outage = outageOf(error);
    if (!this.#isStarting || outage?.isLocal !== true) return;
    throw new StartRefusedError(
      `cannot ${what}: ${outage.reason} (${messageOf(error)}). Fix that, and start again`,
      {
        cause: error,
      },
    );
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
