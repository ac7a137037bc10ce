/**
 * A server must prove what the log rests on before the log goes there: each server here lacks one thing.
 */
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { StartRefusedError, UnreachableError } from '#src/errors.js';
import { S3Store } from '#src/store/s3.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { s3Error, startS3Proxy, type S3Fault } from '../../support/s3-recorder.js';
import { keysIn } from '../../support/s3-server.js';
import { describeWithS3 } from '../../support/with-s3.js';

const OK = { status: 200, headers: { etag: '"0"' }, body: new Uint8Array(0) };
const FAILED = s3Error(412, 'PreconditionFailed');

/** What a server does that cannot hold a log, and what is said of it. Each is made anew, for it may count. */
const UNFIT: Readonly<Record<string, readonly [() => S3Fault, RegExp]>> = {
  'ignores If-None-Match': [
    () =>
      ({ method, headers }, { put }) =>
        method === 'PUT' && headers['if-none-match'] !== undefined ? put({}) : undefined,
    /If-None-Match: \* replaces an object that is there/,
  ],
  'ignores If-Match': [
    () =>
      ({ method, headers }, { put }) =>
        method === 'PUT' && headers['if-match'] !== undefined ? put({}) : undefined,
    /If-Match with a stale tag replaces the object/,
  ],
  'refuses every If-Match': [
    () =>
      ({ headers }) =>
        headers['if-match'] === undefined ? undefined : FAILED,
    /If-Match with the right tag is refused/,
  ],
  'refuses every If-None-Match': [
    () =>
      ({ headers }) =>
        headers['if-none-match'] === undefined ? undefined : FAILED,
    /If-None-Match: \* is refused where there is no object/,
  ],
  'has an object of every name': [
    () =>
      ({ method }) =>
        method === 'GET' ? { ...OK, body: encodeText('1') } : undefined,
    /an object is there before it is made/,
  ],
  'keeps nothing': [
    () =>
      ({ method }) =>
        method === 'PUT' ? OK : undefined,
    /an object does not hold the bytes that were written to it/,
  ],
  'keeps other bytes': [
    () =>
      async ({ method }, { pass }) => {
        const answer = await pass();
        return method === 'GET' && answer.status === 200 ? { ...answer, body: encodeText('x') } : answer;
      },
    /an object does not hold the bytes that were written to it/,
  ],
  'says that it swaps, and does not': [
    () => {
      let swaps = 0;
      return ({ headers }) => {
        if (headers['if-match'] === undefined) return undefined;
        return swaps++ === 0 ? OK : FAILED;
      };
    },
    /a swap is reported that was not done/,
  ],
};

describeWithS3('a server', (server) => {
  let bucket: string;

  beforeAll(async () => {
    bucket = await server.newBucket();
  });

  /** A store behind a fault, below a prefix of its own. */
  async function withStore<T>(
    fault: S3Fault,
    use: (store: S3Store, prefix: string) => Promise<T>,
  ): Promise<T> {
    const proxy = await startS3Proxy(server, fault);
    const prefix = `${randomUUID()}/`;
    const store = new S3Store({ bucket, prefix }, { endpoint: proxy.endpoint, pathStyle: true });
    try {
      return await use(store, prefix);
    } finally {
      store.close();
      await proxy.close();
    }
  }

  it('that does all that is needed passes, any number of times at once, and nothing is left', () =>
    withStore(
      () => undefined,
      async (store, prefix) => {
        await Promise.all([store.probe(), store.probe(), store.probe(), store.probe()]);
        await store.probe();
        expect(await keysIn(server.client, bucket, prefix)).toStrictEqual([]);
      },
    ));

  it.each(Object.entries(UNFIT))('that %s is refused', (_, [fault, reason]) =>
    withStore(fault(), async (store, prefix) => {
      const refusal = store.probe();
      await expect(refusal).rejects.toThrow(StartRefusedError);
      await expect(refusal).rejects.toThrow(reason);
      await expect(refusal).rejects.toThrow(
        /^s3:\/\/stele-\S+ at http:\S+ cannot hold a log: .*\. Give --store a server that honours conditional writes$/,
      );
      const left = await keysIn(server.client, bucket, prefix);
      expect(left.filter((key) => !key.startsWith(`${prefix}staging/probe-`))).toStrictEqual([]);
      expect(left.length).toBeLessThan(2);
    }),
  );

  it('that does not say what is missing is refused, with the rights that are needed', () =>
    withStore(
      async (_, { pass }) => {
        const answer = await pass();
        return answer.status === 404 ? s3Error(403, 'AccessDenied', 'Access Denied') : answer;
      },
      async (store) => {
        const refusal = store.probe();
        await expect(refusal).rejects.toThrow(StartRefusedError);
        await expect(refusal).rejects.toThrow(
          /^the store does not say whether an object is there: s3:\S+ at \S+: get \S+: the server answers 403 AccessDenied: Access Denied\. The writer needs the right to read objects, and to list the bucket, without which S3 denies what is only missing \(s3:GetObject, s3:ListBucket\)$/,
        );
      },
    ));

  it('that fails meanwhile is not judged', () =>
    withStore(
      ({ headers }) =>
        headers['if-match'] === undefined ? undefined : s3Error(503, 'SlowDown', 'Please reduce your rate'),
      async (store) => {
        const failure = store.probe();
        await expect(failure).rejects.toThrow(UnreachableError);
        await expect(failure).rejects.toMatchObject({ code: 'busy' });
      },
    ));

  it('that wants If-Match without quotes gets it so from then on', async () => {
    const conditions: string[] = [];
    const fault: S3Fault = async ({ headers }, { put }) => {
      const { 'if-match': condition } = headers;
      if (condition === undefined) return undefined;
      conditions.push(condition);
      if (condition.startsWith('"')) return FAILED;
      try {
        return await put({ IfMatch: `"${condition}"` });
      } catch {
        return FAILED;
      }
    };
    await withStore(fault, async (store, prefix) => {
      await store.probe();
      expect(conditions.map((condition) => condition.startsWith('"'))).toStrictEqual([true, false, false]);
      await store.create('checkpoint', encodeText('a'));
      const { etag } = (await store.read('checkpoint')) ?? {};
      expect(await store.replace('checkpoint', encodeText('b'), etag)).toBe(true);
      expect(await store.replace('checkpoint', encodeText('c'), etag)).toBe(false);
      expect((await store.read('checkpoint'))?.bytes).toStrictEqual(Buffer.from('b'));
      expect(await keysIn(server.client, bucket, prefix)).toStrictEqual([`${prefix}checkpoint`]);
    });
  });
});
