/**
 * Sends the requests of the AWS SDK as the process sends all others: by the same proxies, believing the same
 * authorities.
 * @module
 */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { connectionReason } from '../node/connection-error.js';
import { openDispatcher, type ConnectionLimits, type Network } from '../node/network.js';

/** A request as the SDK has signed it. */
interface SignedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface S3Answer {
  readonly statusCode: number;
  /** Names are in lower case. */
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

/** A request handler, in the SDK's words. */
export interface S3Requests {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SignedRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ response: S3Answer }>;
  destroy(): void;
}

/** Sends each request once, without a time limit: the caller ends it by its signal. */
export function s3Requests(network: Network, limits: ConnectionLimits): S3Requests {
  let opening: Promise<Dispatcher> | undefined;
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, { abortSignal } = {}) {
      opening ??= openDispatcher(network, limits);
      const dispatcher = await opening;
      try {
        const { statusCode, headers, body } = await dispatcher.request({
          origin: originOf(request),
          path: pathOf(request),
          method: request.method,
          headers: request.headers,
          body: (request.body ?? null) as Uint8Array | string | null,
          headersTimeout: 0,
          bodyTimeout: 0,
          signal: abortSignal,
        });
        // A body that is destroyed unread emits an error, which would end the process if nobody listened.
        body.on('error', () => undefined);
        return { response: { statusCode, headers: flat(headers), body } };
      } catch (error) {
        throw new Error(connectionReason(error, originOf(request)), { cause: error });
      }
    },
    destroy() {
      // A dispatcher that could not be opened has failed its requests already.
      opening?.then((dispatcher) => dispatcher.destroy()).catch(() => undefined);
    },
  };
}

function originOf({ protocol, hostname, port }: SignedRequest): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

/** The path and query, with the same escapes as when they were signed: others would break the signature. */
function pathOf({ path, query = {} }: SignedRequest): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => (one === null ? escaped(name) : `${escaped(name)}=${escaped(one)}`)),
  );
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function flat(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).map(
    ([name, value]) => [name, [value ?? []].flat().join(', ')] as const,
  );
  return Object.fromEntries(entries);
}
