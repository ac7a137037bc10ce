/**
 * Static reads: the log's files as they are in the store, or a redirect to where they are served, at `/` and at
 * `/api/v2/`. Only the names of the log are served, and of those not the claims.
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectStore } from '../../src/store/store.js';
import { FormatError, headersOf, parsePath, type ObjectName } from '../../tiles-spec/index.js';
import { sendProblem, STATUS } from './problem.js';

/** @param source the store, or the URL that readers are sent to, without a slash at the end. */
export function readRoutes(app: FastifyInstance, source: Pick<ObjectStore, 'read'> | string): void {
  for (const prefix of ['/', '/api/v2/']) {
    app.route({
      method: ['GET', 'HEAD'],
      url: `${prefix}*`,
      handler: async (request, reply) => {
        // The path as it was sent: a name of the log needs no escapes, and has one spelling.
        const path = request.raw.url?.split('?')[0]?.slice(prefix.length) ?? '';
        const name = nameOf(path);
        if (name === undefined) return notFound(reply, path);
        if (typeof source === 'string') return redirect(reply, `${source}/${path}`);
        return sendObject(request, reply, source, path, name);
      },
    });
  }
}

function nameOf(path: string): ObjectName | undefined {
  try {
    const name = parsePath(path);
    return name.kind === 'claim' ? undefined : name;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Not for ever: the files may move. */
function redirect(reply: FastifyReply, url: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').redirect(url, 307);
}

async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  store: Pick<ObjectStore, 'read'>,
  path: string,
  name: ObjectName,
): Promise<FastifyReply> {
  const object = await store.read(path);
  if (object === undefined) return notFound(reply, path);
  const size = object.bytes.length;
  const etag = `"${object.etag}"`;
  const { contentType, cacheControl, contentEncoding } = headersOf(name);
  reply
    .header('content-type', contentType)
    .header('cache-control', cacheControl)
    .header('accept-ranges', 'bytes')
    .header('etag', etag);
  if (contentEncoding !== undefined)
    reply.header('content-encoding', contentEncoding).header('vary', 'Accept-Encoding');

  if (hasTag(request.headers['if-none-match'] ?? '', etag)) return reply.code(304).send();
  if (request.method === 'HEAD') return reply.header('content-length', size).send();
  const range = wantedRange(request, size);
  if (range === undefined) return reply.send(object.bytes);
  if (range === 'unsatisfiable') {
    reply.removeHeader('etag').header('content-range', `bytes */${size}`);
    return sendProblem(reply, { ...STATUS.rangeNotSatisfiable, message: `${path} has ${size} bytes` });
  }
  return reply
    .code(206)
    .header('content-range', `bytes ${range.start}-${range.end}/${size}`)
    .send(object.bytes.subarray(range.start, range.end + 1));
}

/** Whether an If-None-Match has this tag, by the weak comparison (RFC 9110 section 13.1.2). */
function hasTag(tags: string, etag: string): boolean {
  return tags.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/** The one range asked for, over the bytes as stored; several, or none that makes sense, are answered with all. */
function wantedRange(
  request: FastifyRequest,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const { range = '', 'if-range': condition } = request.headers;
  const [, first = '', last = ''] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/i.exec(range) ?? [];
  // RFC 9110 section 14.2: ranges are for GET, and one that is malformed or ends before it begins is no range.
  if (request.method !== 'GET' || condition !== undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start < size ? { start, end } : 'unsatisfiable';
}

function notFound(reply: FastifyReply, path: string): FastifyReply {
  return sendProblem(reply, { ...STATUS.notFound, message: `there is no ${path.slice(0, 200)} in this log` });
}
