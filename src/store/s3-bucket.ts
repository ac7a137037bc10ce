/**
 * A bucket by the AWS SDK: one request a call, bounded in size and time, its failures told apart. Whoever calls tries
 * again: a write that the SDK repeated by itself might meet its own first try, and look refused.
 * @module
 */
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ConfigurationError, messageOf, UnreachableError } from '../errors.js';
import type { S3Options } from './s3-place.js';

/** How a connection to the server may take, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;

/** The longest object that is read, in bytes: no claim is longer. */
const MAX_LENGTH = 2 ** 30;

/** An object, and its entity tag without the quotes. */
export interface BucketObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** What a write demands of what is there: nothing, or just what has this tag. */
export type Condition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

export interface BucketHeaders {
  readonly contentType: string;
  readonly cacheControl: string;
  readonly contentEncoding?: string;
}

export class S3Bucket {
  /** For messages: where the bucket is. */
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #timeout: number;

  constructor(bucket: string, { endpoint, region, pathStyle, timeout = 30_000 }: S3Options) {
    this.url = endpoint === undefined ? `s3://${bucket}` : `s3://${bucket} at ${endpoint}`;
    this.#bucket = bucket;
    this.#timeout = timeout;
    // An empty variable is none.
    const here = region ?? (endpoint === undefined ? undefined : process.env['AWS_REGION'] || 'us-east-1');
    this.#client = new S3Client({
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECTION_TIMEOUT },
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
  }

  /** Writes an object where the condition holds. False, and nothing changed, where it does not. */
  async put(key: string, bytes: Uint8Array, condition: Condition, headers: BucketHeaders): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: bytes,
      ContentType: headers.contentType,
      CacheControl: headers.cacheControl,
      ContentEncoding: headers.contentEncoding,
      ...('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch }),
    });
    return this.#request(`put ${key}`, bytes.length, async (abortSignal) => {
      try {
        await this.#client.send(command, { abortSignal });
        return true;
      } catch (error) {
        // What should be replaced is gone: 404 on AWS, 412 elsewhere.
        const isGone = 'ifMatch' in condition && hasName(error, 'NoSuchKey');
        if (isGone || statusOf(error) === 412) return false;
        throw error;
      }
    });
  }

  /** The object, or undefined where there is none. */
  get(key: string): Promise<BucketObject | undefined> {
    return this.#get(key, undefined);
  }

  /** Bytes [start, end) of the object, or undefined where there is none; fewer where it is shorter. */
  async getRange(key: string, start: number, end: number): Promise<Uint8Array | undefined> {
    return (await this.#get(key, { start, end: Math.max(end, start + 1) }))?.bytes.subarray(0, end - start);
  }

  /** Deletes the object, if there is one. */
  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#request(`delete ${key}`, 0, async (abortSignal) => {
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

  #get(key: string, range: { start: number; end: number } | undefined): Promise<BucketObject | undefined> {
    const maxLength = range === undefined ? MAX_LENGTH : range.end - range.start;
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
    });
    return this.#request(`get ${key}`, maxLength === MAX_LENGTH ? 0 : maxLength, async (abortSignal) => {
      try {
        const {
          Body: body,
          ContentRange: part,
          ETag: etag,
        } = await this.#client.send(command, { abortSignal });
        if (body === undefined || etag === undefined) throw new Error('the answer has no body, or no ETag');
        if (range !== undefined && range.start > 0 && part === undefined)
          throw new Error('the answer is of all, and not of the range that was asked for');
        return { bytes: await collect(body as Readable, maxLength), etag: etag.replace(/^"(.*)"$/, '$1') };
      } catch (error) {
        if (hasName(error, 'NoSuchKey')) return undefined;
        // The range begins behind the object's end.
        if (statusOf(error) === 416) return { bytes: new Uint8Array(), etag: '' };
        throw error;
      }
    });
  }

  async #request<T>(what: string, length: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeout = this.#timeout + Math.ceil(length / 1_000);
    const signal = AbortSignal.timeout(timeout);
    try {
      return await send(signal);
    } catch (error) {
      throw failure(`${this.url}: ${what}`, error, signal.aborted ? timeout : undefined);
    }
  }
}

async function collect(body: Readable, maxLength: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxLength) throw new Error(`the answer is over ${maxLength} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function hasName(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** Statuses that say: later. */
const BUSY = new Set([408, 409, 425, 429]);

/** What a request failed of; `timeout` is how long it had, where that was over, in milliseconds. */
function failure(what: string, error: unknown, timeout: number | undefined): Error {
  const options = { cause: error };
  if (timeout !== undefined)
    return new UnreachableError(`${what}: no whole answer within ${timeout / 1000} s`, 'timeout', options);
  const message = messageOf(error);
  const status = statusOf(error);
  if (error instanceof S3ServiceException && status !== undefined) {
    const code = status >= 500 || BUSY.has(status) ? 'busy' : 'refused';
    return new UnreachableError(
      `${what}: the server answers ${status} ${error.name}: ${message}`,
      code,
      options,
    );
  }
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    return new ConfigurationError(
      `${what}: there are no credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role): ${message}`,
      options,
    );
  }
  if (message.startsWith('Region is missing'))
    return new ConfigurationError(`${what}: give the region, by --s3-region or AWS_REGION`, options);
  return new UnreachableError(`${what}: ${message}`, 'unreachable', options);
}
