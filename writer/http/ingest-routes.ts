/**
 * `POST /api/v2/log/entries`: a request becomes an entry, and is answered with its proof.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UnavailableError } from '../../src/errors.js';
import { formatTransparencyLogEntry } from '../../src/sigstore/bundle/transparency-log-entry.js';
import { ProofError } from '../../tiles-spec/index.js';
import { Patience } from '../patience.js';
import { Submitter, type Validators } from '../validation/validators.js';
import type { Writer } from '../writer.js';
import { bodyRefusal } from '../../src/http-server/body-headers.js';
import type { Connections } from '../../src/http-server/connections.js';
import type { Metrics } from './metrics.js';
import { sendProblem, STATUS } from '../../src/http-server/problem.js';
import { RequestBodies, RequestBody } from '../../src/http-server/request-bodies.js';

const PATH = '/api/v2/log/entries';

/** The methods that there are for it. */
const ALLOW = 'POST, OPTIONS';

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
      // A log that is not open yet, or is full, reads nothing, and validates nothing.
      done(bodyRefusal(request.headers, maxBody) ?? unavailable(log()));
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
      sendProblem(reply.header('allow', ALLOW), {
        ...STATUS.methodNotAllowed,
        message: `${request.method} is not for ${PATH}: entries are submitted by POST, and read from the tiles`,
      });
    },
    handler: () => undefined,
  });
  // It is answered before, as OPTIONS of all paths are.
  app.route({ method: 'OPTIONS', url: PATH, config: { allow: ALLOW }, handler: () => undefined });
}

function unavailable(opened: IngestLog | undefined): UnavailableError | undefined {
  if (opened === undefined) return STARTING;
  return opened.writer.full ? new UnavailableError('too many entries are waiting; try again') : undefined;
}
