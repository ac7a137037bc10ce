/**
 * Requests for the log's files, and what they are answered with: plain values, for any server.
 * @module
 */
import type { Answer, AnswerHeaders } from '../../src/http/answer.js';
import type { ObjectStat } from '../../src/store/store.js';
import { counted } from '../../tiles-spec/counted.js';
import { FormatError, headersOf, parsePath, type ObjectName } from '../../tiles-spec/index.js';

/** A request for a file. Headers are as the client sent them. */
export interface FileRequest {
  readonly method: 'GET' | 'HEAD';
  /** Below the log's prefix, undecoded: a name of the log needs no escapes, and has one spelling. */
  readonly path: string;
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** The files of a log, as HTTP has them. */
export interface FileSource {
  /**
   * The answer to a request. Content-Length is among its headers where there is a body, and for HEAD.
   * @throws UnavailableError where the client should try again later.
   */
  answer(request: FileRequest): Promise<Answer>;
}

/** Redirects every request to another address of the same files. */
export class RedirectedFiles implements FileSource {
  readonly #url: string;

  /** @param url of the log's prefix there, without a slash at the end. */
  constructor(url: string) {
    this.#url = url;
  }

  answer({ path }: FileRequest): Promise<Answer> {
    if (servedName(path) === undefined) return Promise.resolve(notFound(path));
    // 307 and no-cache: the files may move, so clients must not keep the redirect.
    const headers = { location: `${this.#url}/${path}`, 'cache-control': 'no-cache' };
    return Promise.resolve({ status: 307, headers });
  }
}

/** What a path names. Undefined where it is not served: claims, and names that are not the log's. */
export function servedName(path: string): ObjectName | undefined {
  try {
    const name = parsePath(path);
    return name.kind === 'claim' ? undefined : name;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The headers of a file, without its length. */
export function headersFor(name: ObjectName, stat: ObjectStat): AnswerHeaders {
  const { contentType, cacheControl, contentEncoding } = headersOf(name);
  return {
    'content-type': contentType,
    'cache-control': cacheControl,
    'accept-ranges': 'bytes',
    etag: entityTag(stat),
    ...(contentEncoding && { 'content-encoding': contentEncoding, vary: 'Accept-Encoding' }),
  };
}

/** The store's tag as HTTP writes it: in quotes. */
export function entityTag({ etag }: ObjectStat): string {
  return `"${etag}"`;
}

export function notFound(path: string): Answer {
  const message =
    path === ''
      ? 'this is the address of a log, and of none of its files: its newest checkpoint is the file checkpoint'
      : `there is no ${path.slice(0, 200)} in this log`;
  return { status: 404, headers: {}, message };
}

/** The answer to a range that begins at or after the end of a file. */
export function pastTheEnd(path: string, size: number): Answer {
  const headers = { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' };
  return { status: 416, headers, message: `${path} has ${counted(size, 'byte')}` };
}
