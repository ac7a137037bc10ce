/**
 * An object store in a bucket of S3, or of a server that speaks its protocol and honours conditional writes. It needs
 * no owner: any number of writers may use it, since each claim has one winner.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { encodeText } from '../../tiles-spec/bytes.js';
import { equalBytes, headersOf, maxLengthOf, parsePath } from '../../tiles-spec/index.js';
import { StartRefusedError, UnreachableError } from '../errors.js';
import { S3Bucket } from './s3-bucket.js';
import type { S3Options, S3Place } from './s3-place.js';
import {
  ObjectTooLongError,
  type ObjectRange,
  type ObjectStat,
  type ObjectStore,
  type StoreObject,
} from './store.js';

/** Bytes of the objects that the probe writes. */
const PROBE_LENGTH = 1;

export class S3Store implements ObjectStore {
  readonly #bucket: S3Bucket;
  readonly #prefix: string;
  /** The quotes around the tag in `If-Match`. Ceph takes them for part of the tag: for it, `probe` empties this. */
  #quote = '"';

  constructor({ bucket, prefix }: S3Place, options: S3Options = {}) {
    this.#bucket = new S3Bucket(bucket, options);
    this.#prefix = prefix;
  }

  create(path: string, bytes: Uint8Array): Promise<boolean> {
    return this.replace(path, bytes, undefined);
  }

  stat(path: string): Promise<ObjectStat | undefined> {
    // Not HEAD: its answer has no body, so that a missing bucket looks like a missing object.
    return this.readRange(path, 0, 1);
  }

  async read(path: string): Promise<StoreObject | undefined> {
    const maxLength = maxLengthOf(parsePath(path));
    const object = await this.#bucket.get(this.#key(path), maxLength);
    if (object !== undefined && object.size > maxLength) throw new ObjectTooLongError(path);
    return object && { bytes: object.bytes, etag: object.etag };
  }

  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    return this.#bucket.getRange(this.#key(path), start, end);
  }

  async replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    const name = parsePath(path);
    return this.#put(this.#key(path), bytes, etag, headersOf(name));
  }

  async delete(paths: readonly string[]): Promise<void> {
    await this.#bucket.delete(paths.map((path) => this.#key(path)));
  }

  /** The time by the server's clock, from its last answer, in Unix milliseconds; undefined before the first answer. */
  get time(): number | undefined {
    return this.#bucket.time;
  }

  close(): void {
    this.#bucket.close();
  }

  /**
   * Checks that the server keeps the promises that the log rests on: that only one of two creates or swaps of an object
   * succeeds, and that a missing object is reported as missing. Where a check fails, an object below `staging/` may
   * stay. Costs at most nine requests.
   * @throws StartRefusedError naming the promise that the server breaks; UnreachableError.
   */
  async probe(): Promise<void> {
    const key = `${this.#prefix}staging/probe-${randomUUID()}`;
    const [first, second, third] = ['1', '2', '3'].map(encodeText) as [Uint8Array, Uint8Array, Uint8Array];
    if ((await this.#probeRead(key)) !== undefined) throw this.#unfit('an object is there before it is made');
    if (!(await this.#probePut(key, first, undefined)))
      throw this.#unfit('If-None-Match: * is refused where there is no object');
    const made = await this.#probeRead(key);
    if (made === undefined || !equalBytes(made.bytes, first))
      throw this.#unfit('an object does not hold the bytes that were written to it');
    if (await this.#probePut(key, second, undefined))
      throw this.#unfit('If-None-Match: * replaces an object that is there');
    if (!(await this.#probePut(key, second, made.etag))) {
      this.#quote = '';
      if (!(await this.#probePut(key, second, made.etag)))
        throw this.#unfit('If-Match with the right tag is refused');
    }
    if (await this.#probePut(key, third, made.etag))
      throw this.#unfit('If-Match with a stale tag replaces the object');
    const swapped = await this.#probeRead(key);
    if (swapped === undefined || !equalBytes(swapped.bytes, second))
      throw this.#unfit('a swap is reported that was not done');
    await this.#bucket.delete([key]);
  }

  #probePut(key: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    return this.#put(key, bytes, etag, headersOf({ kind: 'claim', size: 0 }));
  }

  async #probeRead(key: string): Promise<StoreObject | undefined> {
    try {
      return await this.#bucket.get(key, PROBE_LENGTH);
    } catch (error) {
      const isDenied = error instanceof UnreachableError && nameOf(error.cause) === 'AccessDenied';
      if (!isDenied) throw error;
      throw new StartRefusedError(
        `the store does not say whether an object is there: ${error.message}. The writer needs the right to read objects, and to list the bucket, without which S3 denies what is only missing (s3:GetObject, s3:ListBucket)`,
      );
    }
  }

  #unfit(what: string): StartRefusedError {
    return new StartRefusedError(
      `${this.#bucket.url} cannot hold a log: ${what}. Give --store a server that honours conditional writes`,
    );
  }

  #put(
    key: string,
    bytes: Uint8Array,
    etag: string | undefined,
    headers: ReturnType<typeof headersOf>,
  ): Promise<boolean> {
    const condition =
      etag === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: `${this.#quote}${etag}${this.#quote}` };
    return this.#bucket.put(key, bytes, condition, headers);
  }

  /** The key of an object. @throws FormatError for any other path: no object outside the log is ever touched. */
  #key(path: string): string {
    parsePath(path);
    return this.#prefix + path;
  }
}

/** The name of an S3 error. */
function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}
