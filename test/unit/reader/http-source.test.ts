import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { httpSource, type HttpAnswer, type HttpGet, type HttpSourceOptions } from '#reader/index.js';
import { ConfigurationError } from '#src/errors.js';
import { FormatError } from '#tiles-spec/index.js';

const BASE = 'https://log.example/a/log';
const TILE = 'tile/0/000';

/** The pauses between tries, in milliseconds. In the tests they take no time. */
let pauses: number[];
/** The number of bodies that were cancelled unread. */
let cancelled: number;

beforeEach(() => {
  pauses = [];
  cancelled = 0;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, pause: number) => {
    pauses.push(pause);
    queueMicrotask(run);
  }) as never);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function bodyOf(...chunks: readonly (Uint8Array | Error)[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const chunk = left.shift();
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(chunk);
      },
      cancel: () => {
        cancelled++;
      },
    },
    { highWaterMark: 0 },
  );
}

function answer(status: number, rest: Partial<HttpAnswer> = {}): HttpAnswer {
  return { status, body: bodyOf(Buffer.from('body')), ...rest };
}

/** A source whose n-th GET gets the n-th answer, and further ones the last. Returns the requested URLs. */
function source(answers: readonly (HttpAnswer | Error)[], options: HttpSourceOptions = {}, base = BASE) {
  const urls: string[] = [];
  const get: HttpGet = (url) => {
    const next = answers[Math.min(urls.length, answers.length - 1)];
    urls.push(url.href);
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next as HttpAnswer);
  };
  const read = httpSource(base, { get, ...options });
  return { urls, read: (path = TILE, maxLength = 100) => read(path, maxLength) };
}

describe('the base', () => {
  it.each([
    ['https://log.example', 'https://log.example/tile/0/000'],
    ['https://log.example/', 'https://log.example/tile/0/000'],
    ['http://log.example:80/a', 'http://log.example/a/tile/0/000'],
    ['https://log.example/a/b/', 'https://log.example/a/b/tile/0/000'],
  ])('%s', async (base, url) => {
    const { urls, read } = source([answer(200)], {}, base);
    expect(await read()).toEqual(new Uint8Array(Buffer.from('body')));
    expect(urls).toEqual([url]);
  });

  it.each([
    '',
    'log.example',
    'ftp://log.example/',
    'file:///a',
    'https://log.example/?a',
    'https://u:p@log.example/',
  ])('is not %j', (base) => {
    expect(() => httpSource(base)).toThrow(ConfigurationError);
  });

  it('is never left by a path', async () => {
    const { urls, read } = source([answer(200)]);
    for (const path of ['../checkpoint', '/etc/passwd', 'https://evil.example/', 'tile/0/00', '']) {
      await expect(read(path)).rejects.toBeInstanceOf(FormatError);
    }
    expect(urls).toEqual([]);
  });
});

describe('redirects', () => {
  const to = (location: string) => answer(302, { location });

  it.each([
    ['https to https', BASE, 'https://elsewhere.example/tile'],
    ['http to https', 'http://log.example/', 'https://elsewhere.example/tile'],
    ['http to http', 'http://log.example/', 'http://elsewhere.example/tile'],
    ['to a path', BASE, '/tile'],
  ])('are followed from %s', async (_, base, location) => {
    const { urls, read } = source([to(location), answer(200)], {}, base);
    expect(await read()).toHaveLength(4);
    expect(urls[1]).toBe(new URL(location, base).href);
    expect(cancelled).toBe(1);
  });

  it.each([
    'http://log.example/tile',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    'blob:https://a/b',
  ])('are not followed from https to %s', async (location) => {
    const { urls, read } = source([to(location)]);
    await expect(read()).rejects.toMatchObject({
      name: 'UnexpectedAnswerError',
      code: 'redirect',
      path: TILE,
      message: `https://log.example/a/log/tile/0/000: redirected to ${JSON.stringify(location)}`,
    });
    expect([urls.length, cancelled, pauses]).toEqual([1, 1, []]);
  });

  it('are followed three times, and their targets are quoted short', async () => {
    const hops = [to('/1'), to('/2'), to('/3')];
    expect(await source([...hops, answer(200)]).read()).toHaveLength(4);
    await expect(source([...hops, to('/4'), answer(200)]).read()).rejects.toThrow(/\/3: over 3 redirects$/);
    const long = await source([to(`file:${'a'.repeat(10_000)}\u001b[2J`)])
      .read()
      .catch((error: unknown) => error);
    expect((long as Error).message.length).toBeLessThan(300);
    expect((long as Error).message).not.toContain('\u001b');
  });
});

