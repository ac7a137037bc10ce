/**
 * The NIST curves (FIPS 186-5, SP 800-186) that ECDSA keys lie on: y² = x³ + ax + b over Fp, of prime order n. The
 * parameters are noble's. `node/ecdsa.ts` leaves scalar multiplication to OpenSSL, which is ten times faster.
 * @module
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { bytesToNumberBE } from '@noble/curves/utils.js';
import { InvalidEntryError } from '../errors.js';

export interface Curve {
  readonly name: 'P-256' | 'P-384' | 'P-521';
  /** The curve's ECDSA, coordinate field (`Point.Fp`) and scalar field (`Point.Fn`) in pure JavaScript. */
  readonly noble: typeof p256;
}

export const P256: Curve = { name: 'P-256', noble: p256 };
export const P384: Curve = { name: 'P-384', noble: p384 };
export const P521: Curve = { name: 'P-521', noble: p521 };

/** A point of a curve in affine coordinates, 0 <= x, y < p. The point at infinity has none. */
export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

/**
 * Reads an uncompressed point (SEC 1, 2.3.4): 0x04, then x and y, each as long as p.
 * @throws InvalidEntryError when it is in another form, a coordinate is not below p, or it is not on the curve.
 */
export function decodePoint(curve: Curve, bytes: Uint8Array): AffinePoint {
  const { Fp } = curve.noble.Point;
  const { a, b } = curve.noble.Point.CURVE();
  if (bytes.length !== 1 + 2 * Fp.BYTES || bytes[0] !== 0x04) {
    throw new InvalidEntryError(`publicKey: its ${curve.name} point is not in uncompressed form`);
  }
  const x = bytesToNumberBE(bytes.subarray(1, 1 + Fp.BYTES));
  const y = bytesToNumberBE(bytes.subarray(1 + Fp.BYTES));
  if (x >= Fp.ORDER || y >= Fp.ORDER) {
    throw new InvalidEntryError(
      `publicKey: a coordinate of its ${curve.name} point is not below the field prime`,
    );
  }
  if ((y * y - (x * x + a) * x - b) % Fp.ORDER !== 0n) {
    throw new InvalidEntryError(`publicKey: its point is not on ${curve.name}`);
  }
  return { x, y };
}
