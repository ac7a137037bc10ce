/**
 * Requests for the log's files, and what they are answered with: plain values, for any server.
 * @module
 */
import type { ObjectStat } from '../../src/store/store.js';
import { FormatError, headersOf, parsePath, type ObjectName } from '../../tiles-spec/index.js';

/** A request for a file, as far as it matters here. Headers are as they were sent. */
export interface FileRequest {
  readonly method: 'GET' | 'HEAD';
  /** Below the log's prefix, as it was sent: a name of the log needs no escapes, and has one spelling. */
  readonly path: string;
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** Names are in lower case. Content-Length is among them where there is a body, and for HEAD. */
export type FileHeaders = Readonly<Record<string, string>>;

/** What a request is answered with. `message` says what is wrong. */
export type FileAnswer =
  | { readonly status: 200 | 206; readonly headers: FileHeaders; readonly body?: FileBody }
  | { readonly status: 304 | 307; readonly headers: FileHeaders }
  | { readonly status: 404 | 416; readonly headers: FileHeaders; readonly message: string };

/** The bytes of an answer. They count as held by it until `close` is called. */
export interface FileBody {
  /** In bytes. */
  readonly length: number;
  /** All bytes, or piece by piece, each read when it is asked for. A piece that cannot be read throws. */
  readonly content: Uint8Array | AsyncGenerator<Uint8Array>;
  /** To be called once, when the client has taken the answer or is gone. */
  readonly close: () => void;
}

/** What answers requests for files. */
export interface FileSource {
  /** @throws UnavailableError where the client should come again later. */
  answer(request: FileRequest): Promise<FileAnswer>;
}

/** Sends those who ask to where the files are. */
export class RedirectedFiles implements FileSource {
  readonly #url: string;

  /** @param url without a slash at the end. */
  constructor(url: string) {
    this.#url = url;
  }

  answer({ path }: FileRequest): Promise<FileAnswer> {
    if (servedName(path) === undefined) return Promise.resolve(notFound(path));
    // Not for ever: the files may move.
    const headers = { location: `${this.#url}/${path}`, 'cache-control': 'no-cache' };
    return Promise.resolve({ status: 307, headers });
  }
}

/** What a path names, where it is served: names of the log, and of those not the claims. */
export function servedName(path: string): ObjectName | undefined {
  try {
    const name = parsePath(path);
    return name.kind === 'claim' ? undefined : name;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The headers of a file, but its length. */
export function headersFor(name: ObjectName, stat: ObjectStat): FileHeaders {
  const { contentType, cacheControl, contentEncoding } = headersOf(name);
  return {
    'content-type': contentType,
    'cache-control': cacheControl,
    'accept-ranges': 'bytes',
    etag: tagOf(stat),
    ...(contentEncoding && { 'content-encoding': contentEncoding, vary: 'Accept-Encoding' }),
  };
}

/** The tag as HTTP has it. */
export function tagOf({ etag }: ObjectStat): string {
  return `"${etag}"`;
}

export function notFound(path: string): FileAnswer {
  const message =
    path === ''
      ? 'this is the address of a log, and of none of its files: its newest checkpoint is the file checkpoint'
      : `there is no ${path.slice(0, 200)} in this log`;
  return { status: 404, headers: {}, message };
}

/** The answer to a range that begins behind the end of a file. */
export function pastTheEnd(path: string, size: number): FileAnswer {
  const headers = { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' };
  return { status: 416, headers, message: `${path} has ${size} bytes` };
}
