/**
 * Outages: the disk is full, the bucket does not answer, and the like. An outage ends, by itself or by an operator, and
 * the writer waits for that. Damage does not end, and stops the writer.
 * @module
 */
import type { Logger } from 'pino';
import { messageOf, UnreachableError } from '../src/errors.js';
import { codeOf } from '../src/node/system-error.js';

/** What the writer cannot reach or use for the time being. */
export interface Outage {
  /** For machines: in alerts and answers. */
  readonly code:
    'disk-full' | 'too-many-files' | 'read-only' | 'not-permitted' | 'unreachable' | 'unexpected';
  /** For people, also strangers: it names no host, path or bucket. */
  readonly reason: string;
  /** Whether the cause is on this machine, where an operator has to act. */
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

/** The store gave an answer that contradicts an earlier one, such as no checkpoint. A later answer may be right. */
const UNEXPECTED = {
  code: 'unexpected',
  reason: "the store's answers are not those of this log's store; the daemon's own log says more",
  isLocal: false,
} as const;

/** Outages by the code of Node's or SQLite's error. */
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
  const code = codeOf(error);
  return code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}

/** How long calls may fail before submitters are refused, in milliseconds: a short failure refuses nobody. */
const GRACE = 1_000;

/**
 * The outages of one writer. Logs one line when the first call begins to fail, and one when every call has succeeded
 * again, however many tries lie between.
 */
export class Outages {
  readonly #log: Logger;
  /** The failing calls, by name, with the outage that each met last. */
  readonly #failing = new Map<string, Outage>();
  #since = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The outage that has lasted for over a second; undefined where there is none. */
  get current(): Outage | undefined {
    if (performance.now() - this.#since < GRACE) return undefined;
    return this.#failing.values().next().value;
  }

  /** Records that a call has failed, and will be tried again. */
  failed(what: string, error: unknown): void {
    if (this.#failing.size === 0) {
      this.#since = performance.now();
      const why = `${messageOf(error)}; trying again until it succeeds`;
      this.#log.warn({ err: error, what }, `cannot ${what}: ${why}`);
    }
    this.#failing.set(what, outageOf(error) ?? UNEXPECTED);
  }

  /** Records that a call has succeeded. */
  succeeded(what: string): void {
    if (!this.#failing.delete(what) || this.#failing.size > 0) return;
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    this.#log.info({ what, seconds }, `the outage is over after ${seconds} s: ${what}`);
  }

  /** Records that nobody waits for the call any more. */
  givenUp(what: string): void {
    this.#failing.delete(what);
  }
}
