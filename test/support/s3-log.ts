/**
 * A log under test whose store is a real bucket, behind a proxy that can fail each call.
 * @module
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { UnavailableError } from '#src/errors.js';
import { S3Store } from '#src/store/s3.js';
import type { NewEntry } from '#writer/batch.js';
import type { Staging } from '#writer/staging/staging.js';
import type { PublishedPlace, Writer } from '#writer/writer.js';
import type { S3Server } from './s3-server.js';
import { S3Proxy, type Call, type Fault } from './faulty-s3.js';
import { TestLog, type Opened } from './test-log.js';

/** Time limit for a busy machine, in milliseconds. */
const PATIENT = 30_000;

/** A bucket in which each log has a prefix of its own. */
export class S3Logs {
  readonly #server: S3Server;
  readonly #bucket: string;
  readonly #client: S3Client;

  private constructor(server: S3Server, bucket: string) {
    this.#server = server;
    this.#bucket = bucket;
    // The S3 store finds its credentials in the environment, as the SDK does.
    Object.assign(process.env, server.environment);
    this.#client = new S3Client({ endpoint: server.endpoint, forcePathStyle: true });
  }

  static async on(server: S3Server): Promise<S3Logs> {
    return new S3Logs(server, await server.newBucket());
  }

  /**
   * A log in the bucket: a copy of `base`, or one that is not made yet.
   * @param timeout how long the log's writer waits for an answer, in milliseconds.
   */
  async log(
    base: TestLog | undefined,
    fault?: (call: Call) => Fault | undefined,
    timeout = PATIENT,
  ): Promise<S3Log> {
    const log = base?.clone() ?? new TestLog();
    const place = { bucket: this.#bucket, prefix: `${randomUUID()}/` };
    await Promise.all(
      log.store.paths().map((path) => this.#put(place.prefix + path, log.store.peek(path) ?? '')),
    );
    const proxy = await S3Proxy.start(this.#server.endpoint, {
      ...place,
      taken: log.store,
      ...(fault === undefined ? {} : { fault }),
    });
    const store = new S3Store(place, { endpoint: proxy.url, pathStyle: true, timeout });
    return new S3Log(log, proxy, store, () => this.#list(place.prefix));
  }

  close(): void {
    this.#client.destroy();
  }

  #put(key: string, bytes: Uint8Array | string): Promise<unknown> {
    return this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes }));
  }

  /** The MD5 of each object below a prefix, by path. It is the tag of an object that was put in one part. */
  async #list(prefix: string): Promise<Map<string, string>> {
    const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix });
    const { Contents: contents = [] } = await this.#client.send(command);
    return new Map(
      contents.map(({ Key: key = '', ETag: tag = '' }) => [
        key.slice(prefix.length),
        tag.replaceAll('"', ''),
      ]),
    );
  }
}

export class S3Log {
  readonly log: TestLog;
  readonly proxy: S3Proxy;
  readonly store: S3Store;
  readonly #list: () => Promise<Map<string, string>>;

  constructor(log: TestLog, proxy: S3Proxy, store: S3Store, list: () => Promise<Map<string, string>>) {
    this.log = log;
    this.proxy = proxy;
    this.store = store;
    this.#list = list;
  }

  /** Starts a writer. @param staging to use in place of the log's. */
  open(staging?: Staging): Promise<Opened> {
    return this.log.open({}, { store: this.store, ...(staging === undefined ? {} : { staging }) });
  }

  /** Starts a writer, and requires that it starts. */
  async reopen(staging?: Staging): Promise<Writer> {
    const opened = await this.open(staging);
    if (opened.state === 'failed') throw opened.error;
    assert.equal(opened.state, 'open');
    return opened.writer;
  }

  /** Submits entries as clients do, and again after each 503. Every entry must be acknowledged. */
  submitAll(writer: Writer, all: readonly NewEntry[]): Promise<PublishedPlace[]> {
    const submit = async (entry: NewEntry): Promise<PublishedPlace> => {
      for (;;) {
        try {
          return await this.log.submit(writer, entry);
        } catch (error) {
          if (!(error instanceof UnavailableError) || error.message.includes('the log has stopped'))
            throw error;
        }
      }
    };
    return Promise.all(all.map(submit));
  }

  /** Requires that the whole history is right, and that the bucket holds exactly its outcome. */
  async check(): Promise<void> {
    await this.proxy.idle();
    this.log.check();
    const { store } = this.log;
    const md5 = (path: string) =>
      createHash('md5')
        .update(store.peek(path) ?? '')
        .digest('hex');
    assert.deepEqual(await this.#list(), new Map(store.paths().map((path) => [path, md5(path)])));
    for (const { kind, name } of this.proxy.calls)
      assert.notEqual(kind, 'other', `${name}: no log sends that`);
    // A claim may outlive its batch: it does no harm once the checkpoint has passed it.
    for (const size of this.log.claims()) assert.ok(size < this.log.history.log.size);
  }

  async stop(): Promise<void> {
    this.store.close();
    await this.proxy.stop();
  }
}
