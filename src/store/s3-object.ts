/**
 * The object in an answer to a GET, read up to a bound.
 * @module
 */
import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { messageOf } from '../errors.js';
import { counted } from '../../tiles-spec/counted.js';
import { AnswerError } from './s3-failure.js';
import type { ObjectRange } from './store.js';

/** Bytes [start, end) of an object, at least one. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the bytes `part` of the object from an answer, and leaves the rest unread.
 * @param isRange whether the request had a Range header. Without one, an object that is longer than `part.end` is given
 *   with its size and no bytes.
 * @throws AnswerError where the answer holds other bytes, fewer, or does not say how long the object is.
 */
export async function objectIn(
  { Body, ContentRange: range, ContentLength: length, ETag: etag }: GetObjectCommandOutput,
  part: ByteRange,
  isRange: boolean,
): Promise<ObjectRange> {
  const body = Body as Readable | undefined;
  try {
    if (body === undefined || etag === undefined)
      throw new AnswerError('the answer has no body, or no ETag', { code: 'refused' });
    const [, begin = '0', total] = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(range ?? '') ?? [];
    if (Number(begin) !== part.start || (range !== undefined && total === undefined)) {
      throw new AnswerError(`the answer is of ${range ?? 'all'}, and not of the range that was asked for`, {
        code: 'refused',
      });
    }
    const tag = etag.replace(/^"(.*)"$/, '$1');
    const said = range === undefined ? length : Number(total);
    if (!isRange && said !== undefined && said > part.end)
      return { bytes: new Uint8Array(0), size: said, etag: tag };
    const { bytes, hasMore } = await firstBytes(body, part.end - part.start);
    // A server that knows no ranges answers with the whole object: its first bytes are enough, and more is no error.
    if (hasMore && range !== undefined)
      throw new AnswerError(`the answer is over ${part.end - part.start} bytes`, { code: 'refused' });
    const size = said ?? (hasMore && isRange ? undefined : bytes.length + Number(hasMore));
    if (size === undefined)
      throw new AnswerError('the answer does not say how long the object is', { code: 'refused' });
    if (bytes.length < Math.min(part.end, size) - part.start)
      throw new AnswerError(`the answer has only ${counted(bytes.length, 'byte')}`, { code: 'refused' });
    return { bytes, size, etag: tag };
  } finally {
    // Otherwise the connection would stay open, waiting for its unread bytes to be taken.
    body?.destroy();
  }
}

/** The first `maxLength` bytes of a body, and whether there are more, which are not read. */
async function firstBytes(
  body: Readable,
  maxLength: number,
): Promise<{ bytes: Uint8Array; hasMore: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxLength) break;
    }
  } catch (error) {
    throw new AnswerError(messageOf(error), { code: 'interrupted', cause: error });
  }
  return { bytes: Buffer.concat(chunks, Math.min(length, maxLength)), hasMore: length > maxLength };
}
