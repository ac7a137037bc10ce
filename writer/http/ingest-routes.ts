/**
 * `POST /api/v2/log/entries`: a request becomes an entry, and is answered with its proof.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UnavailableError } from '../../src/errors.js';
import { formatTransparencyLogEntry } from '../../src/sigstore/transparency-log-entry.js';
import { ProofError } from '../../tiles-spec/index.js';
import type { CheckPool } from '../checks/check-pool.js';
import type { Writer } from '../writer.js';
import type { Metrics } from './metrics.js';
import { sendProblem, STATUS } from './problem.js';

/** Request bodies held in memory at once, in bytes; more are told to come again. */
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
  let buffered = 0;
  const reserved = new WeakMap<FastifyRequest, number>();

  const release = (request: FastifyRequest) => {
    buffered -= reserved.get(request) ?? 0;
    reserved.delete(request);
  };

  app.route({
    method: 'POST',
    url: PATH,
    bodyLimit: maxBody,
    onRequest: (request, reply, done) => {
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') {
        const message = `Content-Encoding: ${JSON.stringify(encoding.slice(0, 80))} is not read here: send the JSON as it is`;
        sendProblem(reply, { ...STATUS.unsupportedMediaType, message });
        return;
      }
      // Before the body is read: a full log reads nothing.
      const length = Math.min(Number(request.headers['content-length'] ?? maxBody), maxBody);
      if (buffered + length > MAX_BUFFERED) {
        done(new UnavailableError('too many requests are being read; try again'));
        return;
      }
      buffered += length;
      reserved.set(request, length);
      done();
    },
    onResponse: (request, _reply, done) => {
      release(request);
      done();
    },
    onRequestAbort: (request, done) => {
      release(request);
      done();
    },
    handler: async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      metrics.requestSize.observe(body.length);
      const entry = await checks.check(body);
      release(request);
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
    handler: (request, reply) =>
      sendProblem(reply.header('allow', 'POST'), {
        ...STATUS.methodNotAllowed,
        message: `${request.method} is not for ${PATH}: entries are submitted by POST, and read from the tiles`,
      }),
  });
}
