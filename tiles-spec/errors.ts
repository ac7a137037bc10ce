/**
 * The errors of the formats: bytes that are no encoding, numbers out of range, proofs that do not hold.
 * Every message says what is wrong and where.
 * @module
 */

/** Bytes or text that are not what the format demands; nothing was taken from them. */
export class FormatError extends Error {
  override name = 'FormatError';
}

/** Well-formed data whose proof or signature does not hold: a forgery, a damaged tile, or another tree's data. */
export class ProofError extends Error {
  override name = 'ProofError';
}
