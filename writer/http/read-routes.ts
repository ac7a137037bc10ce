/**
 * Static reads, at `/` and at `/api/v2/`: what `reader/http` answers, on the daemon's connections.
 * @module
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FileBody, FileSource } from '../../reader/http/index.js';
import { sendProblem, STATUS } from '../../src/http-server/problem.js';

/** How long a client may take for a file, in milliseconds: for any, and for each further 16 KiB. */
const LONGEST_START = 30_000;
const LONGEST_16_KIB = 1_000;

export function readRoutes(app: FastifyInstance, files: FileSource): void {
  for (const prefix of ['/', '/api/v2/']) {
    app.route({
      method: ['GET', 'HEAD'],
      url: `${prefix}*`,
      handler: (request, reply) => sendFile(files, request, reply, prefix),
    });
  }
}

async function sendFile(
  files: FileSource,
  { raw: { url = '', method, headers } }: FastifyRequest,
  reply: FastifyReply,
  prefix: string,
): Promise<FastifyReply> {
  // A request behind another on its connection is read when its turn has come: until then its answer would be held.
  if (reply.raw.socket === null) await once(reply.raw, 'socket');
  const answer = await files.answer({
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    path: url.split('?')[0]?.slice(prefix.length) ?? '',
    range: headers.range,
    ifRange: headers['if-range']?.toString(),
    ifNoneMatch: headers['if-none-match'],
  });
  reply.headers(answer.headers);
  if (answer.status === 404) return sendProblem(reply, { ...STATUS.notFound, message: answer.message });
  if (answer.status === 416)
    return sendProblem(reply, { ...STATUS.rangeNotSatisfiable, message: answer.message });
  reply.code(answer.status);
  return 'body' in answer ? sendBody(reply, answer.body) : reply.send();
}

function sendBody(reply: FastifyReply, { length, content, close }: FileBody): FastifyReply {
  const { raw } = reply;
  if (raw.closed) {
    // The client left while the file was read.
    close();
    return reply;
  }
  const timeout = setTimeout(() => raw.destroy(), LONGEST_START + (length / 16_384) * LONGEST_16_KIB);
  raw.once('close', () => {
    clearTimeout(timeout);
    close();
  });
  // Without room for a piece that nobody has asked for yet.
  const options = { objectMode: false, highWaterMark: 0 };
  return reply.send(content instanceof Uint8Array ? content : Readable.from(content, options));
}
