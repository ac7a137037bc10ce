/**
 * A bucket by the AWS SDK: one request a call, bounded in size and time, its failures told apart. Whoever calls tries
 * again: a write that the SDK repeated by itself might meet its own first try, and look refused.
 * @module
 */
import { uptime } from 'node:os';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  type GetObjectCommandOutput,
  type _Error as S3Error,
} from '@aws-sdk/client-s3';
import { ConfigurationError, messageOf, UnreachableError } from '../errors.js';
import type { ObjectHeaders } from '../../tiles-spec/index.js';
import type { S3Options } from './s3-place.js';
import { s3Requests } from './s3-requests.js';
import type { ObjectRange } from './store.js';

/** How long a connection to the server may take, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;

/** The longest answer that is no object, in bytes: an error's text, or what a write is answered with. */
const MAX_ANSWER = 2 ** 16;

/** Keys in one request to delete: the most that S3 takes. */
const MAX_DELETED = 1_000;

/** The longest answer to such a request, in bytes: some servers name every key in it. */
const MAX_DELETE_ANSWER = 2 ** 20;

/** What a read comes to that begins behind the object's last byte. */
const BEHIND_THE_END = Symbol('behind the end');

/** What a write demands of what is there: nothing, or just what has this tag. */
export type Condition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

/** Bytes [start, end), at least one. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** What the SDK's middleware sees of an answer. Header names are in lower case. */
interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body?: Readable;
}

export class S3Bucket {
  /** For messages: where the bucket is. */
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #timeout: number;
  /** What the server's clock told, and when that was by this machine's uptime, in milliseconds. */
  #time: { readonly told: number; readonly at: number } | undefined;
  /** Whether the server takes requests to delete many objects, as far as is known. */
  #deletesMany = true;