describe('what is tried again', () => {
  it('is what may pass: every pause is longer than the one before', async () => {
    const { urls, read } = source([new Error('ECONNREFUSED'), answer(503), answer(429), answer(200)]);
    expect(await read()).toHaveLength(4);
    expect(urls).toHaveLength(4);
    [250, 500, 1000].forEach((least, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(least);
      expect(pauses[i]).toBeLessThan(2 * least);
    });
    expect(cancelled).toBe(2);
  });

  it.each([
    ['3', 3_000],
    ['999', 10_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    ['-1', 0],
    ['1e9', 0],
  ])('with Retry-After: %s', async (retryAfter, least) => {
    await source([answer(503, { retryAfter }), answer(200)]).read();
    expect(pauses[0]).toBeGreaterThanOrEqual(Math.max(least, 250));
    expect(pauses[0]).toBeLessThanOrEqual(Math.max(least, 500));
  });

  it('is given up after so many tries', async () => {
    const { urls, read } = source([answer(500)], { retries: 2 });
    await expect(read()).rejects.toMatchObject({ name: 'UnreachableError', code: 'busy' });
    expect(urls).toHaveLength(3);
    expect(pauses).toHaveLength(2);
  });

  it.each<[string, HttpAnswer, object]>([
    ['403', answer(403), { name: 'UnreachableError', code: 'refused' }],
    ['too long', answer(200, { body: bodyOf(new Uint8Array(101)) }), { code: 'too-large', path: TILE }],
    ['an encoding', answer(200, { contentEncoding: 'zstd' }), { code: 'encoding', path: TILE }],
    ['bad gzip', answer(200, { contentEncoding: 'gzip' }), { name: 'FormatError', path: TILE }],
  ])('is not %s', async (_, first, error) => {
    const { urls, read } = source([first, answer(200)]);
    await expect(read()).rejects.toMatchObject(error);
    expect(urls).toHaveLength(1);
  });

  it.each([404, 410])('is not %i, which says that there is nothing', async (status) => {
    expect(await source([answer(status)]).read()).toBeUndefined();
    expect(cancelled).toBe(1);
  });

  it('is a body that breaks off, and one that is late', async () => {
    const broken = () => answer(200, { body: bodyOf(Buffer.from('b'), new Error('other side closed')) });
    expect(await source([broken(), answer(200)]).read()).toHaveLength(4);
    await expect(source([broken()], { retries: 0 }).read()).rejects.toMatchObject({
      code: 'interrupted',
      message: 'https://log.example/a/log/tile/0/000: other side closed',
    });
    const hangs: HttpGet = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    await expect(httpSource(BASE, { get: hangs, timeout: 20, retries: 1 })(TILE, 1)).rejects.toMatchObject({
      code: 'timeout',
      message: 'https://log.example/a/log/tile/0/000: no whole answer within 0.02 s',
    });
    expect(pauses).toHaveLength(2);
  });
});

describe('bounds', () => {
  it.each([
    ['in one piece', [100]],
    ['in pieces', [1, 0, 98, 1]],
    ['in none', []],
  ])('what is just as long as it may be is read, %s', async (_, lengths) => {
    const body = bodyOf(...lengths.map((length) => new Uint8Array(length).fill(7)));
    const bytes = await source([answer(200, { body })]).read();
    expect(bytes).toEqual(new Uint8Array(lengths.reduce((sum, length) => sum + length, 0)).fill(7));
  });

  it.each([undefined, 0, 3, 1e12])('whatever length it says that it has (%s)', async (contentLength) => {
    const chunks = Array.from({ length: 50 }, (_, i) => Uint8Array.of(i, i));
    const bytes = await source([answer(200, { body: bodyOf(...chunks), contentLength })]).read();
    expect(bytes).toEqual(Uint8Array.from({ length: 100 }, (_, i) => i >> 1));
  });

  it('the rest of what is longer is not read', async () => {
    const body = bodyOf(new Uint8Array(60), new Uint8Array(60), new Uint8Array(60));
    await expect(source([answer(200, { body })]).read()).rejects.toThrow(/: has over 100 bytes$/);
    expect(cancelled).toBe(1);
  });
});
