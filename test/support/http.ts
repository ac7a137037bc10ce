/**
 * Good requests for the tests of the HTTP interface, and raw connections.
 * @module
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { request } from 'undici';
import { expect } from 'vitest';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The DER SPKI of the key that signs the requests made here. */
export const SPKI = key.publicKey.export({ type: 'spki', format: 'der' });

export const ENTRIES = '/api/v2/log/entries';

/** A `hashedRekordRequestV002` that the log takes. Each has another digest. */
export function goodRequest(message: Uint8Array = randomBytes(32)) {
  return {
    hashedRekordRequestV002: {
      digest: createHash('sha256').update(message).digest('base64'),
      signature: {
        content: sign('sha256', message, key.privateKey).toString('base64'),
        verifier: {
          publicKey: { rawBytes: SPKI.toString('base64') },
          keyDetails: 'PKIX_ECDSA_P256_SHA_256' as string | number,
        },
      },
    },
  };
}

/** A `dsseRequestV002` that the log takes. */
export function goodEnvelope(payload: Uint8Array = randomBytes(32)) {
  const type = 'application/vnd.in-toto+json';
  const message = Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `),
    Buffer.from(payload),
  ]);
  return {
    dsseRequestV002: {
      envelope: {
        payload: Buffer.from(payload).toString('base64'),
        payloadType: type,
        signatures: [{ sig: sign('sha256', message, key.privateKey).toString('base64'), keyid: '' }],
      },
      verifiers: [
        { publicKey: { rawBytes: SPKI.toString('base64') }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      ],
    },
  };
}

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly milliseconds: number;
}

/** Sends one request, with no headers of its own but `host` and `content-length`. */
export async function send(
  url: string,
  method: string,
  path: string,
  body: string | Uint8Array | null = null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const started = performance.now();
  const answer = await request(`${url}${path}`, { method, body, headers });
  const flat = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(flat),
    body: Buffer.from(await answer.body.arrayBuffer()),
    milliseconds: performance.now() - started,
  };
}

/** Submits a request as clients do. */
export function submit(url: string, value: unknown): Promise<Answer> {
  return send(url, 'POST', ENTRIES, JSON.stringify(value), { 'content-type': 'application/json' });
}

/** The part of a logged submission's answer that tests look at. */
export interface Logged {
  readonly logIndex: string;
  readonly canonicalizedBody: string;
  readonly inclusionProof: { readonly treeSize: string; readonly checkpoint: { readonly envelope: string } };
}

/** Submits a request that must be logged. */
export async function log(url: string, value: unknown = goodRequest()): Promise<Logged> {
  const answer = await submit(url, value);
  expect(answer.status, answer.body.toString()).toBe(201);
  return JSON.parse(answer.body.toString()) as Logged;
}

/** Opens a connection to a server. */
export function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Writes bytes to a connection, and reads one answer. The connection is closed afterwards. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<Answer> {
  return exchangeOn(await open(url), bytes);
}

/** Writes bytes to an open connection, and reads one answer. */
export async function exchangeOn(socket: Socket, bytes: string | Uint8Array): Promise<Answer> {
  const started = performance.now();
  try {
    const received = await new Promise<Buffer>((resolve, reject) => {
      let data = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        data = Buffer.concat([data, chunk]);
        if (isWhole(data)) resolve(data);
      });
      socket.on('close', () => {
        resolve(data);
      });
      socket.on('error', reject);
      socket.write(bytes);
    });
    return { ...parseAnswer(received), milliseconds: performance.now() - started };
  } finally {
    socket.destroy();
  }
}

function isWhole(data: Buffer): boolean {
  const end = data.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = parseAnswer(data).headers['content-length'];
  return length !== undefined && data.length >= end + 4 + Number(length);
}

function parseAnswer(data: Buffer) {
  const end = data.indexOf('\r\n\r\n');
  const [line = '', ...lines] = data.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n');
  const headers = lines.map((each) => {
    const colon = each.indexOf(':');
    return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()] as const;
  });
  const fields = Object.fromEntries(headers) as Record<string, string | undefined>;
  return {
    status: Number(line.split(' ')[1]),
    headers: fields,
    // Without what follows the answer.
    body: data.subarray(end + 4, end + 4 + Number(fields['content-length'] ?? Infinity)),
  };
}

const GRPC: Readonly<Record<number, number>> = {
  400: 3,
  404: 5,
  405: 12,
  408: 4,
  413: 8,
  415: 3,
  417: 3,
  431: 8,
  501: 12,
  503: 14,
};

/** Requires that an answer is an error in the log's form, and returns its message. */
export function expectProblem(answer: Answer, status: number): string {
  const text = answer.body.toString();
  expect(answer.status, text).toBe(status);
  expect(answer.headers['content-type']).toMatch(/^application\/json(; charset=utf-8)?$/);
  expect(answer.headers['content-encoding']).toBeUndefined();
  const problem = JSON.parse(text) as { message: string };
  expect(problem).toStrictEqual({ code: GRPC[status], message: problem.message, details: [] });
  // No stack trace, and no path of this machine.
  expect(problem.message).not.toMatch(/\n|\bat .*:\d+:\d+|node_modules|\/dist\/|node:internal/);
  return problem.message;
}
