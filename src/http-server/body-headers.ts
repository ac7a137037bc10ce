/**
 * What a submission's headers say of its body. What cannot be read as it is sent is refused before any of it is read.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import { HttpError, STATUS } from './problem.js';
import { bodyTooLong } from './request-bodies.js';

/** Every `charset` of a media type, quoted or not. */
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/gi;

/** @param maxBody the longest body, in bytes. @returns what refuses the request; undefined where nothing does. */
export function bodyRefusal(headers: IncomingHttpHeaders, maxBody: number): HttpError | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    return unsupported(`Content-Encoding: ${quoted(encoding)} is not read here: send the JSON as it is`);
  const charsets = [...(headers['content-type'] ?? '').matchAll(CHARSET)].map(([, name = '']) => name);
  const other = charsets.find((name) => !/^utf-?8$/i.test(name));
  if (other !== undefined) return unsupported(`the charset ${quoted(other)} is not read here: JSON is UTF-8`);
  return Number(headers['content-length'] ?? 0) > maxBody ? bodyTooLong(maxBody) : undefined;
}

function unsupported(message: string): HttpError {
  return new HttpError(STATUS.unsupportedMediaType, message);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
