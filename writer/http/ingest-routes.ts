/**
 * `POST /api/v2/log/entries`: a request becomes an entry, and is answered with its proof.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UnavailableError } from '../../src/errors.js';
import { formatTransparencyLogEntry } from '../../src/sigstore/transparency-log-entry.js';
import { ProofError } from '../../tiles-spec/index.js';
import type { CheckPool } from '../checks/check-pool.js';
import type { Writer } from '../writer.js';
import type { Metrics } from './metrics.js';
import { HttpError, sendProblem, STATUS } from './problem.js';

/** Bytes of request bodies in memory at once, until they are checked; more are told to come again. */
const MAX_BUFFERED = 128 * 1024 * 1024;

const PATH = '/api/v2/log/entries';

export interface IngestOptions {
  readonly writer: Writer;
  readonly checks: CheckPool;
  /** All 32 bytes of the log's id. */
  readonly logId: Uint8Array;
  /** The longest request body, in bytes. */
  readonly maxBody: number;
  readonly metrics: Metrics;
}

export function ingestRoutes(
  app: FastifyInstance,
  { writer, checks, logId, maxBody, metrics }: IngestOptions,
): void {
  const bodies = new Bodies(maxBody);
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
    bodies.read(request, payload),
  );

  app.route({
    method: 'POST',
    url: PATH,
    onRequest: (request, reply, done) => {
      bodies.expect(request);
      reply.raw.once('close', () => {
        bodies.leave(request);
      });
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') {
        const message = `Content-Encoding: ${JSON.stringify(encoding.slice(0, 80))} is not read here: send the JSON as it is`;
        done(new HttpError(STATUS.unsupportedMediaType, message));
      } else if (Number(request.headers['content-length'] ?? 0) > maxBody) {
        done(tooLarge(maxBody));
      } else {
        // A log that is full reads nothing, and checks nothing.
        done(writer.full ? new UnavailableError('too many entries are waiting; try again') : undefined);
      }
    },
    handler: async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      metrics.requestSize.observe(body.length);
      // The answer may be seconds away, and needs only the entry.
      request.body = undefined;
      bodies.keep(request);
      const entry = await checks.check(body).finally(() => {
        bodies.release(request);
      });
      const proved = await writer.submit(entry).catch((error: unknown) => {
        if (error instanceof ProofError) metrics.proofFailures.inc();
        throw error;
      });
      return reply
        .code(201)
        .header('content-type', 'application/json')
        .header('cache-control', 'no-store')
        .send(formatTransparencyLogEntry({ ...entry, ...proved }, logId));
    },
  });

  app.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'],
    url: PATH,
    onRequest: (request, reply) => {
      sendProblem(reply.header('allow', 'POST'), {
        ...STATUS.methodNotAllowed,
        message: `${request.method} is not for ${PATH}: entries are submitted by POST, and read from the tiles`,
      });
    },
    handler: () => undefined,
  });
}

/** The request bodies in memory: each bounded, and all together. */
class Bodies {
  readonly #maxBody: number;
  /** Bytes of each request that is being read or checked. */
  readonly #held = new Map<FastifyRequest, number>();
  /** Those being checked: their bytes stay in memory though their clients leave. */
  readonly #kept = new WeakSet<FastifyRequest>();
  #total = 0;

  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  expect(request: FastifyRequest): void {
    this.#held.set(request, 0);
  }

  /** Reads a request's body. Its bytes count from when they arrive until they are released. */
  async read(request: FastifyRequest, payload: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      // A request that is refused half read is still to be answered: its connection must not be destroyed.
      for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        this.#hold(request, chunk.length);
        chunks.push(chunk);
      }
    } catch (error) {
      this.release(request);
      throw error;
    }
    return Buffer.concat(chunks);
  }

  #hold(request: FastifyRequest, bytes: number): void {
    const held = this.#held.get(request);
    if (held === undefined) throw new UnavailableError('the client has left');
    if (held + bytes > this.#maxBody) throw tooLarge(this.#maxBody);
    if (this.#total + bytes > MAX_BUFFERED) {
      throw new UnavailableError('too many requests are being read; try again');
    }
    this.#total += bytes;
    this.#held.set(request, held + bytes);
  }

  keep(request: FastifyRequest): void {
    this.#kept.add(request);
  }

  /** The client has left, or was answered. A request whose body has arrived may then never come to its handler. */
  leave(request: FastifyRequest): void {
    if (!this.#kept.has(request)) this.release(request);
  }

  release(request: FastifyRequest): void {
    this.#total -= this.#held.get(request) ?? 0;
    this.#held.delete(request);
  }
}

function tooLarge(maxBody: number): HttpError {
  return new HttpError(STATUS.tooLarge, `the request body is over ${maxBody} bytes (--max-body)`);
}
