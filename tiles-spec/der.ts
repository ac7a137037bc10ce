/**
 * DER (ITU-T X.690), as far as keys, signatures and certificates need it: elements with one-byte tags and lengths below
 * 2^24, in the one encoding that DER allows. Each call reads one level: nothing recurses, however deep the input nests.
 * @module
 */
import { concatBytes } from './bytes.js';
import { DerError } from './errors.js';

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const UTF8_STRING = 0x0c;
export const SEQUENCE = 0x30;

/** One element. All byte strings are views of the input. */
export interface Element {
  /** Class, form and number: the first byte. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole element: tag, length and content. */
  readonly encoded: Uint8Array;
  /** What follows the element. */
  readonly rest: Uint8Array;
}

/**
 * Reads the element at the start of `bytes`. Its content is not parsed.
 * @param tag The tag it must have; without one, any.
 * @throws DerError when the tag is another or has several bytes, the length is not minimal or is 2^24 or more, or the
 *   bytes end early.
 */
export function readElement(bytes: Uint8Array, tag?: number): Element {
  const [found, length] = bytes;
  if (found === undefined || length === undefined) throw new DerError('it ends early');
  if (tag !== undefined && found !== tag)
    throw new DerError(`a tag is ${hex(found)} where ${hex(tag)} must be`);
  if ((found & MANY_BYTES) === MANY_BYTES) throw new DerError('a tag has several bytes');
  if (length < 0x80) return cut(bytes, 2, length);

  const lengthBytes = length - 0x80;
  if (lengthBytes < 1 || lengthBytes > 3) throw new DerError('a length is indefinite or too large');
  if (bytes.length < 2 + lengthBytes) throw new DerError('it ends early');
  const longLength = bytes.subarray(2, 2 + lengthBytes).reduce((total, byte) => total * 256 + byte, 0);
  if (longLength < 0x80 || bytes[2] === 0) throw new DerError('a length is not minimal');
  return cut(bytes, 2 + lengthBytes, longLength);
}

/** The low bits of a tag whose number continues in the next byte. */
const MANY_BYTES = 0x1f;

/** Writes an element: its tag, the length of its parts together (below 2^24), and the parts. */
export function encodeElement(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return concatBytes([Uint8Array.of(tag, ...lengthBytes(length)), ...parts]);
}

/** A length in its shortest form: one byte below 128, otherwise the number of bytes that follow, then those. */
function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const digits = [length >> 16, (length >> 8) & 0xff, length & 0xff];
  const significant = digits.slice(digits.findIndex((digit) => digit > 0));
  return [0x80 + significant.length, ...significant];
}

/**
 * The elements that follow one another in `bytes`, up to the first that cannot be read: its end is unknown, and so is
 * the start of the next. Never throws.
 */
export function readableElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let rest = bytes;
  try {
    while (rest.length > 0) {
      const element = readElement(rest);
      elements.push(element);
      rest = element.rest;
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  return elements;
}

/**
 * The elements that follow one another in `bytes`.
 * @throws DerError unless `bytes` are exactly such a sequence; it may be empty.
 */
export function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const element = readElement(rest);
    elements.push(element);
    rest = element.rest;
  }
  return elements;
}

/**
 * The number in the content of an INTEGER, big-endian: the same bytes, checked. The first is 0 where the number's own
 * first bit is set.
 * @throws DerError when it is negative or not minimal.
 */
export function readPositive(content: Uint8Array): Uint8Array {
  const [first, second] = content;
  if (first === undefined) throw new DerError('an INTEGER is empty');
  if (first >= 0x80) throw new DerError('an INTEGER is negative');
  if (first === 0 && second !== undefined && second < 0x80) throw new DerError('an INTEGER is not minimal');
  return content;
}

/**
 * Bound on the numbers of an object identifier. A UUID below 2.25 needs 128 bits, and the first number adds up to 80.
 */
const MAX_ARC = 2n ** 129n;

/**
 * The object identifier in the content of an OBJECT IDENTIFIER, in dotted decimal.
 * @returns undefined when it is empty, ends early, or has a number that is not minimal or over 2^129.
 */
export function readObjectIdentifier(content: Uint8Array): string | undefined {
  const numbers: bigint[] = [];
  let number = 0n;
  let isFirst = true;
  for (const byte of content) {
    if (isFirst && byte === 0x80) return undefined;
    number = number * 128n + BigInt(byte & 0x7f);
    if (number > MAX_ARC) return undefined;
    isFirst = byte < 0x80;
    if (!isFirst) continue;
    numbers.push(number);
    number = 0n;
  }
  const [first] = numbers;
  if (first === undefined || !isFirst) return undefined;
  // The first two arcs are in one number, in which the first counts 40 and is at most 2.
  const root = first >= 80n ? 2n : first / 40n;
  return [root, first - 40n * root, ...numbers.slice(1)].join('.');
}

function cut(bytes: Uint8Array, start: number, length: number): Element {
  const end = start + length;
  if (end > bytes.length) throw new DerError('it ends early');
  return {
    tag: bytes[0] ?? 0,
    content: bytes.subarray(start, end),
    encoded: bytes.subarray(0, end),
    rest: bytes.subarray(end),
  };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
