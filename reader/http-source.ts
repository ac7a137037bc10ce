/**
 * Reads a log's objects over HTTP, with limits in size and time, and tries again where that may help.
 * @module
 */
import { ConfigurationError, messageOf, UnreachableError } from '../src/errors.js';
import { maxGzipLength } from '../tiles-spec/objects/entry-bundle.js';
import { parsePath } from '../tiles-spec/index.js';
import { readBounded, TooLongError } from './byte-stream.js';
import { readingObject, UnexpectedAnswerError } from './errors.js';
import { browserGunzip, type Gunzip } from './gunzip.js';
import { askedPause, isPassingStatus, retry } from '../src/retry.js';

/**
 * Reads one object by its path below the log's prefix, for example `tile/0/x001/234.p/5`. Resolves with its bytes, at
 * most `maxLength`, or with undefined where there is no such object. An entry bundle may come compressed or
 * decompressed.
 * @throws UnreachableError; UnexpectedAnswerError, also for an object that is longer.
 */
export type ReadObject = (path: string, maxLength: number) => Promise<Uint8Array | undefined>;

/** The answer to a GET, with the headers that matter here. */
export interface HttpAnswer {
  readonly status: number;
  readonly location?: string | undefined;
  readonly retryAfter?: string | undefined;
  /** Absent where `body` is decoded already. */
  readonly contentEncoding?: string | undefined;
  /** Bytes in `body` as the server claims, which may be wrong. */
  readonly contentLength?: number | undefined;
  /** An explanation of the status for the user, where the sender of the request has one. */
  readonly hint?: string | undefined;
  readonly body: ReadableStream<Uint8Array>;
}

/** Sends one GET. It may follow redirects, or return them to be followed here. */
export type HttpGet = (url: URL, signal: AbortSignal) => Promise<HttpAnswer>;

export interface HttpSourceOptions {
  /** Default: the global `fetch`. */
  readonly get?: HttpGet | undefined;
  /** Time limit of each try, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
  /** Further tries after one that failed. Default: 3. */
  readonly retries?: number | undefined;
  /** Default: the DecompressionStream of browsers. */
  readonly gunzip?: Gunzip | undefined;
}

const MAX_REDIRECTS = 3;

/** Sends GETs with a `fetch`, which decompresses bodies and follows redirects by itself. */
export function fetchGet(fetch: typeof globalThis.fetch): HttpGet {
  return async (url, signal) => {
    const { status, headers, body } = await fetch(url, { signal });
    return {
      status,
      retryAfter: headers.get('retry-after') ?? undefined,
      body:
        body ??
        new ReadableStream({
          start: (controller) => {
            controller.close();
          },
        }),
    };
  };
}

/**
 * Makes a function that reads the objects of the log at a URL. Nothing is sent yet.
 * @param base the URL of the log's prefix, with or without a slash at its end.
 * @throws ConfigurationError unless `base` is an http or https URL without a query, a fragment or a password.
 */
export function httpSource(base: string, options: HttpSourceOptions = {}): ReadObject {
  const source = new HttpSource(logUrl(base), options);
  return (path, maxLength) => source.read(path, maxLength);
}

class HttpSource {
  readonly #base: URL;
  readonly #get: HttpGet;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #gunzip: Gunzip;

  constructor(base: URL, options: HttpSourceOptions) {
    this.#base = base;
    this.#get = options.get ?? fetchGet(globalThis.fetch.bind(globalThis));
    this.#timeout = options.timeout ?? 30_000;
    this.#retries = options.retries ?? 3;
    this.#gunzip = options.gunzip ?? browserGunzip;
  }

