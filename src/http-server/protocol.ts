/**
 * What is refused of a request as HTTP, whatever it is for.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, problemBody, STATUS } from './problem.js';

/**
 * What refuses a request by its headers alone; undefined where nothing does. Node itself would answer the first without
 * a word, and read a body of the second as if it were only chunked.
 */
export function protocolRefusal({ httpVersion, headers }: IncomingMessage): HttpError | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return new HttpError(STATUS.badRequest, 'the request has no Host, which HTTP/1.1 demands');
  const coding = headers['transfer-encoding']?.trim() ?? 'chunked';
  if (coding.toLowerCase() === 'chunked') return undefined;
  const quoted = JSON.stringify(coding.slice(0, 80));
  return new HttpError(
    STATUS.notImplemented,
    `Transfer-Encoding: ${quoted} is not read here, but chunked alone: send the body as it is`,
  );
}

/** Answers a request whose Expect asks for anything but 100-continue, which Node would answer without a word. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const quoted = JSON.stringify((request.headers.expect ?? '').slice(0, 80));
  const problem = { ...STATUS.expectationFailed, message: `Expect: ${quoted} cannot be met here` };
  const body = problemBody(problem);
  response
    .writeHead(problem.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    .end(body);
}
