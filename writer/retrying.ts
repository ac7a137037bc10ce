/**
 * The writer's patience: it tries again until a store or a disk is back, and keeps count of what is away.
 * @module
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { isProgramFault, messageOf, StartRefusedError, SteleError } from '../src/errors.js';
import { hasCode } from '../src/node/system-error.js';
import { retry, type Pauses } from '../src/retry.js';
import { outageOf, type Outages } from './outage.js';

const PAUSES: Pauses = { first: 50, longest: 5_000 };

/**
 * Whether an error ends the call that met it. An outage never does, even where an operator has to end it: the writer
 * waits for the operator.
 */
export function isFinal(error: unknown): boolean {
  if (outageOf(error) !== undefined) return false;
  if (error instanceof SteleError) return error.isFinal;
  // After an I/O error the kernel may have dropped what was written: a second fsync would succeed and prove nothing.
  return isProgramFault(error) || hasCode(error, 'EIO');
}

interface RetryingOptions {
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
    // Each call under way listens to the signal, and a batch makes dozens: Node would warn of a leak.
    setMaxListeners(0, signal);
  }

  /** The start is over. From here on the writer waits for a full or forbidden disk too; at a start an operator is there. */
  started(): void {
    this.#isStarting = false;
  }

  /**
   * Does `work` again, with pauses from 50 ms to 5 s, until it succeeds or fails for good. Never gives up by itself.
   * @param what names the call in the log.
   * @param options.signal ends the wait, in place of the writer's own.
   * @param options.isStaging whether the call is on staging. Staging is on this machine, so that an error which is no
   *   outage is final; a store may answer otherwise the next time.
   * @throws the final error, or the signal's reason once it is aborted; at a start StartRefusedError for a disk that is
   *   full, read-only or forbidden.
   */
  async run<T>(what: string, work: () => Promise<T>, options: RetryingOptions = {}): Promise<T> {
    const { signal = this.#signal, isStaging = false } = options;
    try {
      const result = await retry(work, {
        retries: Infinity,
        pauses: PAUSES,
        signal,
        isFinal: (error) => isFinal(error) || (isStaging && outageOf(error) === undefined),
        onFailure: (error, pause) => {
          this.#refuseAtStart(what, error);
          this.#outages.failed(what, error);
          this.#log.debug({ err: error, what, pause }, 'trying again');
        },
      });
      this.#outages.succeeded(what);
      return result;
    } catch (error) {
      this.#outages.givenUp(what);
      throw error;
    }
  }

  #refuseAtStart(what: string, error: unknown): void {
    const outage = outageOf(error);
    if (!this.#isStarting || outage?.isLocal !== true) return;
    throw new StartRefusedError(
      `cannot ${what}: ${outage.reason} (${messageOf(error)}). Fix that, and start again`,
      { cause: error },
    );
  }
}