  async read(path: string, maxLength: number): Promise<Uint8Array | undefined> {
    parsePath(path);
    return retry(() => this.#readOnce(path, maxLength), { retries: this.#retries });
  }

  async #readOnce(path: string, maxLength: number): Promise<Uint8Array | undefined> {
    const signal = AbortSignal.timeout(this.#timeout);
    const { url, answer } = await this.#follow(path, signal);
    if (answer.status === 200) return this.#body(answer, url, path, maxLength, signal);
    discard(answer);
    if (answer.status === 404 || answer.status === 410) return undefined;
    const hint = answer.hint ?? hintOf(answer.status, url);
    const message = `${url.href}: the server answers ${answer.status}${hint === undefined ? '' : `: ${hint}`}`;
    if (isPassingStatus(answer.status))
      throw new UnreachableError(message, { code: 'busy', path, pause: askedPause(answer.retryAfter) });
    throw new UnreachableError(message, { code: 'refused', path });
  }

  /** Follows redirects, to any host: everything that is read is authenticated, whichever server answers. */
  async #follow(path: string, signal: AbortSignal): Promise<{ url: URL; answer: HttpAnswer }> {
    let url = new URL(path, this.#base);
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#get(url, signal).catch((error: unknown) => {
        throw this.#failure(path, url, error, signal, 'unreachable');
      });
      if (answer.status < 300 || answer.status > 399 || answer.status === 304) return { url, answer };
      discard(answer);
      const next = answer.location === undefined ? undefined : parseUrl(answer.location, url);
      const isSafe = next?.protocol === url.protocol || next?.protocol === 'https:';
      if (next === undefined || !isSafe) {
        throw new UnexpectedAnswerError(
          `${url.href}: redirected to ${JSON.stringify((answer.location ?? '').slice(0, 200))}`,
          { code: 'redirect', path },
        );
      }
      if (redirects === MAX_REDIRECTS) {
        throw new UnexpectedAnswerError(`${url.href}: over ${MAX_REDIRECTS} redirects`, {
          code: 'redirect',
          path,
        });
      }
      url = next;
    }
  }

  async #body(
    { body, contentEncoding, contentLength }: HttpAnswer,
    url: URL,
    path: string,
    maxLength: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (contentEncoding !== undefined && contentEncoding !== 'gzip' && contentEncoding !== 'identity') {
      discard({ body });
      const encoding = JSON.stringify(contentEncoding.slice(0, 80));
      throw new UnexpectedAnswerError(`${url.href}: has the encoding ${encoding}`, {
        code: 'encoding',
        path,
      });
    }
    const longest = contentEncoding === 'gzip' ? maxGzipLength(maxLength) : maxLength;
    let bytes;
    try {
      bytes = await readBounded(body, longest, contentLength);
    } catch (error) {
      if (error instanceof TooLongError) {
        throw new UnexpectedAnswerError(`${url.href}: has over ${longest} bytes`, {
          code: 'too-large',
          path,
        });
      }
      throw this.#failure(path, url, error, signal, 'interrupted');
    }
    return contentEncoding === 'gzip' ? readingObject(path, () => this.#gunzip(bytes, maxLength)) : bytes;
  }

  #failure(
    path: string,
    url: URL,
    error: unknown,
    signal: AbortSignal,
    code: 'unreachable' | 'interrupted',
  ): UnreachableError | ConfigurationError {
    // For example a proxy that the user has set and that is none: no answer of the log, and not to be tried again.
    if (error instanceof ConfigurationError) return error;
    if (signal.aborted) {
      return new UnreachableError(`${url.href}: no whole answer within ${this.#timeout / 1000} s`, {
        code: 'timeout',
        path,
      });
    }
    // fetch throws a TypeError "fetch failed", whose cause is the reason.
    const reason = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    return new UnreachableError(`${url.href}: ${messageOf(reason)}`, { code, cause: error, path });
  }
}

/** Cancels a body. Not awaited: on a stream that hangs, cancelling may never end. */
function discard({ body }: Pick<HttpAnswer, 'body'>): void {
  body.cancel().catch(() => undefined);
}

/**
 * The base URL of a log, its path ending in a slash.
 * @throws ConfigurationError unless it is an http or https URL without a query, a fragment or a password.
 */
export function logUrl(base: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  const extra = url && url.search + url.hash + url.username + url.password;
  if (url === undefined || !/^https?:$/.test(url.protocol) || extra !== '') {
    // The message does not quote the URL, which may hold a password.
    throw new ConfigurationError(
      "the log's URL is not an http:// or https:// URL without a query, a fragment or a password",
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function parseUrl(text: string, base: URL): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}

/** Advice on a status that no log answers with, where there is some. */
function hintOf(status: number, { protocol }: URL): string | undefined {
  // A server that expects TLS at this port answers plain HTTP so.
  return status === 400 && protocol === 'http:' ? 'does it speak https://?' : undefined;
}
