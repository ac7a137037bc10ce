/**
 * The store in a bucket, on a real server: what every store does, and what readers of the bucket get.
 */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { beforeAll, expect, it } from 'vitest';
import { S3Store } from '#src/store/s3.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { headersOf, parsePath } from '#tiles-spec/index.js';
import { keysIn, publishBucket } from '../../support/s3-server.js';
import { describeStore } from '../../support/store-contract.js';
import { describeWithS3 } from '../../support/with-s3.js';

describeWithS3('a log in a bucket', (server) => {
  let bucket: string;

  beforeAll(async () => {
    bucket = await server.newBucket();
  });

  const options = () => ({ endpoint: server.endpoint, pathStyle: true });

  /** A store below a prefix that nobody used before. */
  async function withStore<T>(use: (store: S3Store, prefix: string) => Promise<T>): Promise<T> {
    const prefix = `logs/${randomUUID()}/`;
    const store = new S3Store({ bucket, prefix }, options());
    try {
      return await use(store, prefix);
    } finally {
      store.close();
    }
  }

  describeStore('S3Store', {
    withStore: (use) =>
      withStore(async (store, prefix) => {
        const other = new S3Store({ bucket, prefix }, options());
        const stored = async () =>
          (await keysIn(server.client, bucket, prefix)).map((key) => key.slice(prefix.length));
        await use({ store, other, stored });
        other.close();
      }),
    racers: 8,
    isShared: true,
  });

  it('is apart from others in the bucket, also from one without a prefix', () =>
    withStore(async (store, prefix) => {
      const root = new S3Store({ bucket: await server.newBucket(), prefix: '' }, options());
      expect(await root.create('checkpoint', encodeText('root'))).toBe(true);
      expect((await root.read('checkpoint'))?.bytes).toStrictEqual(Buffer.from('root'));
      root.close();
      expect(await store.create('checkpoint', encodeText('one'))).toBe(true);
      await withStore(async (other) => {
        expect(await other.read('checkpoint')).toBeUndefined();
        expect(await other.create('checkpoint', encodeText('another'))).toBe(true);
      });
      expect(await keysIn(server.client, bucket, prefix)).toStrictEqual([`${prefix}checkpoint`]);
      expect((await store.read('checkpoint'))?.bytes).toStrictEqual(Buffer.from('one'));
    }));

  it.each([
    ...['checkpoint', 'trusted_root.json', 'signing_config.json', 'staging/12', 'tile/times/000'],
    ...['tile/0/000', 'tile/1/x001/234.p/5', 'tile/entries/000', 'tile/entries/x001/234.p/5'],
  ])('shows %s to whoever may read the bucket with the headers that it should have', (path) =>
    withStore(async (store, prefix) => {
      const url = await publishBucket(server, bucket);
      const first = gzipSync('first');
      expect(await store.create(path, first)).toBe(true);
      for (const bytes of [first, gzipSync('second')]) {
        const object = await store.read(path);
        if (bytes !== first) expect(await store.replace(path, bytes, object?.etag)).toBe(true);
        // Nothing decodes here.
        const answer = await request(`${url}/${prefix}${path}`);
        const { contentType, cacheControl, contentEncoding } = headersOf(parsePath(path));
        expect(answer.statusCode).toBe(200);
        expect(answer.headers['content-type']).toBe(contentType);
        expect(answer.headers['cache-control']).toBe(cacheControl);
        expect(answer.headers['content-encoding']).toBe(contentEncoding);
        expect(Buffer.from(await answer.body.arrayBuffer()).equals(bytes)).toBe(true);
      }
    }),
  );
});
