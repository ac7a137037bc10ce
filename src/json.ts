/**
 * JSON from the network: RFC 8259, and what RFC 8259 leaves to luck refused (RFC 7493).
 * @module
 */
import { decodeText } from '../tiles-spec/bytes.js';
import { FormatError } from '../tiles-spec/errors.js';
import { messageOf } from './errors.js';

const MAX_DEPTH = 32;
const COLON = /\s*:/y;

/**
 * Parses JSON. Costs one pass more than `JSON.parse`.
 * @param what names the document in errors.
 * @throws FormatError when it is not UTF-8 or not JSON, names a field twice in one object, or nests over 32 deep.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = decodeText(bytes, what);
  if (text.startsWith('\ufeff'))
    throw new FormatError(`${what} begins with a byte order mark; JSON has none`);
  let value: unknown;
  try {
    // First: JSON.parse takes half a second for eight million brackets, and this stops at the thirty-third.
    refuseDuplicates(text, what);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${what} is not JSON: ${messageOf(error)}`);
  }
  return value;
}

/** `JSON.parse` keeps the last of two equal fields; others keep the first. Of what is no JSON this may say anything. */
function refuseDuplicates(text: string, what: string): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.push(new Set()) > MAX_DEPTH) throw new FormatError(`${what} nests over ${MAX_DEPTH} deep`);
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const string = text.slice(at, endOfString(text, at));
      at += string.length - 1;
      COLON.lastIndex = at + 1;
      if (!COLON.test(text)) continue;
      const field = JSON.parse(string) as string;
      if (open.at(-1)?.has(field) === true)
        throw new FormatError(`${what} has the field ${string.slice(0, 80)} twice in one object`);
      open.at(-1)?.add(field);
    }
  }
}

/** Where the string that begins at `start` ends: after a quote that no backslash, itself not escaped, is before. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote > 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}
