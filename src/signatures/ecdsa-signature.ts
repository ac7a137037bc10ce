/**
 * ECDSA signatures in DER (RFC 3279, 2.2.3): `SEQUENCE { r INTEGER, s INTEGER }`.
 * @module
 */
import { bytesToNumberBE } from '@noble/curves/utils.js';
import { INTEGER, SEQUENCE, readElement, readPositive } from '../../tiles-spec/der.js';
import { DerError } from '../../tiles-spec/errors.js';

export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/**
 * Reads a signature in the one encoding that DER allows: a second encoding of one signature would be a second entry.
 * @param order n, the order of the curve. High s is accepted: FIPS 186-5 allows it and OpenSSL makes it.
 * @returns r and s with 0 < r, s < n; or why the bytes are no signature, in words that follow "signature".
 */
export function parseEcdsaSignature(signature: Uint8Array, order: bigint): EcdsaSignature | string {
  let r, s;
  try {
    const { content, rest: afterSignature } = readElement(signature, SEQUENCE);
    const first = readElement(content, INTEGER);
    const second = readElement(first.rest, INTEGER);
    if (second.rest.length > 0 || afterSignature.length > 0) throw new DerError('bytes follow s');
    r = bytesToNumberBE(readPositive(first.content));
    s = bytesToNumberBE(readPositive(second.content));
  } catch (error) {
    if (error instanceof DerError) return `is not DER: ${error.message}`;
    throw error;
  }
  if (r === 0n || r >= order) return 'has an r that is not between 0 and the order of the curve';
  if (s === 0n || s >= order) return 'has an s that is not between 0 and the order of the curve';
  return { r, s };
}
