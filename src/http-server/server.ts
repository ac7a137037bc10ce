/**
 * The writer's HTTP server: limits, errors, and the routes about the daemon itself. What is logged and read is in
 * the other route files.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import { UnreachableError } from '../errors.js';
import type { Fault } from '../../writer/fault.js';
import { Connections } from './connections.js';
import type { Metrics } from '../../writer/http/metrics.js';
import { problemOf, sendProblem, STATUS, type Problem } from './problem.js';
import { protocolRefusal, refuseExpectation } from './protocol.js';
import { originForm } from './request-target.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The methods of a route that is not read only: what OPTIONS is answered with. */
    readonly allow?: string;
  }
}

/** How long a client may take to send a request, in milliseconds. */
const REQUEST_TIMEOUT = 10_000;

/** How long closing waits for clients, in milliseconds: submitters are answered within four seconds. */
const CLOSE_TIMEOUT = 5_000;

/** How long a connection may stand still, in milliseconds: an answer that nobody reads is not kept for ever. */
const CONNECTION_TIMEOUT = 30_000;

/** Connections at once; more are closed. */
const MAX_CONNECTIONS = 8_192;

/** The methods of every path but those with an `allow` of their own. */
const READ_ONLY = 'GET, HEAD, OPTIONS';

/** The methods that pages of other origins may use. */
const METHODS = ['GET', 'HEAD', 'POST'];

/**
 * An application without routes, that reads no bodies and answers errors as problems.
 * @param connections told of every request.
 */
export function createServer(
  log: Logger,
  metrics?: Metrics,
  connections = new Connections(),
): FastifyInstance {
  // The command says where it listens, when the log is open.
  const level = log.isLevelEnabled('info') ? 'warn' : log.level;
  const loggerInstance: FastifyBaseLogger = log.child({}, { level });
  const app = fastify({
    loggerInstance,
    // A line a request would cost more than the request; metrics count them.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT,
    connectionTimeout: CONNECTION_TIMEOUT,
    // Closing waits for answers, not for idle connections.
    forceCloseConnections: 'idle',
    // Requests that come meanwhile are answered in the log's own words.
    return503OnClosing: false,
    // A path that does not decode.
    frameworkErrors: (_error, request, reply) => {
      sendProblem(reply, nothingAt(request.url));
    },
    rewriteUrl: ({ url = '' }) => originForm(url),
    // Paths are looked up as they were sent, in that form.
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 500 },
    http: {
      headersTimeout: REQUEST_TIMEOUT,
      connectionsCheckingInterval: 1_000,
      // `protocolRefusal` demands it, in words.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => {
      connections.fail(socket, connectionProblem(error));
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    connections.begin(request, response);
    refuseExpectation(request, response);
  });
  app.server.on('connect', (_request, socket) => {
    connections.fail(socket, { ...STATUS.notImplemented, message: 'CONNECT is for proxies: this is a log' });
  });
  app.addHook('preClose', (done) => {
    // Node watches no connection's time once it closes: one that sends nothing would be waited for without end.
    setTimeout(() => {
      app.server.closeAllConnections();
    }, CLOSE_TIMEOUT).unref();
    done();
  });
  app.removeAllContentTypeParsers();
  // Before the CORS plugin, which answers OPTIONS.
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
    const problem = describeRefusal(error) ?? problemOf(error);
    if (problem.status === STATUS.internal.status)
      request.log.error({ err: error, url: request.url }, 'internal error');
    if (error instanceof UnreachableError)
      request.log.warn({ err: error, url: request.url }, 'the store does not answer');
    return sendProblem(reply, problem);
  });
  app.addHook('onRequest', (request, reply, done) => {
    connections.begin(request.raw, reply.raw);
    // Before any body is read.
    const refusal = protocolRefusal(request.raw);
    if (refusal !== undefined) void sendProblem(reply, refusal);
    else if (request.is404) void sendProblem(reply, nothingAt(request.url));
    else done();
  });
  if (metrics !== undefined) {
    app.addHook('onResponse', (request, reply, done) => {
      const labels = { code: String(reply.statusCode), method: request.method };
      metrics.requests.inc(labels);
      metrics.latency.observe(labels, reply.elapsedTime / 1000);
      done();
    });
  }
  return app;
}

/** What the answer to OPTIONS says. @param request `*` is of the whole server. */
function allowed({ url, routeOptions }: FastifyRequest): string {
  return url === '*' ? [...METHODS, 'OPTIONS'].join(', ') : (routeOptions.config.allow ?? READ_ONLY);
}

function nothingAt(url: string): Problem {
  return { ...STATUS.notFound, message: `there is nothing at ${url.slice(0, 200)}` };
}

/** What fastify refuses before a handler runs, in our words. */
function describeRefusal(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return {
        ...STATUS.unsupportedMediaType,
        message: 'the request is not JSON: send Content-Type: application/json',
      };
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return {
        ...STATUS.badRequest,
        message: 'the request body has not the length that Content-Length says',
      };
    default:
      return undefined;
  }
}

/** What goes wrong before there is a request. */
function connectionProblem({ code, message }: Error & { readonly code?: string }): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { ...STATUS.timeout, message: `the request did not arrive within ${REQUEST_TIMEOUT / 1000} s` };
  }
  if (code === 'HPE_HEADER_OVERFLOW')
    return { ...STATUS.headersTooLarge, message: 'the request headers are too large' };
  // llhttp's words are few and fixed: nothing of the client's is in them.
  const reason = code?.startsWith('HPE_') === true ? message.replace(/^Parse Error: /, ': ') : '';
  return { ...STATUS.badRequest, message: `this is not an HTTP/1.1 request${reason}` };
}

/** The longest that an answer of `/healthz` is reused, in milliseconds: it reads the store. */
const HEALTH_AGE = 1_000;

/** `GET /healthz`. @param fault what is wrong with the log, if anything. */
export function healthRoute(app: FastifyInstance, fault: () => Promise<Fault | undefined>): void {
  let known: { at: number; fault: Promise<Fault | undefined> } | undefined;
  app.get('/healthz', async (_request, reply) => {
    if (known === undefined || performance.now() - known.at > HEALTH_AGE)
      known = { at: performance.now(), fault: fault() };
    const found = await known.fault;
    reply.header('cache-control', 'no-store');
    return found === undefined
      ? { status: 'SERVING' }
      : reply.code(503).send({ status: 'NOT_SERVING', code: found.code, reason: found.reason });
  });
}

/** `GET /metrics`. */
export function metricsRoute(app: FastifyInstance, { registry }: Metrics): void {
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', registry.contentType).send(await registry.metrics()),
  );
}

/** `GET /openapi.json`. */
export function openApiRoute(app: FastifyInstance, document: object): void {
  const json = JSON.stringify(document);
  app.get('/openapi.json', (_request, reply) => reply.header('content-type', 'application/json').send(json));
}
