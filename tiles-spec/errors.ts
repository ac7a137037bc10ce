/**
 * The errors of the formats: bytes that are no encoding, numbers out of range, proofs that do not hold.
 * Every message says what is wrong and where.
 * @module
 */

/** Bytes or text that are not what the format demands; nothing was taken from them. */
export class FormatError extends Error {
  override name = 'FormatError';

  /** @param path the object in the log that is damaged, where one is. */
  constructor(
    message: string,
    readonly path?: string,
  ) {
    super(message);
  }
}

/** Well-formed data whose proof or signature does not hold: a forgery, a damaged tile, or another tree's data. */
export class ProofError extends Error {
  override name = 'ProofError';

  /** @param path the object in the log that shows it, where it is one alone. */
  constructor(
    message: string,
    readonly path?: string,
  ) {
    super(message);
  }
}

/** What a newer version of Stele made, in a form that this one does not know. It is not damaged, and is not touched. */
export class NewerVersionError extends FormatError {
  override name = 'NewerVersionError';
}

/** Bytes that are not DER. The message says why, to be put after "is not DER: ". */
export class DerError extends FormatError {
  override name = 'DerError';
}
