/**
 * Sends GETs with undici. Bodies are not decompressed, and redirects are returned as answers.
 * @module
 */
import { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Dispatcher } from 'undici';
import { connectionReason, gateReason } from '../../src/node/connection-error.js';
import { openDispatcher, type Network } from '../../src/node/network.js';
import type { HttpGet } from '../http-source.js';

/** Most connections to one server. Further requests wait. */
const MAX_CONNECTIONS = 16;

/**
 * Most bytes of a body that are buffered. A server may send single bytes, and each then takes a hundred times as much.
 */
const MAX_BUFFERED = 16_384;

/** Time limit for making a connection, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

export interface UndiciGetOptions {
  /** Default: no proxy, and the certificates that Node trusts. */
  readonly network?: Network | undefined;
  /** Time limit for making a connection, in milliseconds, at most 10,000. Default: 10,000. */
  readonly timeout?: number | undefined;
  /** A token for one server. No other server is sent it, even where that server redirects to one. */
  readonly bearer?: Bearer | undefined;
}

/** A token, and the server that may be sent it. */
export interface Bearer {
  /** The server's scheme, host and port, as `URL.origin` gives them. */
  readonly origin: string;
  readonly token: string;
}

/** Makes a function that sends GETs. It connects when it is first called. */
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
      hint: gateReason(statusCode, token !== undefined),
      location: text(headers['location']),
      retryAfter: text(headers['retry-after']),
      contentLength: /^[0-9]{1,12}$/.test(length) ? Number(length) : undefined,
      contentEncoding: text(headers['content-encoding'])?.toLowerCase(),
      // `from` takes a chunk only when one is asked for. Readable.toWeb would buffer thousands.
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
