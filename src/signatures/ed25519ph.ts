/**
 * Ed25519ph (RFC 8032, 5.1), over the SHA-512 digest of a message. OpenSSL 3.0 has no Ed25519ph. Noble's Ed25519ph
 * takes the message and hashes it, and the log has only the digest. So this module sets up noble's EdDSA to take the
 * digest.
 * @module
 */
import { eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { InvalidEntryError } from '../errors.js';

const SIGNATURE_LENGTH = 64;

// RFC 8032, 2: dom2(phflag, context) stands before what is hashed, so that no signature is good for plain Ed25519 too.
const DOM2_PREFIX = new TextEncoder().encode('SigEd25519 no Ed25519 collisions');
const PHFLAG = 1;

const ed25519ph = eddsa(ed25519.Point, sha512, {
  // Noble's place to hash the message: the digest stays as it is.
  prehash: (digest: Uint8Array) => Uint8Array.from(digest),
  domain: (data: Uint8Array, context: Uint8Array) =>
    concatBytes(DOM2_PREFIX, Uint8Array.of(PHFLAG, context.length), context, data),
  adjustScalarBytes: clamp,
  // Refuse points in another encoding than the canonical one: a second encoding of a signature would be a second entry.
  zip215: false,
});

/** Makes a private scalar of 32 bytes of a hash: sets and clears the bits that RFC 8032 (5.1.5) fixes. */
function clamp(bytes: Uint8Array): Uint8Array {
  const [first = 0, last = 0] = [bytes[0], bytes[31]];
  return Uint8Array.from(bytes)
    .fill(first & 0b1111_1000, 0, 1)
    .fill((last & 0b0111_1111) | 0b0100_0000, 31);
}

/**
 * Checks a public key: 32 bytes that encode a point in the one way that RFC 8032 (5.1.3) allows, of another order than
 * 1, 2, 4 and 8. Anyone can make signatures that verify with a key of such an order.
 * @throws InvalidEntryError when the bytes encode no such point.
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
 * @returns undefined when it verifies; or why it does not, in words that follow "signature".
 */
export function verifyEd25519ph(
  point: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  if (signature.length !== SIGNATURE_LENGTH) {
    return `is ${signature.length} bytes; an Ed25519ph signature has ${SIGNATURE_LENGTH}`;
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
