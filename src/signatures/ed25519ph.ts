/**
 * Ed25519ph (RFC 8032, 5.1): signatures over the SHA-512 digest of a message. Node's OpenSSL (3.0) does not know it.
 * Noble's own Ed25519ph takes the message, and the log is given the digest alone. This module therefore makes an
 * Ed25519ph of noble's EdDSA that takes the digest.
 * @module
 */
import { eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { counted } from '../../tiles-spec/counted.js';
import { InvalidEntryError } from '../errors.js';

const SIGNATURE_LENGTH = 64;

// The prefix dom2(phflag, context) of RFC 8032, section 2. Every hash of Ed25519ph begins with it, so that its signatures
// never verify as plain Ed25519.
const DOM2_PREFIX = new TextEncoder().encode('SigEd25519 no Ed25519 collisions');
const PHFLAG = 1;

const ed25519ph = eddsa(ed25519.Point, sha512, {
  // Noble calls this to hash the message. Callers of this module have hashed it: the digest is only copied.
  prehash: (digest: Uint8Array) => Uint8Array.from(digest),
  domain: (data: Uint8Array, context: Uint8Array) =>
    concatBytes(DOM2_PREFIX, Uint8Array.of(PHFLAG, context.length), context, data),
  adjustScalarBytes: clamp,
  // Refuse points that are not in canonical form: the same signature in a second form would be logged as a second entry.
  zip215: false,
});

/** The private scalar of 32 bytes of a hash, little-endian: RFC 8032 (5.1.5) fixes its three lowest and two highest bits. */
function clamp(hash: Uint8Array): Uint8Array {
  const [first = 0, last = 0] = [hash[0], hash[31]];
  return hash.with(0, first & 0b1111_1000).with(31, (last & 0b0111_1111) | 0b0100_0000);
}

/**
 * Checks a public key of 32 bytes. It must be a point in the one form that RFC 8032 (5.1.3) allows, and must not be of
 * small order (1, 2, 4 or 8): anyone can make signatures that verify with a key of small order.
 * @throws InvalidEntryError when it is not such a point.
 */
export function checkEd25519Point(bytes: Uint8Array): void {
  let point;
  try {
    point = ed25519.Point.fromBytes(bytes, false);
  } catch {
    throw new InvalidEntryError('publicKey: its Ed25519 point is not on the curve or not in canonical form');
  }
  if (point.isSmallOrder()) throw new InvalidEntryError('publicKey: its Ed25519 point has small order');
}

/**
 * Verifies one signature by the cofactored equation of RFC 8032 (5.1.7): [8][S]B = [8]R + [8][k]A.
 *
 * Cost: 1.5 ms.
 * @param point The public key, 32 bytes.
 * @param digest The SHA-512 digest, 64 bytes.
 * @returns undefined when the signature verifies; otherwise the reason, as the end of a sentence that begins with "the
 *   signature".
 */
export function verifyEd25519ph(
  point: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  if (signature.length !== SIGNATURE_LENGTH) {
    return `is ${counted(signature.length, 'byte')}; an Ed25519ph signature has ${SIGNATURE_LENGTH}`;
  }
  return ed25519ph.verify(signature, digest, point)
    ? undefined
    : 'does not verify over the digest with this key, as Ed25519ph: Stele takes no pure Ed25519 signature (stele upload --key makes an Ed25519ph one)';
}

/**
 * Signs a SHA-512 digest, 64 bytes.
 *
 * Cost: 2 ms.
 * @param seed The private key, 32 bytes.
 */
export function signEd25519ph(seed: Uint8Array, digest: Uint8Array): Uint8Array {
  return ed25519ph.sign(digest, seed);
}
