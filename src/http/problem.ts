/**
 * Errors as HTTP clients are told of them.
 * @module
 */
import { InvalidEntryError, UnavailableError, UnreachableError } from '../errors.js';

/** Every status with which a request is refused. */
export type ProblemStatus = 400 | 404 | 405 | 408 | 413 | 415 | 416 | 417 | 431 | 500 | 501 | 503;

/** Why a request is refused. */
export interface Problem {
  readonly status: ProblemStatus;
  /** For the client: what is wrong, where, and what to do. Nothing about this machine. */
  readonly message: string;
}

/** Writes a problem as the JSON that the clients of one API read. */
export type ProblemFace = (problem: Problem) => string;

/** A request that is wrong as HTTP; one that is wrong as an entry is an `InvalidEntryError`. */
export class HttpError extends Error {
  override name = 'HttpError';

  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** What a client is told of an error. The message of an error of the daemon's own is for its operator alone. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HttpError) return error.problem;
  if (error instanceof InvalidEntryError) return { status: 400, message: error.message };
  if (error instanceof UnavailableError) return { status: 503, message: error.message };
  if (error instanceof UnreachableError)
    return { status: 503, message: 'the store does not answer: try again' };
  return { status: 500, message: 'internal error: the daemon has written what it is to its own log' };
}
