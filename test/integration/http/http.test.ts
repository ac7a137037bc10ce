/**
 * The daemon's HTTP interface as readers and operators see it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxEntryBundleLength, openCheckpoint, parseEntryBundle } from '#tiles-spec/index.js';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import { placeOf } from '../../support/log-place.js';
import { exchange, expectProblem, log, send, submit, type Answer } from '../../support/http.js';

const IMMUTABLE = 'public, max-age=604800, immutable';
const SIZE = 300;

let data: string;
let daemon: Daemon;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'stele-'));
  daemon = await startDaemon(data);
  // In two batches, so that the log has known partial tiles.
  await log(daemon.url);
  await Promise.all(Array.from({ length: SIZE - 1 }, () => log(daemon.url)));
});

afterAll(async () => {
  await daemon.stop();
  await rm(data, { recursive: true, force: true });
});

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  send(daemon.url, 'GET', path, null, headers);

/** An object as it is stored. */
async function stored(path: string): Promise<Buffer> {
  const bytes = await placeOf(data).read(path);
  if (bytes === undefined) throw new Error(`there is no ${path} in the store`);
  return bytes;
}

/** One object of each kind, with the headers that it is served with. */
const OBJECTS = [
  ['checkpoint', 'text/plain; charset=utf-8', 'no-cache', undefined],
  ['trusted_root.json', 'application/json; charset=utf-8', 'no-cache', undefined],
  ['signing_config.json', 'application/json; charset=utf-8', 'no-cache', undefined],
  ['tile/0/000', 'application/octet-stream', IMMUTABLE, undefined],
  ['tile/0/001.p/44', 'application/octet-stream', IMMUTABLE, undefined],
  ['tile/1/000.p/1', 'application/octet-stream', IMMUTABLE, undefined],
  ['tile/entries/000', 'application/octet-stream', IMMUTABLE, 'gzip'],
  ['tile/entries/001.p/44', 'application/octet-stream', IMMUTABLE, 'gzip'],
  ['tile/times/000', 'application/octet-stream', IMMUTABLE, undefined],
  ['tile/times/001.p/44', 'application/octet-stream', IMMUTABLE, undefined],
] as const;

