/**
 * The errors of reading a log, beside those of its formats and proofs. Data that was refused is neither used nor saved.
 * @module
 */
import { SteleError } from '../src/errors.js';
import { FormatError, isBadData, type SteleErrorOptions } from '../tiles-spec/errors.js';

export { ConfigurationError, SteleError, UnreachableError, type ErrorCode } from '../src/errors.js';

/**
 * An answer that no honest server of this log gives. It was not read to its end. `code`: `too-large` (longer than the
 * object can be), `encoding` (compressed in a way that was not asked for), `redirect` (to no URL, in a circle, or from
 * https to something else).
 */
export class UnexpectedAnswerError extends SteleError {
  override name = 'UnexpectedAnswerError';
  readonly code: 'too-large' | 'encoding' | 'redirect';
  declare readonly path: string;

  constructor(
    message: string,
    { code, ...options }: SteleErrorOptions & Pick<UnexpectedAnswerError, 'code' | 'path'>,
  ) {
    super(message, options);
    this.code = code;
  }
}

/** The checkpoint implies an object that the log does not have. */
export class MissingObjectError extends FormatError {
  override name = 'MissingObjectError';
  override readonly code = 'missing-object';
}

/** Two signed notes of one log that contradict each other, byte for byte. */
export interface Contradiction {
  /** The checkpoint that the log showed first. */
  readonly seen: Uint8Array;
  /** The checkpoint that the log showed later. It may be the smaller one. */
  readonly shown: Uint8Array;
  /**
   * `rolled-back`: fewer entries than before, and the same ones as far as the tiles that tell can be read. `forked`:
   * other entries. `rekeyed`: the first was signed by another key.
   */
  readonly code: 'rolled-back' | 'forked' | 'rekeyed';
}

/**
 * The log contradicts what was seen of it before, by checkpoints that its key has signed. Both are in the error.
 * @example
 * if (error instanceof InconsistentLogError) await report(error.code, error.seen, error.shown);
 */
export class InconsistentLogError extends SteleError implements Contradiction {
  override name = 'InconsistentLogError';
  readonly code: Contradiction['code'];
  readonly seen: Uint8Array;
  readonly shown: Uint8Array;
  /** Where both checkpoints are kept: a folder, or `memory`. */
  readonly evidence: string;

  constructor(
    message: string,
    {
      seen,
      shown,
      code,
      evidence,
      ...options
    }: SteleErrorOptions & Contradiction & { readonly evidence: string },
  ) {
    super(message, options);
    this.code = code;
    this.seen = seen;
    this.shown = shown;
    this.evidence = evidence;
  }
}

/** The file that remembers the newest checkpoint seen is damaged, or cannot be read or written. It is left as it is. */
export class StateError extends SteleError {
  override name = 'StateError';
  readonly code = 'state';
}

/**
 * Runs `read`, which reads one object, and names the object in its errors.
 * @throws any error of `read`; a FormatError or ProofError that names no object yet is made anew, of its own class, with
 *   `path` before its message.
 */
export async function readingObject<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isBadData(error) || error.path !== undefined) throw error;
    // A subclass stays what it is: an object of a newer version must not pass for a damaged one.
    const SameError = error.constructor as new (message: string, options: SteleErrorOptions) => Error;
    throw new SameError(`${path}: ${error.message}`, { path });
  }
}
