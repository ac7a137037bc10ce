/**
 * Outages: the disk is full, the bucket does not answer, and the like. An outage passes, damage does not: the writer
 * waits an outage out and goes on, where it would stop for damage.
 * @module
 */
import type { Logger } from 'pino';
import { ConfigurationError, messageOf, UnreachableError } from '../src/errors.js';
import { codeOf } from '../src/node/system-error.js';

/** What is away. */
export interface Outage {
  /** For machines: alerts and answers. */
  readonly code:
    'disk-full' | 'too-many-files' | 'read-only' | 'not-permitted' | 'unreachable' | 'unexpected';
  /** For anyone: it names no host, path or bucket. */
  readonly reason: string;
  /** Whether an operator has to act on this machine: waiting alone may not help. */
  readonly isLocal: boolean;
}

const DISK_FULL = { code: 'disk-full', reason: 'the disk is full', isLocal: true } as const;
const TOO_MANY_FILES = {
  code: 'too-many-files',
  reason: 'no file descriptors are left',
  isLocal: true,
} as const;
const READ_ONLY = { code: 'read-only', reason: 'the disk is read-only', isLocal: true } as const;
const NOT_PERMITTED = {
  code: 'not-permitted',
  reason: 'a file may not be opened or written',
  isLocal: true,
} as const;
const UNREACHABLE = { code: 'unreachable', reason: 'the store does not answer', isLocal: false } as const;

/** The store shows what it must not, as a checkpoint that is gone: a later answer may be another. */
const UNEXPECTED = {
  code: 'unexpected',
  reason: "the store's answers are not those of this log's store; the daemon's own log says more",
  isLocal: false,
} as const;

/** By the code that Node or SQLite gives an error. */
const BY_CODE: Readonly<Record<string, Outage>> = {
  ENOSPC: DISK_FULL,
  EDQUOT: DISK_FULL,
  SQLITE_FULL: DISK_FULL,
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
  EROFS: READ_ONLY,
  SQLITE_READONLY: READ_ONLY,
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  SQLITE_CANTOPEN: NOT_PERMITTED,
  SQLITE_PERM: NOT_PERMITTED,
};

/** The outage that an error tells of, or undefined where it tells of something else. */
export function outageOf(error: unknown): Outage | undefined {
  if (error instanceof UnreachableError) return UNREACHABLE;
  // A bucket's client raises it where no credentials are found. The service that hands them out may be back soon.
  if (error instanceof ConfigurationError) return UNREACHABLE;
  const code = codeOf(error);
  return code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}

/** How long a call may go on failing, in milliseconds, before submitters are refused: a hiccup costs nobody an answer. */
const GRACE = 1_000;

/**
 * The outages of one writer. It logs a line when the first call begins to fail, and one when every call has succeeded
 * again, whatever the number of tries between.
 */
export class Outages {
  readonly #log: Logger;
  /** The calls that fail, by name, with the outage that each met last. */
  readonly #failing = new Map<string, Outage>();
  #since = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The outage that has lasted for over a second, if there is one. */
  get current(): Outage | undefined {
    if (performance.now() - this.#since < GRACE) return undefined;
    return this.#failing.values().next().value;
  }

  /** A call has failed, and is tried again. */
  failed(what: string, error: unknown): void {
    if (this.#failing.size === 0) {
      this.#since = performance.now();
      const why = `${messageOf(error)}; trying again until it succeeds`;
      this.#log.warn({ err: error, what }, `cannot ${what}: ${why}`);
    }
    this.#failing.set(what, outageOf(error) ?? UNEXPECTED);
  }

  /** A call that had failed has succeeded. */
  succeeded(what: string): void {
    if (!this.#failing.delete(what) || this.#failing.size > 0) return;
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    this.#log.info({ what, seconds }, `the outage is over after ${seconds} s: ${what}`);
  }

  /** Nobody waits for the call any more. */
  givenUp(what: string): void {
    this.#failing.delete(what);
  }
}
