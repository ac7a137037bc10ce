/**
 * Byte strings: compare, join, and text that must be UTF-8.
 * @module
 */
import { FormatError } from './errors.js';

/** Whether two byte strings are equal. Not constant time: everything here is public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Joins byte strings. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** UTF-8 of a string. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Decodes UTF-8, keeping a byte order mark, so that encoding gives the same bytes again.
 * @throws FormatError when `bytes` are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${what} is not UTF-8`);
  }
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws FormatError unless the text is lower-case hexadecimal of whole bytes. */
export function decodeHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new FormatError('it is not lower-case hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
