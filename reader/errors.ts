/**
 * The errors of reading a log, beside those of its formats and proofs. What was refused was neither used nor saved.
 * @module
 */
import { FormatError, ProofError } from '../tiles-spec/errors.js';

export { ConfigurationError, UnreachableError } from '../src/errors.js';

/**
 * An answer that no honest server of this log gives, and that was not read to its end. `code`: `too-large` (longer
 * than the object can be), `encoding` (compressed as nobody asked for), `redirect` (to nowhere, in a circle, or from
 * https to what is not).
 */
export class UnexpectedAnswerError extends Error {
  override name = 'UnexpectedAnswerError';

  constructor(
    message: string,
    readonly code: 'too-large' | 'encoding' | 'redirect',
    readonly path: string,
  ) {
    super(message);
  }
}

/** An object that the log must have, by its checkpoint, and has not. */
export class MissingObjectError extends FormatError {
  override name = 'MissingObjectError';
}

/**
 * The log contradicts what was seen of it before, by checkpoints that its key has signed. `code`: `rolled-back` (fewer
 * entries than before, and the same as far as the tiles can be read that tell), `forked` (entries are others),
 * `rekeyed` (what was seen was signed by another key). `evidence` says where both checkpoints are kept.
 */
export class InconsistentLogError extends Error {
  override name = 'InconsistentLogError';

  constructor(
    message: string,
    readonly code: 'rolled-back' | 'forked' | 'rekeyed',
    readonly evidence: string,
  ) {
    super(message);
  }
}

/** What was kept of a log between runs is not what was written. It is left as it is. */
export class StateError extends Error {
  override name = 'StateError';
}

/**
 * Runs what reads one object, and names the object in the errors that do not.
 * @throws what `read` throws; a FormatError or ProofError begins with `path`.
 */
export async function readingObject<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MissingObjectError) throw error;
    if (error instanceof FormatError && error.path === undefined) {
      throw new FormatError(`${path}: ${error.message}`, path);
    }
    if (error instanceof ProofError && error.path === undefined) {
      throw new ProofError(`${path}: ${error.message}`, path);
    }
    throw error;
  }
}
