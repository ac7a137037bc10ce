/**
 * Answers onto fastify's replies.
 * @module
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Answer, HeldBody } from '../http/answer.js';
import type { Problem, ProblemFace } from '../http/problem.js';

/** How long a client may take for a file, in milliseconds: for any, and for each further 16 KiB. */
const LONGEST_START = 30_000;
const LONGEST_16_KIB = 1_000;

/** Sends an answer, and closes its body when the client has taken it or has left. */
export function sendAnswer(reply: FastifyReply, answer: Answer, face: ProblemFace): FastifyReply {
  if (answer.headers !== undefined) reply.headers(answer.headers);
  if ('message' in answer) return sendProblem(reply, answer, face);
  reply.code(answer.status);
  return typeof answer.body === 'object' ? sendBody(reply, answer.body) : reply.send(answer.body);
}

/** Sends a problem: never cached, never compressed, whatever headers the reply has already. */
export function sendProblem(reply: FastifyReply, problem: Problem, face: ProblemFace): FastifyReply {
  reply.removeHeader('content-encoding');
  if (problem.status === 503) reply.header('retry-after', retryAfter());
  return reply
    .code(problem.status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(face(problem));
}

/** 1 to 3 seconds, at random: clients that were refused together do not come back together. */
function retryAfter(): string {
  return String(1 + Math.floor(3 * Math.random()));
}

function sendBody(reply: FastifyReply, { length, content, close }: HeldBody): FastifyReply {
  const { raw } = reply;
  if (raw.closed) {
    // The client left while the file was read: no 'close' comes any more.
    close();
    return reply;
  }
  const timeout = setTimeout(() => raw.destroy(), LONGEST_START + (length / 16_384) * LONGEST_16_KIB);
  raw.once('close', () => {
    clearTimeout(timeout);
    close();
  });
  // A stream with a buffer would hold a second piece beside the one that is being sent.
  const options = { objectMode: false, highWaterMark: 0 };
  return reply.send(content instanceof Uint8Array ? content : Readable.from(content, options));
}
