/**
 * Trying again: one loop for all calls whose failure may pass by itself. The error says whether it may.
 * @module
 */
import { SteleError } from '../tiles-spec/errors.js';
import { UnreachableError } from './errors.js';

/** Pauses between tries, in milliseconds. Each is twice as long as the one before. */
export interface Pauses {
  readonly first: number;
  /** Also the longest that a server is granted which names a pause itself. */
  readonly longest: number;
  /** Whether each is drawn at random, from its length to twice that: clients that failed together then come back apart. */
  readonly isSpread?: boolean;
}

/** For a reader, which is one of many. */
const READER_PAUSES: Pauses = { first: 250, longest: 10_000, isSpread: true };

export interface RetryOptions {
  /** Further tries after the first; Infinity goes on for ever. */
  readonly retries: number;
  /** Default: 250 ms to 10 s, spread. */
  readonly pauses?: Pauses;
  /** Ends the tries at once, also in a pause, and in a call that never returns. */
  readonly signal?: AbortSignal | undefined;
  /** Whether an error ends the tries. Default: every error does, but a SteleError that is not final. */
  readonly isFinal?: (error: unknown) => boolean;
  /** Called for each failure that is tried again, with the pause that follows. An error that it throws ends the tries. */
  readonly onFailure?: (error: unknown, pause: number) => void;
}

/**
 * Does `work` until it succeeds, with growing pauses.
 * @returns the result of the try that succeeded.
 * @throws the error of the last try: a final one, or any once no try is left; the signal's reason once it is aborted, and
 *   `work` may then still be running.
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, pauses = READER_PAUSES, signal, isFinal = isFinalToReaders, onFailure } = options;
  for (let failures = 0; ; failures++) {
    try {
      return await unlessAborted(work, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (failures >= retries || isFinal(error)) throw error;
      const pause = pauseAfter(failures, error, pauses);
      onFailure?.(error, pause);
      await sleep(pause, signal);
    }
  }
}

/** Whether an HTTP server that answers with this status may take the same request later. */
export function isPassingStatus(status: number): boolean {
  // 501: the server does not know the method; 505: nor this version of HTTP. Proxies have statuses of their own from 520 on.
  return PASSING_STATUSES.has(status) || (status >= 500 && status !== 501 && status !== 505);
}

/** Below 500: the request came too slowly, too early, or as one of too many. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/** The pause that a server asks for in a Retry-After header, in milliseconds: up to 999 s. 0 for a date or no header. */
export function askedPause(retryAfter: string | undefined): number {
  return retryAfter !== undefined && /^[0-9]{1,3}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0;
}

/** An error that is not ours does not say whether it passes: the caller sees it at once. */
function isFinalToReaders(error: unknown): boolean {
  return !(error instanceof SteleError) || error.isFinal;
}

function pauseAfter(failures: number, error: unknown, { first, longest, isSpread = false }: Pauses): number {
  const ours = first * 2 ** failures * (isSpread ? 1 + Math.random() : 1);
  const asked = error instanceof UnreachableError ? error.pause : 0;
  return Math.min(Math.max(ours, asked), longest);
}

/** @throws the signal's reason as soon as it is aborted; `work` is not started, or its result is dropped. */
async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work();
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

/** Waits, at most until the signal is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
    if (signal?.aborted === true) end();
  });
}
