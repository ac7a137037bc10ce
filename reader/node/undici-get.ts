/**
 * GETs by undici: bodies as they come, redirects as answers.
 * @module
 */
import { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Agent } from 'undici';
import type { HttpGet } from '../http-source.js';
import { connectionReason } from './connection-error.js';

/** Connections to one server at a time; further requests wait. */
const MAX_CONNECTIONS = 16;

/** Bytes of a body that wait to be taken. A server may send them one by one, and each then costs a hundredfold. */
const MAX_BUFFERED = 16_384;

let agent: Agent | undefined;

export const undiciGet: HttpGet = async (url, signal) => {
  // Loaded with the first GET: a log in a folder needs none.
  const { Agent, request } = await import('undici');
  // Connections that are idle do not keep the process alive, so that nobody need close it.
  agent ??= new Agent({ connections: MAX_CONNECTIONS, maxHeaderSize: 16_384 });
  const { statusCode, headers, body } = await request(url, {
    dispatcher: agent,
    signal,
    highWaterMark: MAX_BUFFERED,
    headers: { 'accept-encoding': 'gzip, identity' },
  }).catch((error: unknown) => {
    throw new Error(connectionReason(error, url));
  });
  const length = text(headers['content-length']) ?? '';
  return {
    status: statusCode,
    location: text(headers['location']),
    retryAfter: text(headers['retry-after']),
    contentLength: /^[0-9]{1,12}$/.test(length) ? Number(length) : undefined,
    contentEncoding: text(headers['content-encoding'])?.toLowerCase(),
    // Takes a piece when one is asked for; Readable.toWeb would take thousands ahead.
    body: NodeReadableStream.from<Uint8Array>(body) as ReadableStream<Uint8Array>,
  };
};

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
