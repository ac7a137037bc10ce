/**
 * GETs by undici: bodies as they come, redirects as answers.
 * @module
 */
import { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Dispatcher } from 'undici';
import { connectionReason, gateReason } from '../../src/node/connection-error.js';
import { openDispatcher, type Network } from '../../src/node/network.js';
import type { HttpGet } from '../http-source.js';

/** Connections to one server at a time; further requests wait. */
const MAX_CONNECTIONS = 16;

/** Bytes of a body that wait to be taken. A server may send them one by one, and each then costs a hundredfold. */
const MAX_BUFFERED = 16_384;

/** The longest that a connection may take to be made, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

export interface UndiciGetOptions {
  /** Default: the internet, and the certificates that Node believes. */
  readonly network?: Network | undefined;
  /** For a connection to be made, in milliseconds, at most 10,000. */
  readonly timeout?: number | undefined;
  /** What a gate before one server wants to see. Nobody else is shown it, wherever that server redirects. */
  readonly bearer?: Bearer | undefined;
}

/** A token, and the server that it is for. */
export interface Bearer {
  /** Scheme, host and port, as `URL` has them. */
  readonly origin: string;
  readonly token: string;
}

/** Makes what sends GETs. It connects with the first. */
export function undiciGet({ network = {}, timeout, bearer }: UndiciGetOptions = {}): HttpGet {
  const connectTimeout = Math.min(timeout ?? CONNECT_TIMEOUT, CONNECT_TIMEOUT);
  let dispatcher: Promise<Dispatcher> | undefined;
  return async (url, signal) => {
    dispatcher ??= openDispatcher(network, { connections: MAX_CONNECTIONS, connectTimeout });
    const token = bearer?.origin === url.origin ? bearer.token : undefined;
    const { statusCode, headers, body } = await send(await dispatcher, url, signal, token);
    const length = text(headers['content-length']) ?? '';
    return {
      status: statusCode,
      hint: statusCode === 401 ? gateReason(token !== undefined) : undefined,
      location: text(headers['location']),
      retryAfter: text(headers['retry-after']),
      contentLength: /^[0-9]{1,12}$/.test(length) ? Number(length) : undefined,
      contentEncoding: text(headers['content-encoding'])?.toLowerCase(),
      // Takes a piece when one is asked for; Readable.toWeb would take thousands ahead.
      body: NodeReadableStream.from<Uint8Array>(body) as ReadableStream<Uint8Array>,
    };
  };
}

async function send(
  dispatcher: Dispatcher,
  url: URL,
  signal: AbortSignal,
  token: string | undefined,
): Promise<Dispatcher.ResponseData> {
  try {
    return await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      signal,
      highWaterMark: MAX_BUFFERED,
      headers: {
        'accept-encoding': 'gzip, identity',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
  } catch (error) {
    throw new Error(connectionReason(error, url), { cause: error });
  }
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
