/**
 * The daemon on a bucket: where it redirects readers, its answers while the server is away, its refusals to start, and
 * that two daemons never make two histories.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fsck } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { s3Error, startS3Proxy, type S3Fault } from '../support/s3-recorder.js';
import { keysIn, publishBucket } from '../support/s3-server.js';
import { describeWithS3 } from '../support/with-s3.js';
import { expectProblem, goodRequest, log, send, submit, type Logged } from '../support/http.js';
import { expectMessage, stele } from '../support/refused-start.js';

describeWithS3('a daemon on a bucket', (server) => {
  let bucket: string;
  let url: string;

  beforeAll(async () => {
    bucket = await server.newBucket();
    url = await publishBucket(server, bucket);
  });

  /** The flags for a log below a prefix. */
  const flags = (prefix: string, endpoint = server.endpoint) => [
    ...['--store', `s3://${bucket}/${prefix}`, '--s3-endpoint', endpoint, '--s3-path-style'],
    ...['--batch-age', '50ms'],
  ];

  const start = (data: string, args: readonly string[]) => startDaemon(data, args, server.environment);

  describe('with --read-url', () => {
    let daemon: Daemon;
    let end: () => void;
    let ended: Promise<void>;

    beforeAll(async () => {
      daemon = await new Promise<Daemon>((started, failed) => {
        ended = withFolder(async (data) => {
          const daemon = await start(data, [...flags('redirected'), '--read-url', `${url}/redirected/`]);
          const over = new Promise<void>((resolve) => (end = resolve));
          started(daemon);
          await over;
          expect(await daemon.stop()).toBe(0);
        });
        ended.catch(failed);
      });
      for (let i = 0; i < 3; i++) await log(daemon.url);
    });

    afterAll(async () => {
      end();
      await ended;
    });

    it.each(['checkpoint', 'trusted_root.json', 'tile/0/000.p/3', 'tile/entries/000.p/3', 'tile/7/999'])(
      'readers of %s are sent to the bucket',
      async (path) => {
        for (const prefix of ['/', '/api/v2/']) {
          for (const method of ['GET', 'HEAD']) {
            const answer = await send(daemon.url, method, `${prefix}${path}?a=b`, null, {
              origin: 'https://a.example',
            });
            expect(answer.status).toBe(307);
            expect(answer.headers['location']).toBe(`${url}/redirected/${path}`);
            expect(answer.headers['cache-control']).toBe('no-cache');
            expect(answer.headers['access-control-allow-origin']).toBe('*');
          }
        }
      },
    );

    it.each(['staging/0', 'staging/3', 'log.key', '', 'tile/0/0', '//a.example/', '..%2fcheckpoint', 'x'])(
      'there is nothing at %j',
      async (path) => {
        for (const prefix of ['/', '/api/v2/'])
          expectProblem(await send(daemon.url, 'GET', `${prefix}${path}`), 404);
      },
    );

    it('a reader follows, and finds the log right', async () => {
      for (const place of [daemon.url, `${daemon.url}/api/v2`, `${url}/redirected`]) {
        const reader = await openLog(place, { verifierKey: daemon.verifierKey });
        const { checkpoint } = await fsck(reader);
        expect(checkpoint.size).toBeGreaterThanOrEqual(3);
      }
    });

    it('entries are taken, and the daemon is healthy', async () => {
      const { inclusionProof } = await log(daemon.url);
      expect(Number(inclusionProof.treeSize)).toBeGreaterThan(3);
      expect((await send(daemon.url, 'GET', '/healthz')).status).toBe(200);
    });
  });

  it.each<[string, S3Fault]>([
    ['asks for patience', () => s3Error(503, 'SlowDown')],
    ['failed', () => s3Error(500, 'InternalError')],
    ['took the rights away', () => s3Error(403, 'AccessDenied')],
    ['lost the bucket', () => s3Error(404, 'NoSuchBucket')],
    ['closes its connections', (_request, _real, response) => (response.destroy(), 'answered' as const)],
    ['is hidden by a page', () => ({ status: 200, body: Buffer.from('<html>') })],
  ])('says 503 to readers while the server %s, and goes on afterwards', (name, fault) =>
    withFolder(async (data) => {
      let isDown = false;
      const proxy = await startS3Proxy(server, (...request) => (isDown ? fault(...request) : undefined));
      const daemon = await start(data, flags(name.replaceAll(' ', '-'), proxy.endpoint));
      try {
        await log(daemon.url);
        isDown = true;
        for (const path of ['/checkpoint', '/api/v2/tile/0/000.p/1', '/tile/entries/009']) {
          const answer = await send(daemon.url, 'GET', path);
          expect(expectProblem(answer, 503)).toBe('the store does not answer: try again');
          expect(answer.headers['retry-after']).toMatch(/^[1-3]$/);
          expect(answer.headers['cache-control']).toBe('no-store');
        }
        const health = await send(daemon.url, 'GET', '/healthz');
        expect(health.status).toBe(503);
        // The page is public: it must not show the server's address or the bucket's name.
        expect(JSON.parse(health.body.toString())).toEqual({
          status: 'NOT_SERVING',
          code: 'unreachable',
          reason: 'the store does not answer',
        });
        expect(daemon.log()).toContain('the store does not answer');
        const waiting = log(daemon.url);
        isDown = false;
        const { logIndex } = await waiting;
        expect(logIndex).toBe('1');
        expect((await send(daemon.url, 'GET', '/tile/0/000.p/2')).status).toBe(200);
      } finally {
        expect(await daemon.stop()).toBe(0);
        await proxy.close();
      }
    }),
  );

  it('stops within its time while the server is away, and goes on where it was', () =>
    withFolder(async (data) => {
      let isDown = false;
      const proxy = await startS3Proxy(server, () => (isDown ? s3Error(503, 'SlowDown') : undefined));
      const daemon = await start(data, flags('away', proxy.endpoint));
      await log(daemon.url);
      isDown = true;
      const request = goodRequest();
      // The entry is durable in staging, and not published.
      expectProblem(await submit(daemon.url, request), 503);
      await daemon.stop('SIGKILL');
      isDown = false;
      const again = await start(data, flags('away', proxy.endpoint));
      expect((await log(again.url, request)).logIndex).toBe('1');
      expect(await again.stop()).toBe(0);
      await proxy.close();
    }));

  describe('a start is refused', () => {
    /** Runs `stele serve` where it must refuse to start. Returns the last line of output. */
    async function refused(
      data: string,
      code: number,
      args: readonly string[],
      environment = server.environment,
    ): Promise<string> {
      const ended = await stele(
        ['serve', '--data', data, '--listen', '127.0.0.1:0', '--log-level', 'silent', ...args],
        environment,
      );
      expect(ended.stdout).toBe('');
      expect(ended.code, ended.stderr).toBe(code);
      return expectMessage(ended.stderr);
    }

    it('on a server that is not there', () =>
      withFolder(async (data) => {
        expect(await refused(data, 3, flags('x', 'http://127.0.0.1:1'))).toMatch(
          /^s3:\/\/\S+ at http:\/\/127\.0\.0\.1:1: get x\/staging\/probe-\S+: connect ECONNREFUSED/,
        );
      }));

    it('on a bucket that is not there', () =>
      withFolder(async (data) => {
        const args = ['--store', 's3://no-such-bucket', ...flags('x').slice(2)];
        expect(await refused(data, 3, args)).toMatch(
          /404 NoSuchBucket: .*: make the bucket, or give its right name$/,
        );
      }));

    it('with other credentials, and with none', () =>
      withFolder(async (data) => {
        const { environment } = server;
        expect(
          await refused(data, 3, flags('x'), { ...environment, AWS_SECRET_ACCESS_KEY: 'another' }),
        ).toMatch(/answers 403 SignatureDoesNotMatch: .*: give the right credentials$/);
        expect(await refused(data, 3, flags('x'), { AWS_EC2_METADATA_DISABLED: 'true', HOME: data })).toMatch(
          /: there are no credentials \(AWS_ACCESS_KEY_ID and /,
        );
      }));

    it('on a server that does not honour conditional writes', () =>
      withFolder(async (data) => {
        const proxy = await startS3Proxy(server, ({ method, headers }, { put }) =>
          method === 'PUT' && headers['if-none-match'] !== undefined ? put({}) : undefined,
        );
        expect(await refused(data, 1, flags('unfit', proxy.endpoint))).toMatch(
          /cannot hold a log: If-None-Match: \* replaces an object that is there\. Give --store a server/,
        );
        expect(await keysIn(server.client, bucket, 'unfit/')).toHaveLength(1);
        await proxy.close();
      }));

    it('on the log of another data folder, and on one that was emptied', () =>
      withFolder(async (folder) => {
        const [data, other] = [join(folder, 'data'), join(folder, 'other')];
        const daemon = await start(data, flags('taken'));
        await log(daemon.url);
        expect(await daemon.stop()).toBe(0);
        expect(await refused(other, 1, flags('taken'))).toMatch(
          /there is no key file .*there is a log already/,
        );
        expect(await refused(data, 1, flags('empty'))).toMatch(
          /^the store is empty, and staging has 1 entry: .*--store names another place/,
        );
        const again = await start(data, flags('taken'));
        expect(await again.stop()).toBe(0);
      }));
  });

  it('of two with one key, as an operator may start them by mistake, at most one goes on, and the log has not forked', () =>
    withFolder(async (folder) => {
      const [one, two] = [join(folder, 'one'), join(folder, 'two')];
      const first = await start(one, flags('shared'));
      await log(first.url);
      expect(await first.stop()).toBe(0);
      await cp(one, two, { recursive: true });
      const daemons = [await start(one, flags('shared')), await start(two, flags('shared'))];
      const ends = daemons.map(({ process }) => new Promise((resolve) => process.once('exit', resolve)));
      const logged: Logged[] = [];
      // Submit to both until one of them has stopped.
      const work = daemons.map(async ({ url }) => {
        for (;;) {
          const answer = await submit(url, goodRequest()).catch(() => undefined);
          if (answer === undefined) return;
          if (answer.status === 201) logged.push(JSON.parse(answer.body.toString()) as Logged);
          else expect(answer.status).toBe(503);
          if (logged.length > 2_000) throw new Error('both go on');
        }
      });
      expect(await Promise.race(ends)).toBe(1);
      const loser = daemons.find(({ process }) => process.exitCode === 1);
      expect(loser?.log()).toMatch(/another writer/);
      for (const daemon of daemons) await daemon.stop();
      await Promise.all(work);

      const reader = await openLog(`${url}/shared`, { verifierKey: daemons[0]?.verifierKey ?? '' });
      const { checkpoint } = await fsck(reader);
      const indices = new Set(logged.map(({ logIndex }) => logIndex));
      expect(indices.size).toBe(logged.length);
      const { tree } = await reader.latest();
      for (const { logIndex, canonicalizedBody } of logged) {
        expect(Number(logIndex)).toBeLessThan(checkpoint.size);
        expect(Buffer.from((await tree.entry(Number(logIndex))).body).toString('base64')).toBe(
          canonicalizedBody,
        );
      }
      // A restart goes on, as the message says.
      const again = await start(loser === daemons[0] ? one : two, flags('shared'));
      expect(Number((await log(again.url)).logIndex)).toBe(checkpoint.size);
      expect(await again.stop()).toBe(0);
    }));
});
