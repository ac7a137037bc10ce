/**
 * An HTTP server: routes over plain functions. Fastify is known in this room alone.
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { AnswerObserver, PostRoute, ReadRoute } from '../http/answer.js';
import { createApp } from './app.js';
import { bodyRefusal } from './body-headers.js';
import { Connections } from './connections.js';
import { HttpError, type ProblemFace } from '../http/problem.js';
import { NOT_JSON } from './protocol.js';
import { RequestBodies, RequestBody } from './request-bodies.js';
import { sendAnswer, sendProblem } from './send.js';

export interface HttpServerOptions {
  /** Errors of this machine's own are told here, and not to clients. */
  readonly log: Logger;
  /** The JSON of problems on paths without a route, and on routes without a face of their own. */
  readonly face: ProblemFace;
  /** The longest request body, in bytes. */
  readonly maxBody: number;
  readonly observer?: AnswerObserver;
}

export class HttpServer {
  readonly #app: FastifyInstance;
  readonly #face: ProblemFace;
  readonly #maxBody: number;

  constructor({ log, face, maxBody, observer }: HttpServerOptions) {
    const connections = new Connections(face);
    // One for all routes: its limits are of the whole server.
    const bodies = new RequestBodies(maxBody, connections);
    this.#face = face;
    this.#maxBody = maxBody;
    this.#app = createApp({ log, face, connections, observer });
    this.#app.addContentTypeParser('application/json', (_request: FastifyRequest, payload: IncomingMessage) =>
      bodies.read(payload),
    );
  }

  /** Adds a route. Routes are added before the server listens. */
  read({ path, answer, face = this.#face }: ReadRoute): void {
    this.#app.route({
      method: ['GET', 'HEAD'],
      url: path,
      config: { face },
      handler: async ({ raw }, reply) => {
        // Answers of a connection go out in the order of its requests: one that is made before its turn is only held.
        if (reply.raw.socket === null) await once(reply.raw, 'socket');
        const { method = '', url = '', headers } = raw;
        return sendAnswer(reply, await answer({ method, target: url, headers }), face);
      },
    });
  }

  /** Adds a route, which takes the path for itself: other methods are refused before any body is read. */
  post({ path, refusal, answer, hint, face = this.#face }: PostRoute): void {
    this.#app.route({
      method: 'POST',
      url: path,
      config: { face },
      onRequest: (request, reply, done) => {
        reply.raw.once('close', () => {
          // In this hook, because a request whose client leaves at the wrong moment never comes to its handler.
          if (request.body instanceof RequestBody) request.body.end();
        });
        const problem = bodyRefusal(request.headers, this.#maxBody) ?? refusal();
        if (problem === undefined) done();
        else sendProblem(reply, problem, face);
      },
      handler: async ({ body }, reply) => {
        // Fastify reads no body where there is neither a length nor a type.
        if (!(body instanceof RequestBody)) throw new HttpError(NOT_JSON);
        return sendAnswer(reply, await answer(body), face);
      },
    });
    const allow = 'POST, OPTIONS';
    this.#app.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'],
      url: path,
      onRequest: ({ method }, reply) => {
        const problem = { status: 405, message: `${method} is not for ${path}: ${hint}` } as const;
        sendProblem(reply.header('allow', allow), problem, face);
      },
      handler: () => undefined,
    });
    // A hook answers OPTIONS of all paths before a handler would.
    this.#app.route({ method: 'OPTIONS', url: path, config: { allow }, handler: () => undefined });
  }

  /** Begins to listen. Returns the port, where port 0 has become a free one. @throws the system's error. */
  async listen(host: string, port: number): Promise<number> {
    await this.#app.listen({ host, port });
    const address = this.#app.server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
    return address.port;
  }

  /** Takes no more connections, and ends once the requests under way are answered: after 5 s it cuts what is left. */
  async close(): Promise<void> {
    await this.#app.close();
  }
}
