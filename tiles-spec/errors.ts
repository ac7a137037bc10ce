/**
 * The base of all errors, and the errors of the formats: malformed bytes, numbers out of range, proofs that do not hold.
 * Every message says what is wrong and where.
 * @module
 */
import { IS_FINAL, type ErrorCode } from './error-codes.js';

export type { ErrorCode } from './error-codes.js';

/** What an error carries beside its message. All errors are made of these two; a class may ask for more options. */
export interface SteleErrorOptions extends ErrorOptions {
  /** See `SteleError.path`. */
  readonly path?: string | undefined;
}

/**
 * An error that Stele raises on purpose. Its message is for people and names no line of code; its `code` is for programs.
 * Any other error that leaves this package comes from the system, from a library, or from a fault in the code.
 * @example
 * try {
 *   await log.latest();
 * } catch (error) {
 *   if (error instanceof SteleError && error.code === 'no-log') console.log('no log is there yet');
 *   else throw error;
 * }
 */
export abstract class SteleError extends Error {
  abstract readonly code: ErrorCode;
  /** The log's object that shows what is wrong, such as `tile/0/000`; undefined where no single object does. */
  readonly path: string | undefined;

  constructor(message: string, options: SteleErrorOptions = {}) {
    super(message, options);
    this.path = options.path;
  }

  /** False where the same call, made again, can succeed without anybody's help. */
  get isFinal(): boolean {
    return IS_FINAL[this.code];
  }
}

/** Bytes or text are not in the form that the format demands. Nothing was taken from them. */
export class FormatError extends SteleError {
  override name = 'FormatError';
  readonly code: 'format' | 'newer-version' | 'not-der' | 'missing-object' = 'format';
}

/** A proof or signature over well-formed data does not hold: a forgery, a damaged tile, or data of another tree. */
export class ProofError extends SteleError {
  override name = 'ProofError';
  readonly code = 'proof';
}

/** Whether an error says that data is wrong: malformed, or not as a proof or a signature demands. */
export function isBadData(error: unknown): error is FormatError | ProofError {
  return error instanceof FormatError || error instanceof ProofError;
}

/**
 * A newer version of Stele wrote the object, in a form that this version does not know. The object is not damaged, and
 * stays as it is.
 */
export class NewerVersionError extends FormatError {
  override name = 'NewerVersionError';
  override readonly code = 'newer-version';
}

/** Bytes are not DER. The message gives the reason alone, and is put after "is not DER: ". */
export class DerError extends FormatError {
  override name = 'DerError';
  override readonly code = 'not-der';
}
