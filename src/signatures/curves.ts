/**
 * The NIST curves of ECDSA keys (FIPS 186-5, SP 800-186): y² = x³ + ax + b in the field of integers modulo a prime p. A
 * curve has a prime number n of points. The parameters are noble's. `node/ecdsa.ts` leaves scalar multiplication to
 * OpenSSL, which is ten times faster.
 * @module
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { bytesToNumberBE } from '@noble/curves/utils.js';
import { InvalidEntryError } from '../errors.js';

export interface Curve {
  readonly name: 'P-256' | 'P-384' | 'P-521';
  /** Noble's implementation. Of its `Point`, `Fp` is the arithmetic modulo p, and `Fn` that modulo n. */
  readonly noble: typeof p256;
}

export const P256: Curve = { name: 'P-256', noble: p256 };
export const P384: Curve = { name: 'P-384', noble: p384 };
export const P521: Curve = { name: 'P-521', noble: p521 };

/** A point of a curve, by its two coordinates: 0 <= x, y < p. The point at infinity has no coordinates. */
export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

/**
 * Reads an uncompressed point (SEC 1, 2.3.4): 0x04, then x and y, each as long as p.
 * @throws InvalidEntryError when it is in another form, a coordinate is not below p, or it is not on the curve.
 */
export function decodePoint(curve: Curve, bytes: Uint8Array): AffinePoint {
  const { a, b, p } = curve.noble.Point.CURVE();
  const { BYTES: length } = curve.noble.Point.Fp;
  if (bytes.length !== 1 + 2 * length || bytes[0] !== 0x04) {
    throw new InvalidEntryError(`publicKey: its ${curve.name} point is not in uncompressed form`);
  }
  const x = bytesToNumberBE(bytes.subarray(1, 1 + length));
  const y = bytesToNumberBE(bytes.subarray(1 + length));
  if (x >= p || y >= p) {
    throw new InvalidEntryError(
      `publicKey: a coordinate of its ${curve.name} point is not below the field prime`,
    );
  }
  if ((y * y - ((x * x + a) * x + b)) % p !== 0n) {
    throw new InvalidEntryError(`publicKey: its point is not on ${curve.name}`);
  }
  return { x, y };
}
