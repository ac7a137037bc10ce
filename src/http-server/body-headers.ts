/**
 * What the headers of a request say of its body. A body that cannot be read as it is sent is refused before any of it
 * is read.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Problem } from '../http/problem.js';

/** Every `charset` of a media type, quoted or not. */
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/gi;

/** @param maxBody the longest body, in bytes. @returns why the request is refused; undefined where it is not. */
export function bodyRefusal(headers: IncomingHttpHeaders, maxBody: number): Problem | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    return unsupported(`Content-Encoding: ${quoted(encoding)} is not read here: send the JSON as it is`);
  const charsets = [...(headers['content-type'] ?? '').matchAll(CHARSET)].map(([, name = '']) => name);
  const other = charsets.find((name) => !/^utf-?8$/i.test(name));
  if (other !== undefined) return unsupported(`the charset ${quoted(other)} is not read here: JSON is UTF-8`);
  return Number(headers['content-length'] ?? 0) > maxBody ? bodyTooLong(maxBody) : undefined;
}

export function bodyTooLong(maxBody: number): Problem {
  return { status: 413, message: `the request body is over ${maxBody} bytes (--max-body)` };
}

function unsupported(message: string): Problem {
  return { status: 415, message };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
