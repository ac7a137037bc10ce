/**
 * A bucket by the AWS SDK: one request a call, bounded in size and time, its failures told apart. Trying again is left
 * to the caller: where the SDK repeats a write by itself, the second try meets the object of the first, and a write
 * that succeeded looks refused.
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
} from '@aws-sdk/client-s3';
import type { ObjectHeaders } from '../../tiles-spec/index.js';
import { deleteFailure, isS3Error, isS3Status, requestFailure } from './s3-failure.js';
import { objectIn, type ByteRange } from './s3-object.js';
import type { S3Options } from './s3-place.js';
import { s3Requests } from './s3-requests.js';
import type { ObjectRange } from './store.js';

/** How long a connection to the server may take, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;

/** The longest answer other than an object, in bytes: the text of an error, or the answer to a write. */
const MAX_ANSWER = 2 ** 16;

/** Keys in one request to delete: S3 takes no more. */
const MAX_DELETED = 1_000;

/** The longest answer to a request to delete many, in bytes: some servers name every key in it. */
const MAX_DELETE_ANSWER = 2 ** 20;

/** The outcome of a read whose first byte is behind the object's last. */
const BEHIND_THE_END = Symbol('behind the end');

/** The condition of a write: that no object has the key, or that the object there has this tag. */
export type Condition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

/** An answer as the SDK's middleware sees it. Header names are in lower case. */
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
  /** The server's time in its last answer, and this machine's uptime when that came, both in milliseconds. */
  #time: { readonly told: number; readonly at: number } | undefined;
  /** Whether to try requests that delete many objects: false once the server has refused one. */
  #deletesMany = true;

  constructor(
    bucket: string,
    { endpoint, region, pathStyle, timeout = 30_000, connections = 50, network = {} }: S3Options,
  ) {
    this.url = endpoint === undefined ? `s3://${bucket}` : `s3://${bucket} at ${endpoint}`;
    this.#bucket = bucket;
    this.#timeout = timeout;
    // `||`: an empty variable means that none is set.
    const here = region ?? (endpoint === undefined ? undefined : process.env['AWS_REGION'] || 'us-east-1');
    this.#client = new S3Client({
      maxAttempts: 1,
      // undici, which sends the requests, throws for an Expect header.
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
        // A status from 500 on may come from a proxy, which has another clock.
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

  /** The time by the server's clock, from its last answer, in Unix milliseconds; undefined before the first answer. */
  get time(): number | undefined {
    return this.#time && this.#time.told + uptime() * 1000 - this.#time.at;
  }

  #noteTime(date = ''): void {
    const told = Date.parse(date);
    if (!Number.isNaN(told)) this.#time = { told, at: uptime() * 1000 };
  }

  /**
   * Writes an object where the condition holds. False, and nothing changed, where it does not.
   * @throws UnreachableError, after which the object may be written or not; ConfigurationError.
   */
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
        // Where the object to be replaced is gone, AWS answers 404 and others 412.
        const isGone = 'ifMatch' in condition && isS3Error(error, 'NoSuchKey');
        if (isGone || isS3Status(error, 412)) return false;
        throw error;
      }
    });
  }

  /**
   * The object, or undefined where there is none. Where it is longer than `maxLength` bytes, its size and tag alone:
   * none of its bytes are read.
   * @throws UnreachableError; ConfigurationError.
   */
  get(key: string, maxLength: number): Promise<ObjectRange | undefined> {
    return this.#get(key, { start: 0, end: maxLength }, undefined);
  }

  /**
   * Bytes [start, end) of the object, or undefined where there is none; fewer where it ends before.
   * @throws as `get`.
   */
  async getRange(key: string, start: number, end: number): Promise<ObjectRange | undefined> {
    const part = { start, end: Math.max(end, start + 1) };
    const object = await this.#get(key, part, `bytes=${part.start}-${part.end - 1}`);
    return object && { ...object, bytes: object.bytes.subarray(0, Math.max(0, end - start)) };
  }

  /**
   * Deletes the objects that exist, by one request for each thousand, or one for each where the server knows no other.
   * @throws as `get`, for the first failure; any of the objects may be deleted by then.
   */
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

  async #get(
    key: string,
    part: ByteRange,
    rangeHeader: string | undefined,
  ): Promise<ObjectRange | undefined> {
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
        if (isS3Error(error, 'NoSuchKey')) return undefined;
        if (isS3Status(error, 416)) return BEHIND_THE_END;
        throw error;
      }
    });
    if (object !== BEHIND_THE_END) return object;
    // The refusal does not say the object's size and tag: read its first byte, or, where even that is behind the end
    // because the object is empty, all of it.
    const whole = part.start === 0 ? await this.get(key, 1) : await this.getRange(key, 0, 1);
    return whole && { ...whole, bytes: new Uint8Array(0) };
  }

  async #deleteOne(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#request(`delete ${key}`, 0, async ({ signal: abortSignal }) => {
      try {
        await this.#client.send(command, { abortSignal });
      } catch (error) {
        if (!isS3Error(error, 'NoSuchKey')) throw error;
      }
    });
  }

  /** False, and nothing deleted, where the server does not know the request. */
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
        if (failed.length > 0) throw deleteFailure(failed);
        return true;
      } catch (error) {
        if (isS3Status(error, 501) || isS3Status(error, 405)) return false;
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
      throw requestFailure(
        `${this.url}: ${what}`,
        error,
        deadline.signal.aborted ? deadline.timeout : undefined,
      );
    } finally {
      deadline.clear();
    }
  }
}

/** Gives a request up after a time that grows with the bytes to send and to receive. */
class Deadline {
  readonly #start = performance.now();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout milliseconds from now. */
  constructor(public timeout: number) {
    this.#set();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Adds a millisecond for each kilobyte of `length` bytes. */
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

/** The chunks of a body up to `longest` bytes: the SDK would hold the whole of an answer that is not an object. */
async function* beginningOf(body: Readable, longest: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > longest) return;
    yield chunk;
  }
}
