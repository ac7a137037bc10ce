/**
 * Fastify, as every server of Stele sets it up: limits, CORS, and errors as problems. It has no routes.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import fastify, {
  errorCodes,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import { UnreachableError } from '../errors.js';
import type { AnswerObserver } from '../http/answer.js';
import type { Connections } from './connections.js';
import { problemOf, type ProblemFace } from '../http/problem.js';
import { connectionProblem, nothingAt, NOT_JSON, protocolRefusal, refuseExpectation } from './protocol.js';
import { originForm } from './request-target.js';
import { sendProblem } from './send.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer to OPTIONS of a route that is not read only: the methods that there are. */
    readonly allow?: string;
    /** The face of the route's API. */
    readonly face?: ProblemFace | undefined;
  }
}

/** How long a client may take to send a request, in milliseconds. */
const REQUEST_TIMEOUT = 10_000;

/** How long closing waits for clients, in milliseconds: submitters are answered within four seconds. */
const CLOSE_TIMEOUT = 5_000;

/** How long no byte may pass on a connection, in milliseconds: an answer that nobody reads is not kept for ever. */
const STANDSTILL_TIMEOUT = 30_000;

/** Connections of clients at once; more are closed. */
const MAX_CLIENT_CONNECTIONS = 8_192;

/** The methods of a path whose route has no `allow`. */
const READ_ONLY = 'GET, HEAD, OPTIONS';

/** The methods that pages of other origins may use. */
const METHODS = ['GET', 'HEAD', 'POST'];

export interface AppOptions {
  readonly log: Logger;
  /** For requests that have no route, and routes that have no face of their own. */
  readonly face: ProblemFace;
  readonly connections: Connections;
  readonly observer?: AnswerObserver | undefined;
}

export function createApp({ log, face, connections, observer }: AppOptions): FastifyInstance {
  // The daemon itself says where it listens, once its log is open.
  const level = log.isLevelEnabled('info') ? 'warn' : log.level;
  const loggerInstance: FastifyBaseLogger = log.child({}, { level });
  const app = fastify({
    loggerInstance,
    // A line a request would cost more than the request; metrics count them.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT,
    connectionTimeout: STANDSTILL_TIMEOUT,
    // Closing waits for answers, not for idle connections.
    forceCloseConnections: 'idle',
    // A request that comes while the server closes is answered by its route, which says that the log is stopping.
    return503OnClosing: false,
    // A path that does not decode.
    frameworkErrors: (_error, request, reply) => {
      sendProblem(reply, nothingAt(request.url), face);
    },
    rewriteUrl: ({ url = '' }) => originForm(url),
    // A log's names have one spelling: paths are not made to fit.
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 500 },
    http: {
      headersTimeout: REQUEST_TIMEOUT,
      connectionsCheckingInterval: 1_000,
      // Node answers a request without Host with an empty body: `protocolRefusal` says what is missing.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => {
      connections.fail(socket, connectionProblem(error, REQUEST_TIMEOUT));
    },
  });
  limitConnections(app, connections, face);
  refuseInWords(app, connections, face);
  if (observer !== undefined) {
    app.addHook('onResponse', (request, reply, done) => {
      observer.onAnswer(request.method, reply.statusCode, reply.elapsedTime / 1000);
      done();
    });
  }
  return app;
}

function limitConnections(app: FastifyInstance, connections: Connections, face: ProblemFace): void {
  app.server.maxConnections = MAX_CLIENT_CONNECTIONS;
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    connections.begin(request, response);
    refuseExpectation(request, response, face);
  });
  app.server.on('connect', (_request, socket) => {
    connections.fail(socket, { status: 501, message: 'CONNECT is for proxies: this is a log' });
  });
  app.addHook('preClose', (done) => {
    // Node enforces no timeout once a server closes: a client that never finishes its request would hold up the end.
    setTimeout(() => {
      app.server.closeAllConnections();
    }, CLOSE_TIMEOUT).unref();
    done();
  });
}

function refuseInWords(app: FastifyInstance, connections: Connections, face: ProblemFace): void {
  app.removeAllContentTypeParsers();
  // The CORS plugin answers OPTIONS in a hook of its own: this one must be added before it.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'OPTIONS') reply.header('allow', allowed(request));
    done();
  });
  void app.register(cors, {
    origin: '*',
    methods: METHODS,
    exposedHeaders: ['content-range', 'etag', 'retry-after'],
    // OPTIONS may be asked by others than browsers too.
    strictPreflight: false,
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = isNotJson(error) ? NOT_JSON : problemOf(error);
    if (problem.status === 500) request.log.error({ err: error, url: request.url }, 'internal error');
    if (error instanceof UnreachableError)
      request.log.warn({ err: error, url: request.url }, 'the store does not answer');
    return sendProblem(reply, problem, faceOf(request, face));
  });
  app.addHook('onRequest', (request, reply, done) => {
    connections.begin(request.raw, reply.raw);
    // In this hook, because no body has been read yet.
    const refusal = protocolRefusal(request.raw) ?? (request.is404 ? nothingAt(request.url) : undefined);
    if (refusal === undefined) done();
    else void sendProblem(reply, refusal, faceOf(request, face));
  });
}

/** What the answer to OPTIONS says. @param request `*` is of the whole server. */
function allowed({ url, routeOptions }: FastifyRequest): string {
  return url === '*' ? [...METHODS, 'OPTIONS'].join(', ') : (routeOptions.config.allow ?? READ_ONLY);
}

function faceOf({ routeOptions }: FastifyRequest, face: ProblemFace): ProblemFace {
  return routeOptions.config.face ?? face;
}

/** Whether fastify has no parser for the body's media type. */
function isNotJson(error: unknown): boolean {
  return error instanceof errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE;
}
