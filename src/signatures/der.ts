/**
 * DER (ITU-T X.690), as much as signatures and certificates need: elements with one-byte tags and lengths below 2^24,
 * in the one encoding DER allows.
 * @module
 */
import { bytesToNumber } from './numbers.js';

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const SEQUENCE = 0x30;

/** Bytes that are not DER. The message says why, to be put after "is not DER: ". */
export class DerError extends Error {
  override name = 'DerError';
}

export interface Element {
  readonly content: Uint8Array;
  /** The whole element: tag, length and content. */
  readonly encoded: Uint8Array;
  /** What follows it. */
  readonly rest: Uint8Array;
}

/**
 * Reads the element that `bytes` begin with. Its content is not looked at.
 * @param tag The tag it must have; without one, any.
 * @returns Views of `bytes`.
 * @throws DerError when it has another tag, a length that is not minimal, or ends early.
 */
export function readElement(bytes: Uint8Array, tag?: number): Element {
  const [found, length] = bytes;
  if (found === undefined || length === undefined) throw new DerError('it ends early');
  if (tag !== undefined && found !== tag)
    throw new DerError(`a tag is ${hex(found)} where ${hex(tag)} must be`);
  if (length < 0x80) return cut(bytes, 2, length);

  const lengthBytes = length - 0x80;
  if (lengthBytes < 1 || lengthBytes > 3) throw new DerError('a length is indefinite or too large');
  if (bytes.length < 2 + lengthBytes) throw new DerError('it ends early');
  const longLength = Buffer.from(bytes.subarray(2, 2 + lengthBytes)).readUIntBE(0, lengthBytes);
  if (longLength < 0x80 || bytes[2] === 0) throw new DerError('a length is not minimal');
  return cut(bytes, 2 + lengthBytes, longLength);
}

/**
 * The number in the content of an INTEGER.
 * @throws DerError when it is negative or not minimal.
 */
export function readPositive(content: Uint8Array): bigint {
  const [first, second] = content;
  if (first === undefined) throw new DerError('an INTEGER is empty');
  if (first >= 0x80) throw new DerError('an INTEGER is negative');
  if (first === 0 && second !== undefined && second < 0x80) throw new DerError('an INTEGER is not minimal');
  return bytesToNumber(content);
}

function cut(bytes: Uint8Array, start: number, length: number): Element {
  const end = start + length;
  if (end > bytes.length) throw new DerError('it ends early');
  return { content: bytes.subarray(start, end), encoded: bytes.subarray(0, end), rest: bytes.subarray(end) };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
