/**
 * A bucket by the AWS SDK: one request a call, bounded in size and time, its failures told apart. Whoever calls tries
 * again: a write that the SDK repeated by itself might meet its own first try, and look refused.
 * @module
 */
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { ConfigurationError, messageOf, UnreachableError } from '../errors.js';
import type { ObjectHeaders } from '../../tiles-spec/index.js';
import type { S3Options } from './s3-place.js';
import type { StoreObject } from './store.js';

/** How long a connection to the server may take, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;

/** The longest answer that is no object, in bytes: an error's text, or what a write is answered with. */
const MAX_ANSWER = 2 ** 16;

/** The longest object that is read, in bytes: no claim is longer. */
const MAX_LENGTH = 2 ** 30;

/** What a write demands of what is there: nothing, or just what has this tag. */
export type Condition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

/** Bytes [start, end), at least one. */
interface Range {
  readonly start: number;
  readonly end: number;
}

export class S3Bucket {
  /** For messages: where the bucket is. */
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #timeout: number;

  constructor(
    bucket: string,
    { endpoint, region, pathStyle, timeout = 30_000, connections = 50 }: S3Options,
  ) {
    this.url = endpoint === undefined ? `s3://${bucket}` : `s3://${bucket} at ${endpoint}`;
    this.#bucket = bucket;
    this.#timeout = timeout;
    // An empty variable is none.
    const here = region ?? (endpoint === undefined ? undefined : process.env['AWS_REGION'] || 'us-east-1');
    this.#client = new S3Client({
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT,
        httpAgent: { maxSockets: connections },
        httpsAgent: { maxSockets: connections },
      },
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
        const response = result.response as { statusCode: number; body?: Readable };
        const isObject = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
        if (response.body !== undefined && !isObject)
          response.body = Readable.from(beginningOf(response.body));
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
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

  /** The object, or undefined where there is none. */
  get(key: string): Promise<StoreObject | undefined> {
    return this.#get(key, undefined);
  }

  /** Bytes [start, end) of the object, or undefined where there is none; fewer where it is shorter. */
  async getRange(key: string, start: number, end: number): Promise<Uint8Array | undefined> {
    return (await this.#get(key, { start, end: Math.max(end, start + 1) }))?.bytes.subarray(0, end - start);
  }

  /** Deletes the object, if there is one. */
  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#request(`delete ${key}`, 0, async ({ signal: abortSignal }) => {
      try {
        await this.#client.send(command, { abortSignal });
      } catch (error) {
        if (!hasName(error, 'NoSuchKey')) throw error;
      }
    });
  }

  /** Ends idle connections. */
  close(): void {
    this.#client.destroy();
  }

  #get(key: string, range: Range | undefined): Promise<StoreObject | undefined> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
    });
    return this.#request(`get ${key}`, 0, async (deadline) => {
      try {
        const answer = await this.#client.send(command, { abortSignal: deadline.signal });
        const wanted = range === undefined ? MAX_LENGTH : range.end - range.start;
        deadline.extend(Math.min(answer.ContentLength ?? 0, wanted));
        return await objectIn(answer, range);
      } catch (error) {
        if (hasName(error, 'NoSuchKey')) return undefined;
        // The range begins behind the object's end.
        if (isAnswer(error, 416)) return { bytes: new Uint8Array(), etag: '' };
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
async function* beginningOf(body: Readable): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER) return;
    yield chunk;
  }
}

/** An answer that is none to what was asked, or is not whole. */
class AnswerError extends Error {
  constructor(
    message: string,
    readonly code: 'refused' | 'interrupted',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The object in an answer, or the part of it that was asked for. */
async function objectIn(
  { Body, ContentRange: part, ETag: etag }: GetObjectCommandOutput,
  range: Range | undefined,
): Promise<StoreObject> {
  const body = Body as Readable | undefined;
  try {
    if (body === undefined || etag === undefined)
      throw new AnswerError('the answer has no body, or no ETag', 'refused');
    const begin = part === undefined ? 0 : Number(/^bytes ([0-9]+)-/.exec(part)?.[1]);
    const { start, end } = range ?? { start: 0, end: MAX_LENGTH };
    if (begin !== start) {
      throw new AnswerError(
        `the answer is of ${part ?? 'all'}, and not of the range that was asked for`,
        'refused',
      );
    }
    // A server without ranges answers with all, of which the beginning is enough.
    const bytes = await collect(body, end - start, range !== undefined && part === undefined);
    return { bytes, etag: etag.replace(/^"(.*)"$/, '$1') };
  } finally {
    // Its connection would be kept for the rest.
    body?.destroy();
  }
}

/** At most `maxLength` bytes; where there are more, they are left, or the answer is refused. */
async function collect(body: Readable, maxLength: number, leavesMore: boolean): Promise<Uint8Array> {
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
  if (length > maxLength && !leavesMore)
    throw new AnswerError(`the answer is over ${maxLength} bytes`, 'refused');
  return Buffer.concat(chunks, Math.min(length, maxLength));
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
};

/** Statuses that say: later. */
const BUSY = new Set([408, 409, 425, 429]);

/** What a request failed of; `timeout` is how long it had, where that was over, in milliseconds. */
function failure(what: string, error: unknown, timeout: number | undefined): Error {
  const options = { cause: error };
  if (timeout !== undefined)
    return new UnreachableError(`${what}: no whole answer within ${timeout / 1000} s`, 'timeout', options);
  const message = messageOf(error);
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
