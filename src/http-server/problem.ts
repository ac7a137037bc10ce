/**
 * Errors as HTTP answers them: `{code, message, details}` with gRPC's code numbers, as Rekor v2's clients expect.
 * @module
 */
import type { FastifyReply } from 'fastify';
import { InvalidEntryError, UnavailableError, UnreachableError } from '../errors.js';

/** An HTTP status with the gRPC code that goes with it. */
export const STATUS = {
  badRequest: { status: 400, code: 3 },
  notFound: { status: 404, code: 5 },
  methodNotAllowed: { status: 405, code: 12 },
  timeout: { status: 408, code: 4 },
  tooLarge: { status: 413, code: 8 },
  unsupportedMediaType: { status: 415, code: 3 },
  rangeNotSatisfiable: { status: 416, code: 11 },
  expectationFailed: { status: 417, code: 3 },
  headersTooLarge: { status: 431, code: 8 },
  internal: { status: 500, code: 13 },
  notImplemented: { status: 501, code: 12 },
  unavailable: { status: 503, code: 14 },
} as const;

/** An error that an HTTP client is told of, in so many words. */
export interface Problem {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

/** What is wrong with a request as HTTP, and not as an entry. */
export class HttpError extends Error implements Problem {
  override name = 'HttpError';
  readonly status: number;
  readonly code: number;

  constructor({ status, code }: Pick<Problem, 'status' | 'code'>, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The body of an error answer. */
export function problemBody({ code, message }: Problem): string {
  return JSON.stringify({ code, message, details: [] });
}

/** What a client is told of an error; of one that is not the client's, only that there was one. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HttpError) return error;
  if (error instanceof InvalidEntryError) return { ...STATUS.badRequest, message: error.message };
  if (error instanceof UnavailableError) return { ...STATUS.unavailable, message: error.message };
  // What the store says of itself is for the operator.
  if (error instanceof UnreachableError)
    return { ...STATUS.unavailable, message: 'the store does not answer: try again' };
  if (error instanceof Error && 'statusCode' in error) {
    // Fastify's own refusals.
    const known = Object.values(STATUS).find(({ status }) => status === error.statusCode);
    if (known !== undefined && known.status < 500) return { ...known, message: error.message };
  }
  return { ...STATUS.internal, message: 'internal error: the daemon has written what it is to its own log' };
}

/** Sends an error: never cached, never compressed, whatever the answer would have been. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  reply.removeHeader('content-encoding').removeHeader('cache-control');
  if (problem.status === STATUS.unavailable.status) reply.header('retry-after', retryAfter());
  return reply
    .code(problem.status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(problemBody(problem));
}

/** 1 to 3 seconds, at random: those refused together do not come back together. */
function retryAfter(): string {
  return String(1 + Math.floor(3 * Math.random()));
}
