/**
 * Ed25519ph (RFC 8032, 5.1) over the SHA-512 digest of the message. OpenSSL 3.0 has no Ed25519ph, and noble's
 * hashes the message itself, which the log does not have: this is noble's EdDSA over a digest that is given.
 * @module
 */
import { eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { InvalidEntryError } from '../errors.js';

const SIGNATURE_LENGTH = 64;
const DOM2_PREFIX = new TextEncoder().encode('SigEd25519 no Ed25519 collisions');
const PHFLAG = 1;

const ed25519ph = eddsa(ed25519.Point, sha512, {
  prehash: (digest: Uint8Array) => Uint8Array.from(digest),
  domain: (data: Uint8Array, context: Uint8Array) =>
    concatBytes(DOM2_PREFIX, Uint8Array.of(PHFLAG, context.length), context, data),
  adjustScalarBytes: clamp,
  zip215: false, // A and R in canonical encoding only
});

/** Makes 32 bytes of a hash a private scalar (5.1.5). */
function clamp(bytes: Uint8Array): Uint8Array {
  const [first = 0, last = 0] = [bytes[0], bytes[31]];
  return Uint8Array.from(bytes)
    .fill(first & 0b1111_1000, 0, 1)
    .fill((last & 0b0111_1111) | 0b0100_0000, 31);
}

/**
 * Demands that 32 bytes encode a point in the one way that RFC 8032 (5.1.3) allows, and that the order of the point is
 * not 1, 2, 4 or 8: under a key of such an order anyone can make signatures that verify.
 * @throws InvalidEntryError when they do not.
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
 * Verifies one signature by the cofactored equation.
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
    : 'does not verify over the digest with this key, as Ed25519ph: a pure Ed25519 signature is not taken (stele upload --key makes the other)';
}

/** Signs a SHA-512 digest (64 bytes) with a private key: the 32 bytes that RFC 8032 calls the seed. 2 ms. */
export function signEd25519ph(seed: Uint8Array, digest: Uint8Array): Uint8Array {
  return ed25519ph.sign(digest, seed);
}
