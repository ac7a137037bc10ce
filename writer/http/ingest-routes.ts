/**
 * `POST /api/v2/log/entries`: a request becomes an entry, and is answered with its proof.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UnavailableError } from '../../src/errors.js';
import { formatTransparencyLogEntry } from '../../src/sigstore/transparency-log-entry.js';
import { ProofError } from '../../tiles-spec/index.js';
import { Patience } from '../patience.js';
import { Submitter, type Validators } from '../validation/validators.js';
import type { Writer } from '../writer.js';
import type { Connections } from './connections.js';
import type { Metrics } from './metrics.js';
import { HttpError, sendProblem, STATUS } from './problem.js';
import { bodyTooLong, RequestBodies, RequestBody } from './request-bodies.js';

const PATH = '/api/v2/log/entries';

const STARTING = new UnavailableError('the log is starting; try again');

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a submission's client, once its body has come. */
    patience?: Patience;
  }
}

/** The log that entries go to. */
export interface IngestLog {
  readonly writer: Writer;
  /** All 32 bytes of the log's id. */
  readonly logId: Uint8Array;
}

export interface IngestOptions {
  /** The log; undefined while it is being opened. */
  readonly log: () => IngestLog | undefined;
  readonly validators: Validators;
  /** Told which request's body is being read. */
  readonly connections: Connections;
  /** The longest request body, in bytes. */
  readonly maxBody: number;
  readonly metrics: Metrics;
}

export function ingestRoutes(
  app: FastifyInstance,
  { log, validators, connections, maxBody, metrics }: IngestOptions,
): void {
  const bodies = new RequestBodies(maxBody);
  const submitters = new WeakMap<Socket, Submitter>();
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
    bodies.read(payload, (refuse) => {
      connections.reading(request.raw, refuse);
    }),
  );

  app.decorateRequest('patience');
  app.route({
    method: 'POST',
    url: PATH,
    onRequest: (request, reply, done) => {
      reply.raw.once('close', () => {
        request.patience?.end('the client has left');
        // A request whose client leaves at the wrong moment never comes to its handler.
        if (request.body instanceof RequestBody) request.body.release();
      });
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') {
        const message = `Content-Encoding: ${JSON.stringify(encoding.slice(0, 80))} is not read here: send the JSON as it is`;
        done(new HttpError(STATUS.unsupportedMediaType, message));
      } else if (Number(request.headers['content-length'] ?? 0) > maxBody) {
        done(bodyTooLong(maxBody));
      } else {
        // A log that is not open yet, or is full, reads nothing, and validates nothing.
        const opened = log();
        const full =
          opened?.writer.full === true
            ? new UnavailableError('too many entries are waiting; try again')
            : undefined;
        done(opened === undefined ? STARTING : full);
      }
    },
    handler: async (request, reply) => {
      // From here on all is waited for together. Before, the body came as fast as its client sent it.
      const patience = new Patience();
      request.patience = patience;
      const opened = log();
      if (opened === undefined) throw STARTING;
      const { writer, logId } = opened;
      const { body } = request;
      // The answer may be seconds away, and needs only the entry.
      request.body = undefined;
      if (!(body instanceof RequestBody)) throw new TypeError('the body was read');
      metrics.requestSize.observe(body.length);
      const entry = await validators
        .validate(body.pieces, submitterOf(request.raw.socket), patience)
        .finally(() => {
          body.release();
        });
      const proved = await writer.submit(entry, patience).catch((error: unknown) => {
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

  function submitterOf(socket: Socket): Submitter {
    const known = submitters.get(socket);
    if (known !== undefined) return known;
    const submitter = new Submitter();
    submitters.set(socket, submitter);
    return submitter;
  }

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
