/**
 * Byte strings: compare, join, and text that must be UTF-8.
 * @module
 */
import { FormatError } from './errors.js';

/**
 * Whether two byte strings are equal. Not in constant time, which public data does not need.
 * @example
 * equalBytes(emptyRoot(), sha256(new Uint8Array())); // => true
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Joins byte strings into a new one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The UTF-8 of a text. A lone surrogate becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Decodes UTF-8. A byte order mark stays in the text, so that encoding it gives the same bytes again.
 * @param what names the bytes in the error.
 * @throws FormatError when `bytes` are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${what} is not UTF-8`);
  }
}

/**
 * Encodes as lower-case hexadecimal.
 * @example
 * encodeHex(Uint8Array.of(0, 255)); // => '00ff'
 */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Decodes lower-case hexadecimal.
 * @throws FormatError on any other character, upper case too, and on an odd number of digits.
 * @example
 * decodeHex('00ff'); // => Uint8Array(2) [ 0, 255 ]
 */
export function decodeHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new FormatError('it is not lower-case hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
