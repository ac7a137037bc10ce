/**
 * JSON from the network: RFC 8259, without the texts that parsers read differently, which RFC 7493 forbids.
 * @module
 */
import { decodeText } from '../tiles-spec/bytes.js';
import { FormatError } from '../tiles-spec/errors.js';
import { messageOf } from './errors.js';
import { pemLabels } from './pem.js';

/**
 * Limits of a document. The memory and time to build it grow up to a hundred times faster with these numbers than with
 * its bytes. The caller limits its length, and so that of its strings.
 */
export interface JsonLimits {
  /** Levels of arrays and objects inside one another. */
  readonly depth: number;
  /** Brackets, commas and colons outside of strings: about two for each value. */
  readonly tokens: number;
  /** Fields of all objects together. */
  readonly fields: number;
}

/** For requests, which anyone may send. One for a Rekor v2 entry has about 15 fields and 40 tokens. */
export const REQUEST_LIMITS: JsonLimits = { depth: 32, tokens: 1_024, fields: 256 };

/** For files that the user chose, and answers of a log that the user chose: a statement of 30,000 subjects fits. */
export const DOCUMENT_LIMITS: JsonLimits = { depth: 32, tokens: 1_000_000, fields: 200_000 };

/**
 * Parses JSON. Costs a pass over the text, 1 to 10 ns a character, before anything is built, then `JSON.parse` and a
 * visit to each value.
 * @param what names the document in errors.
 * @throws FormatError when the bytes are not UTF-8 or not JSON, a field is twice in one object, a number is too large
 *   for a double, or a limit is exceeded.
 */
export function parseJson(bytes: Uint8Array, what: string, limits = REQUEST_LIMITS): unknown {
  if (isUtf16(bytes)) throw new FormatError(`${what} is not JSON in UTF-8, but UTF-16`);
  const text = decodeText(bytes, what);
  if (text.startsWith('\ufeff')) {
    throw new FormatError(`${what} begins with a byte order mark: JSON is UTF-8 without one`);
  }
  const [label] = text.startsWith('-----BEGIN ') ? pemLabels(text.slice(0, 100)) : [];
  if (label !== undefined) throw new FormatError(`${what} is not JSON, but PEM (${label})`);
  const fields = countFields(text, what, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${what} is not JSON: ${messageOf(error)}`);
  }
  // `JSON.parse` keeps the last of two equal fields, and other parsers keep the first. A dropped field shows in the
  // count.
  if (fieldsIn(value, what) !== fields) {
    throw new FormatError(`${what} has the field ${repeatedField(text)} twice in one object`);
  }
  return value;
}

/**
 * Whether a text is UTF-16: it begins with a byte order mark, or one of its first two bytes is zero, as in an ASCII
 * character. Windows PowerShell's `>` writes such files.
 */
export function isUtf16(text: Uint8Array): boolean {
  const [first = 1, second = 1] = text;
  return (
    first === 0 || second === 0 || (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  );
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** `[` and `]`; with the bit for lower case, `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BRACE = 0x20;

/**
 * Counts the fields of a document. If the text is not JSON, the count has no meaning.
 * @throws FormatError at the first token over a limit.
 */
function countFields(text: string, what: string, limits: JsonLimits): number {
  let [depth, tokens, fields] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (code === COLON) fields++;
    else if ((code & ~BRACE) === OPEN) depth++;
    else if ((code & ~BRACE) === CLOSE) depth--;
    else if (code !== COMMA) continue;
    tokens++;
    if (depth > limits.depth) throw new FormatError(`${what} nests over ${limits.depth} deep`);
    if (fields > limits.fields) throw new FormatError(`${what} has over ${limits.fields} fields`);
    if (tokens > limits.tokens) {
      throw new FormatError(`${what} has over ${limits.tokens} brackets, commas and colons`);
    }
  }
  return fields;
}

/** The place of the quote that ends the string beginning at `start`; the text's end where there is no such quote. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote > 0; quote = text.indexOf('"', quote + 1)) {
    // A quote is escaped if an odd number of backslashes precedes it.
    let first = quote;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
  }
  return text.length;
}

/**
 * Counts the fields of all objects in a value.
 * @throws FormatError at a number that is too large for a double: `JSON.parse` makes it Infinity, which no JSON can
 *   hold.
 */
function fieldsIn(value: unknown, what: string): number {
  if (value === Infinity || value === -Infinity)
    throw new FormatError(`${what} has a number beyond ${Number.MAX_VALUE}`);
  if (typeof value !== 'object' || value === null) return 0;
  const values: unknown[] = Object.values(value);
  let fields = Array.isArray(value) ? 0 : values.length;
  for (const each of values) fields += fieldsIn(each, what);
  return fields;
}

/** The first field whose name its object has already, as it is written. */
function repeatedField(text: string): string {
  const open: Set<string>[] = [];
  let string = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      string = text.slice(at, end + 1);
      at = end;
    } else if (code === COLON) {
      const names = open.at(-1);
      const name = JSON.parse(string) as string;
      if (names?.has(name) === true) return string.slice(0, 80);
      names?.add(name);
    } else if ((code & ~BRACE) === OPEN) {
      open.push(new Set());
    } else if ((code & ~BRACE) === CLOSE) {
      open.pop();
    }
  }
  throw new TypeError('a document with fewer fields than colons has one twice');
}