  constructor(
    bucket: string,
    { endpoint, region, pathStyle, timeout = 30_000, connections = 50, network = {} }: S3Options,
  ) {
    this.url = endpoint === undefined ? `s3://${bucket}` : `s3://${bucket} at ${endpoint}`;
    this.#bucket = bucket;
    this.#timeout = timeout;
    // An empty variable is none.
    const here = region ?? (endpoint === undefined ? undefined : process.env['AWS_REGION'] || 'us-east-1');
    this.#client = new S3Client({
      maxAttempts: 1,
      // undici, which sends them, knows no Expect.
      expectContinueHeader: false,
      requestHandler: s3Requests(network, { connections, connectTimeout: CONNECTION_TIMEOUT }),
      ...(here === undefined ? {} : { region: here }),
      ...(pathStyle === true ? { forcePathStyle: true } : {}),
      // Several servers other than AWS's refuse the checksums that the SDK adds by itself.
      ...(endpoint === undefined
        ? {}
        : {
            endpoint,
            requestChecksumCalculation: 'WHEN_REQUIRED',
            responseChecksumValidation: 'WHEN_REQUIRED',
          }),
    });
    this.#client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const response = result.response as Response;
        // Not a proxy's page.
        if (response.statusCode < 500) this.#noteTime(response.headers['date']);
        const isObject = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
        if (response.body !== undefined && !isObject) {
          const longest = context.commandName === 'DeleteObjectsCommand' ? MAX_DELETE_ANSWER : MAX_ANSWER;
          response.body = Readable.from(beginningOf(response.body, longest));
        }
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
  }

  /** The time by the server, Unix milliseconds, as its last answer told it; undefined before the first. */
  get time(): number | undefined {
    return this.#time && this.#time.told + uptime() * 1000 - this.#time.at;
  }

  #noteTime(date = ''): void {
    const told = Date.parse(date);
    if (!Number.isNaN(told)) this.#time = { told, at: uptime() * 1000 };
  }

  /** Writes an object where the condition holds. False, and nothing changed, where it does not. */
  async put(key: string, bytes: Uint8Array, condition: Condition, headers: ObjectHeaders): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: bytes,
      ContentType: headers.contentType,
      CacheControl: headers.cacheControl,
      ContentEncoding: headers.contentEncoding,
      ...('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch }),
    });
    return this.#request(`put ${key}`, bytes.length, async ({ signal: abortSignal }) => {
      try {
        await this.#client.send(command, { abortSignal });
        return true;
      } catch (error) {
        // What should be replaced is gone: 404 on AWS, 412 elsewhere.
        const isGone = 'ifMatch' in condition && hasName(error, 'NoSuchKey');
        if (isGone || isAnswer(error, 412)) return false;
        throw error;
      }
    });
  }

  /**
   * The object, or undefined where there is none. Of one that is longer than `maxLength` just the size and the tag: none
   * of its bytes are read.
   */
  get(key: string, maxLength: number): Promise<ObjectRange | undefined> {
    return this.#get(key, { start: 0, end: maxLength }, undefined);
  }

  /** Bytes [start, end) of the object, or undefined where there is none; fewer where it ends before. */
  async getRange(key: string, start: number, end: number): Promise<ObjectRange | undefined> {
    const part = { start, end: Math.max(end, start + 1) };
    const object = await this.#get(key, part, `bytes=${part.start}-${part.end - 1}`);
    return object && { ...object, bytes: object.bytes.subarray(0, Math.max(0, end - start)) };
  }

  /** Deletes the objects, as far as they are there: one request for each thousand, where the server can. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += MAX_DELETED) {
      const some = keys.slice(at, at + MAX_DELETED);
      if (some.length > 1 && this.#deletesMany) this.#deletesMany = await this.#deleteMany(some);
      if (some.length > 1 && this.#deletesMany) continue;
      for (const key of some) await this.#deleteOne(key);
    }
  }

  /** Ends idle connections. */
  close(): void {
    this.#client.destroy();
  }

  async #get(key: string, part: Range, rangeHeader: string | undefined): Promise<ObjectRange | undefined> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(rangeHeader === undefined ? {} : { Range: rangeHeader }),
    });
    const object = await this.#request(`get ${key}`, 0, async (deadline) => {
      try {
        const answer = await this.#client.send(command, { abortSignal: deadline.signal });
        deadline.extend(Math.min(answer.ContentLength ?? 0, part.end - part.start));
        return await objectIn(answer, part, rangeHeader !== undefined);
      } catch (error) {
        if (hasName(error, 'NoSuchKey')) return undefined;
        if (isAnswer(error, 416)) return BEHIND_THE_END;
        throw error;
      }
    });
    if (object !== BEHIND_THE_END) return object;
    // The refusal has no tag. An object whose first byte is behind its end is empty.
    const whole = part.start === 0 ? await this.get(key, 1) : await this.getRange(key, 0, 1);
    return whole && { ...whole, bytes: new Uint8Array(0) };
  }

  async #deleteOne(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#request(`delete ${key}`, 0, async ({ signal: abortSignal }) => {
      try {
        await this.#client.send(command, { abortSignal });
      } catch (error) {
        if (!hasName(error, 'NoSuchKey')) throw error;
      }
    });
  }

  /** False, and nothing deleted, where the server knows no such request. */
  async #deleteMany(keys: readonly string[]): Promise<boolean> {
    const command = new DeleteObjectsCommand({
      Bucket: this.#bucket,
      Delete: { Objects: keys.map((key) => ({ Key: key })), Quiet: true },
    });
    const what = `delete ${String(keys[0])} and ${keys.length - 1} others`;
    return this.#request(what, 0, async ({ signal: abortSignal }) => {
      try {
        const { Errors: errors = [] } = await this.#client.send(command, { abortSignal });
        const failed = errors.filter(({ Code: code }) => code !== 'NoSuchKey');
        if (failed.length > 0) throw notDeleted(failed);
        return true;
      } catch (error) {
        if (isAnswer(error, 501) || isAnswer(error, 405)) return false;
        throw error;
      }
    });
  }

  async #request<T>(what: string, length: number, send: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.#timeout);
    deadline.extend(length);
    try {
      return await send(deadline);
    } catch (error) {
      throw failure(`${this.url}: ${what}`, error, deadline.signal.aborted ? deadline.timeout : undefined);
    } finally {
      deadline.clear();
    }
  }
}

/** When a request is given up: later where there are more bytes to send or to receive. */
class Deadline {
  readonly #start = performance.now();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout in milliseconds. */
  constructor(public timeout: number) {
    this.#set();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Gives a millisecond more for each kilobyte. */
  extend(length: number): void {
    this.timeout += Math.ceil(length / 1_000);
    this.#set();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #set(): void {
    this.clear();
    const left = Math.max(0, this.#start + this.timeout - performance.now());
    this.#timer = setTimeout(() => {
      this.#abort.abort();
    }, left);
  }
}

/** Up to the bound: the SDK would hold all of an answer that is no object. */
async function* beginningOf(body: Readable, longest: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > longest) return;
    yield chunk;
  }
}