describe.each(OBJECTS)('%s', (path, contentType, cacheControl, contentEncoding) => {
  const expectHeaders = ({ headers }: Answer) => {
    // Fastify adds the one charset that JSON has.
    expect([contentType, contentType.split(';')[0]]).toContain(headers['content-type']);
    expect(headers['cache-control']).toBe(cacheControl);
    expect(headers['content-encoding']).toBe(contentEncoding);
    expect(headers['vary']?.includes('Accept-Encoding') ?? false).toBe(contentEncoding === 'gzip');
    expect(headers['accept-ranges']).toBe('bytes');
    expect(headers['access-control-allow-origin']).toBe('*');
  };

  it('is read at / and at /api/v2/, as it is stored', async () => {
    const bytes = await stored(path);
    for (const prefix of ['/', '/api/v2/']) {
      const answer = await get(`${prefix}${path}`);
      expect(answer.status).toBe(200);
      expectHeaders(answer);
      expect(answer.headers['content-length']).toBe(String(bytes.length));
      expect(answer.body.equals(bytes)).toBe(true);
    }
    expect((await get(`/${path}?a=b`)).status).toBe(200);
  });

  it('has HEAD, with the length and without the bytes', async () => {
    const bytes = await stored(path);
    for (const prefix of ['/', '/api/v2/']) {
      for (const headers of [{}, { range: 'bytes=0-3' }]) {
        const answer = await send(daemon.url, 'HEAD', `${prefix}${path}`, null, headers);
        expect(answer.status).toBe(200);
        expectHeaders(answer);
        expect(answer.headers['content-length']).toBe(String(bytes.length));
        expect(answer.body.length).toBe(0);
      }
    }
    // On the wire, too.
    const raw = await exchange(
      daemon.url,
      `HEAD /${path} HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n`,
    );
    expect(raw.status).toBe(200);
    expect(raw.body.length).toBe(0);
  });

  it('has an ETag, by which a reader that has it is spared it', async () => {
    const { headers } = await get(`/${path}`);
    const etag = headers['etag'] ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get(`/${path}`, { 'if-none-match': tags });
      expect(answer.status, tags).toBe(304);
      expect(answer.body.length).toBe(0);
      expect(answer.headers['etag']).toBe(etag);
      expect(answer.headers['cache-control']).toBe(cacheControl);
    }
    expect((await get(`/${path}`, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('has ranges, of the bytes as they are stored', async () => {
    const bytes = await stored(path);
    const { length } = bytes;
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=0-7', 0, 8],
      ['bytes=1-', 1, length],
      ['bytes=-3', length - 3, length],
      [`bytes=${length - 1}-`, length - 1, length],
      [`bytes=2-${length + 1000}`, 2, length],
      [`bytes=-${length + 1000}`, 0, length],
    ] as const) {
      const answer = await get(`/api/v2/${path}`, { range });
      expect(answer.status, range).toBe(206);
      expectHeaders(answer);
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${length}`);
      expect(answer.headers['content-length']).toBe(String(end - start));
      expect(answer.body.equals(bytes.subarray(start, end)), range).toBe(true);
    }
    for (const range of [`bytes=${length}-`, `bytes=${length + 5}-${length + 9}`, 'bytes=-0']) {
      const answer = await get(`/${path}`, { range });
      expect(answer.status, range).toBe(416);
      expect(answer.headers['content-range']).toBe(`bytes */${length}`);
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    for (const range of [
      'bytes=',
      'bytes=a-b',
      'bytes=5-2',
      'bytes',
      '0-1',
      'lines=0-1',
      'bytes=0-1,3-4',
      'bytes=--1',
    ]) {
      const answer = await get(`/${path}`, { range });
      expect(answer.status, range).toBe(200);
      expect(answer.body.equals(bytes), range).toBe(true);
    }
    const conditional = await get(`/${path}`, { range: 'bytes=0-1', 'if-range': '"other"' });
    expect(conditional.status).toBe(200);
  });
});

describe('reads', () => {
  it('are the log: what is served verifies', async () => {
    const checkpoint = openCheckpoint((await get('/checkpoint')).body, daemon.verifier);
    expect(checkpoint.size).toBe(SIZE);
    const bundle = gunzipSync((await get('/tile/entries/001.p/44')).body, {
      maxOutputLength: maxEntryBundleLength(44),
    });
    expect(parseEntryBundle(bundle, 44)).toHaveLength(44);
  });

  it('answer browsers of any origin', async () => {
    for (const path of ['/checkpoint', '/api/v2/tile/0/000', '/tile/9/000']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await send(daemon.url, method, path, null, { origin: 'https://example.com' });
        expect(answer.headers['access-control-allow-origin']).toBe('*');
        expect(answer.headers['access-control-expose-headers']).toMatch(/content-range.*etag/i);
      }
      const preflight = await send(daemon.url, 'OPTIONS', path, null, {
        origin: 'https://example.com',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'range',
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers['access-control-allow-origin']).toBe('*');
      expect(preflight.headers['access-control-allow-methods']).toMatch(/^GET, ?HEAD, ?POST$/);
      expect(preflight.headers['access-control-allow-headers']).toBe('range');
    }
  });

  it.each([
    ...[
      'staging/0',
      'staging/300',
      'staging',
      '.lock.sqlite',
      '.lock.sqlite-journal',
      '.tmp',
      '.tmp/',
      'log.key',
    ],
    ...[
      'store/checkpoint',
      'staging.sqlite',
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      'tile/entries',
      'index/checkpoint',
    ],
    ...[
      'tile/0/..%2f',
      'tile/0/..%2f..%2flog.key',
      '..%2flog.key',
      '%2e%2e/log.key',
      '../log.key',
      './checkpoint',
    ],
    ...['tile/../checkpoint', 'tile/0/../../../log.key', 'checkpoint/'],
    ...[
      'tile/0/000/',
      'Checkpoint',
      'CHECKPOINT',
      'TILE/0/000',
      'tile/0/000.P/1',
      'tile/0/X000/000',
      'check%70oint',
    ],
    ...[
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/257',
      'tile/0/000.p/01',
      'tile/0/000.p',
      'tile/0/000.p/',
    ],
    ...[
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/00/000',
      'tile/+0/000',
      'tile/-1/000',
      'tile/0/x000/000',
    ],
    ...[
      'tile/64/000',
      'tile/0/000%00',
      'tile/0/000;a',
      'tile/0/000#a',
      'checkpoint%20',
      'tile\\0\\000',
      '%',
      '%zz',
      '%ff',
    ],
    ...[
      'tile/entries/000.gz',
      'tile/data/000',
      'tile/keys/000',
      'trusted_root',
      'signing_config.json.tmp',
      '',
    ],
    ...['tile/0/002', 'tile/0/001', 'tile/0/001.p/45', 'tile/entries/002', 'tile/1/000', 'tile/2/000.p/1'],
  ])('have nothing at %j', async (path) => {
    for (const prefix of ['/', '/api/v2/']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await exchange(
          daemon.url,
          `${method} ${prefix}${path} HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n`,
        );
        expect(answer.status).toBe(404);
        if (method === 'GET') expectProblem(answer, 404);
        expect(answer.headers['cache-control']).toBe('no-store');
        expect(answer.headers['content-encoding']).toBeUndefined();
        expect(answer.headers['etag']).toBeUndefined();
      }
    }
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'])('cannot be %s', async (method) => {
    const answer = await exchange(
      daemon.url,
      `${method} /checkpoint HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('have what was cleaned from the store no more', async () => {
    // The partial tile of the first batch is still there; the claims are not.
    expect((await get('/tile/0/000.p/1')).status).toBe(200);
    expect(await placeOf(data).read('staging/0')).toBeUndefined();
  });
});

describe('/healthz', () => {
  it('is 200 while the log verifies, 503 with the reason while it does not, and 200 again', async () => {
    const health = async () => {
      // Longer than an answer is reused.
      await sleep(1_050);
      const answer = await get('/healthz');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      return { http: answer.status, ...(JSON.parse(answer.body.toString()) as { reason?: string }) };
    };
    const [place, path] = [placeOf(data), 'tile/1/000.p/1'];
    const right = await stored(path);
    expect(await health()).toStrictEqual({ http: 200, status: 'SERVING' });

    await place.write(path, Buffer.from(right).fill(0, 5, 6));
    const damaged = await health();
    expect(damaged).toStrictEqual({
      http: 503,
      status: 'NOT_SERVING',
      code: 'damaged',
      reason: damaged.reason,
    });
    expect(damaged.reason).toMatch(/^the log in the store does not verify: ./);
    // What is in memory is right, and entries are still taken.
    expect((await submit(daemon.url, {})).status).toBe(400);

    await place.delete(path);
    expect((await health()).reason).toMatch(/the log has no tile\/1\/000/);

    await place.write(path, right);
    expect(await health()).toStrictEqual({ http: 200, status: 'SERVING' });
  });
});
