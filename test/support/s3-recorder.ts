/**
 * A proxy before a real S3 server that changes one of its behaviours.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { request as send } from 'undici';
import type { S3Server } from './s3-server.js';
import { listenOnFreePort } from './free-port.js';

/** A request for an object. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/**
 * The change to one request. It may return an answer of its own, or one made from the server's. It returns undefined to
 * pass the request on unchanged, and 'answered' where it has answered by `response` itself.
 */
export type S3Fault = (
  request: S3Request,
  real: {
    /** Passes the request on unchanged. */
    readonly pass: () => Promise<S3Answer>;
    /** Does a PUT with another condition, or none, signed anew: the client's signature covers its condition header. */
    readonly put: (condition: { IfMatch?: string; IfNoneMatch?: string }) => Promise<S3Answer>;
  },
  response: ServerResponse,
) => Promise<S3Answer | undefined> | S3Answer | 'answered' | undefined;

export interface S3Proxy {
  readonly endpoint: string;
  /** The methods and keys of all requests, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Starts a proxy on a free port. */
export async function startS3Proxy({ endpoint, client }: S3Server, fault: S3Fault): Promise<S3Proxy> {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    const handle = async () => {
      const { method = '', url = '', headers } = incoming;
      const body = await buffer(incoming);
      const [, bucket = '', key = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(url) ?? [];
      requests.push(`${method} ${key}`);
      const request = { method, bucket, key, headers, body };
      const pass = async () => {
        const sent = { ...headers };
        delete sent.expect;
        const answer = await send(`${endpoint}${url}`, {
          method,
          headers: sent,
          body: body.length > 0 ? body : null,
        });
        return {
          status: answer.statusCode,
          headers: answer.headers,
          body: Buffer.from(await answer.body.arrayBuffer()),
        };
      };
      const put = async (condition: { IfMatch?: string; IfNoneMatch?: string }) => {
        const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...condition });
        const { ETag: etag } = await client.send(command);
        return { status: 200, headers: { etag }, body: new Uint8Array(0) };
      };
      const answer = (await fault(request, { pass, put }, response)) ?? (await pass());
      if (answer === 'answered') return;
      const kept = Object.entries(answer.headers ?? {}).filter(
        ([name, value]) => name !== 'transfer-encoding' && value !== undefined,
      );
      response.writeHead(answer.status, Object.fromEntries(kept)).end(answer.body);
    };
    handle().catch((error: unknown) => {
      response.writeHead(599).end(String(error));
    });
  });
  const port = await listenOnFreePort(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An error in the form of S3's answers. */
export function s3Error(status: number, code: string, message = 'so it is'): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
}