/** An answer that is none to what was asked, or is not whole. */
class AnswerError extends Error {
  constructor(
    message: string,
    readonly code: 'refused' | 'interrupted' | 'busy',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The bytes of an object in an answer that `part` asks for. `isRange`: the request asked for no others. */
async function objectIn(
  { Body, ContentRange: range, ContentLength: length, ETag: etag }: GetObjectCommandOutput,
  part: Range,
  isRange: boolean,
): Promise<ObjectRange> {
  const body = Body as Readable | undefined;
  try {
    if (body === undefined || etag === undefined)
      throw new AnswerError('the answer has no body, or no ETag', 'refused');
    const [, begin = '0', total] = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(range ?? '') ?? [];
    if (Number(begin) !== part.start || (range !== undefined && total === undefined)) {
      throw new AnswerError(
        `the answer is of ${range ?? 'all'}, and not of the range that was asked for`,
        'refused',
      );
    }
    const tag = etag.replace(/^"(.*)"$/, '$1');
    const said = range === undefined ? length : Number(total);
    if (!isRange && said !== undefined && said > part.end)
      return { bytes: new Uint8Array(0), size: said, etag: tag };
    const { bytes, hasMore } = await collect(body, part.end - part.start);
    // A server without ranges answers with all, of which the beginning is enough.
    if (hasMore && range !== undefined)
      throw new AnswerError(`the answer is over ${part.end - part.start} bytes`, 'refused');
    const size = said ?? (hasMore && isRange ? undefined : bytes.length + Number(hasMore));
    if (size === undefined)
      throw new AnswerError('the answer does not say how long the object is', 'refused');
    if (bytes.length < Math.min(part.end, size) - part.start)
      throw new AnswerError(`the answer has only ${bytes.length} bytes`, 'refused');
    return { bytes, size, etag: tag };
  } finally {
    // Its connection would be kept for the rest.
    body?.destroy();
  }
}

/** The first `maxLength` bytes of a body, and whether there are more, which are left. */
async function collect(body: Readable, maxLength: number): Promise<{ bytes: Uint8Array; hasMore: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxLength) break;
    }
  } catch (error) {
    throw new AnswerError(messageOf(error), 'interrupted', { cause: error });
  }
  return { bytes: Buffer.concat(chunks, Math.min(length, maxLength)), hasMore: length > maxLength };
}

/** What a request to delete many was answered with, whose own status says that all is well. */
function notDeleted(errors: readonly S3Error[]): AnswerError {
  const [{ Key: key = '?', Code: code = '?', Message: message = '' } = {}] = errors;
  const others = errors.length > 1 ? ` and ${errors.length - 1} others` : '';
  const isBusy = ['InternalError', 'SlowDown', 'ServiceUnavailable'].includes(code);
  return new AnswerError(
    `the server does not delete ${key}${others}: ${code}: ${message}`,
    isBusy ? 'busy' : 'refused',
  );
}

/** Whether S3 itself has answered so: the page of a proxy says nothing of an object. */
function isAnswer(error: unknown, status: number): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;
}

function hasName(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** The status of an answer that is an error, also where the SDK can make nothing of it. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as S3ServiceException['$metadata']).httpStatusCode;
}

/** What can be done about an answer, by its name. */
const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'make the bucket, or give its right name',
  PermanentRedirect: "give the bucket's region (--s3-region)",
  AuthorizationHeaderMalformed: "give the bucket's region (--s3-region)",
  InvalidAccessKeyId: 'give the right credentials',
  SignatureDoesNotMatch: 'give the right credentials',
  RequestTimeTooSkewed: "set this machine's clock right",
};

/** Statuses that say: later. */
const BUSY = new Set([408, 409, 425, 429]);

/** What a request failed of; `timeout` is how long it had, where that was over, in milliseconds. */
function failure(what: string, error: unknown, timeout: number | undefined): Error {
  const options = { cause: error };
  if (timeout !== undefined)
    return new UnreachableError(`${what}: no whole answer within ${timeout / 1000} s`, 'timeout', options);
  const message = messageOf(error);
  if (error instanceof ConfigurationError) return new ConfigurationError(`${what}: ${message}`, options);
  if (error instanceof AnswerError) return new UnreachableError(`${what}: ${message}`, error.code, options);
  const status = statusOf(error);
  if (status !== undefined) {
    const advice = error instanceof Error ? ADVICE[error.name] : undefined;
    const said =
      error instanceof S3ServiceException
        ? `${error.name}: ${advice === undefined ? message : `${message.replace(/\.$/, '')}: ${advice}`}`
        : 'with what is no error of S3';
    return new UnreachableError(
      `${what}: the server answers ${status} ${said}`,
      status >= 500 || BUSY.has(status) ? 'busy' : 'refused',
      options,
    );
  }
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    return new ConfigurationError(
      `${what}: there are no credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role), and a public bucket is read by its https:// address: ${message}`,
      options,
    );
  }
  if (/^Region (?:is missing|not accepted)/.test(message))
    return new ConfigurationError(`${what}: give the region, by --s3-region or AWS_REGION`, options);
  // Few have a name of their own for each bucket.
  const hint = message.includes('ENOTFOUND') ? ' (is --s3-path-style missing?)' : '';
  return new UnreachableError(`${what}: ${message}${hint}`, 'unreachable', options);
}
