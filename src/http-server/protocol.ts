/**
 * Requests that are refused as HTTP, on every path.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Problem, ProblemFace } from '../http/problem.js';

export const NOT_JSON: Problem = {
  status: 415,
  message: 'the request is not JSON: send Content-Type: application/json',
};

export function nothingAt(url: string): Problem {
  return { status: 404, message: `there is nothing at ${url.slice(0, 200)}` };
}

/**
 * Why a request is refused by its headers alone; undefined for one that is not. Node itself would answer a request
 * without Host with an empty body, and read the body of any transfer coding as if it were only chunked.
 */
export function protocolRefusal({ httpVersion, headers }: IncomingMessage): Problem | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return { status: 400, message: 'the request has no Host, which HTTP/1.1 demands' };
  const coding = headers['transfer-encoding']?.trim() ?? 'chunked';
  if (coding.toLowerCase() === 'chunked') return undefined;
  const quoted = JSON.stringify(coding.slice(0, 80));
  return {
    status: 501,
    message: `Transfer-Encoding: ${quoted} is not read here, but chunked alone: send the body as it is`,
  };
}

/** Answers a request whose Expect is not 100-continue, which Node would answer with an empty body. */
export function refuseExpectation(
  request: IncomingMessage,
  response: ServerResponse,
  face: ProblemFace,
): void {
  const quoted = JSON.stringify((request.headers.expect ?? '').slice(0, 80));
  const problem: Problem = { status: 417, message: `Expect: ${quoted} cannot be met here` };
  const body = face(problem);
  response
    .writeHead(problem.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    .end(body);
}

/**
 * What is wrong where Node's parser finds no request.
 * @param timeout how long a request may take to arrive, in milliseconds.
 */
export function connectionProblem(
  { code, message }: Error & { readonly code?: string },
  timeout: number,
): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: `the request did not arrive within ${timeout / 1000} s` };
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'the request headers are too large' };
  // The parser's messages are few and fixed: they repeat nothing that the client sent.
  const reason = code?.startsWith('HPE_') === true ? message.replace(/^Parse Error: /, ': ') : '';
  return { status: 400, message: `this is not an HTTP/1.1 request${reason}` };
}
