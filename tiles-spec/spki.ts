/**
 * SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): a public key with its algorithm, in DER.
 * @module
 */
import { decodeHex, encodeHex } from './bytes.js';
import { BIT_STRING, encodeElement, readElement, SEQUENCE } from './der.js';
import { DerError } from './errors.js';

/** The AlgorithmIdentifier of Ed25519 in DER, as hexadecimal: id-Ed25519 without parameters (RFC 8410 section 3). */
export const ED25519_ALGORITHM = '300506032b6570';

/** That of a key on P-256: id-ecPublicKey with prime256v1 (RFC 5480 section 2.1.1). */
export const P256_ALGORITHM = '301306072a8648ce3d020106082a8648ce3d030107';

/** A public key taken apart. Both are views of the DER. */
export interface Spki {
  /** The AlgorithmIdentifier in DER, tag and length included. */
  readonly algorithm: Uint8Array;
  /** The key as its algorithm encodes it: the bytes of the BIT STRING. */
  readonly key: Uint8Array;
}

/**
 * Takes a public key apart. Whether the key is one of its algorithm is not looked at.
 * @param spki `SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }` in DER.
 * @throws DerError unless it is exactly that, with a key of whole bytes.
 */
export function readSpki(spki: Uint8Array): Spki {
  const { content, rest } = readElement(spki, SEQUENCE);
  const algorithm = readElement(content, SEQUENCE);
  const bits = readElement(algorithm.rest, BIT_STRING);
  if (rest.length > 0 || bits.rest.length > 0) throw new DerError('bytes follow the key');
  if (bits.content[0] !== 0) throw new DerError('the key is not whole bytes');
  return { algorithm: algorithm.encoded, key: bits.content.subarray(1) };
}

/** An Ed25519 key of 32 bytes (RFC 8032) as DER SPKI. */
export function ed25519Spki(key: Uint8Array): Uint8Array {
  const bits = encodeElement(BIT_STRING, [Uint8Array.of(0), key]);
  return encodeElement(SEQUENCE, [decodeHex(ED25519_ALGORITHM), bits]);
}

/** The 32 bytes of an Ed25519 key in DER SPKI; undefined where the bytes are anything else. */
export function ed25519Key(spki: Uint8Array): Uint8Array | undefined {
  const key = keyOf(spki, ED25519_ALGORITHM);
  return key?.length === 32 ? key : undefined;
}

/**
 * The 65 bytes of an uncompressed P-256 key in DER SPKI; undefined where the bytes are anything else. Whether the point
 * is on the curve is not looked at.
 */
export function p256Point(spki: Uint8Array): Uint8Array | undefined {
  const key = keyOf(spki, P256_ALGORITHM);
  return key?.length === 65 && key[0] === 4 ? key : undefined;
}

/** The key, where it is of this algorithm. */
function keyOf(spki: Uint8Array, algorithm: string): Uint8Array | undefined {
  try {
    const read = readSpki(spki);
    return encodeHex(read.algorithm) === algorithm ? read.key : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
