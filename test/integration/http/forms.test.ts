/**
 * Requests in the forms that HTTP allows and few clients send: each is answered as HTTP says, in the log's own words.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, withFolder, type Daemon } from '../../support/daemon.js';
import { ENTRIES, exchange, expectProblem, goodRequest, log, send, type Answer } from '../../support/http.js';

let daemon: Daemon;
let end: () => void;
let done: Promise<void>;

beforeAll(async () => {
  await new Promise<void>((started, failed) => {
    done = withFolder(async (folder) => {
      daemon = await startDaemon(join(folder, 'data'));
      await log(daemon.url);
      const ended = new Promise<void>((resolve) => (end = resolve));
      started();
      await ended;
      await daemon.stop();
    });
    done.catch(failed);
  });
});

afterAll(async () => {
  end();
  await done;
});

/** Sends a request as it stands, and reads its answer. */
function ask(line: string, headers: readonly string[] = ['Host: log'], body = ''): Promise<Answer> {
  const head = [`${line} HTTP/1.1`, ...headers, 'Connection: close'].join('\r\n');
  return exchange(daemon.url, `${head}\r\n\r\n${body}`);
}

const JSON_TYPE = 'Content-Type: application/json';

/** Submits a good request. */
function submitAs(target: string, headers: readonly string[] = [JSON_TYPE]): Promise<Answer> {
  const body = JSON.stringify(goodRequest());
  return ask(`POST ${target}`, ['Host: log', ...headers, `Content-Length: ${body.length}`], body);
}

/** The same, in one chunk. */
function submitChunked(coding: string): Promise<Answer> {
  const body = JSON.stringify(goodRequest());
  const headers = ['Host: log', JSON_TYPE, `Transfer-Encoding: ${coding}`];
  return ask(`POST ${ENTRIES}`, headers, `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
}

describe('a target', () => {
  const files = ['checkpoint', 'tile/0/000.p/1', 'api/v2/checkpoint', 'api/v2/tile/entries/000.p/1'];

  it.each(files)('in absolute form finds the file: %s', async (file) => {
    const plain = await ask(`GET /${file}`);
    expect(plain.status).toBe(200);
    for (const authority of ['http://log.example', 'https://log.example:8443', 'HTTP://127.0.0.1']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(`${method} ${authority}/${file}?a=b`);
        expect(answer.status, `${method} ${authority}`).toBe(200);
        if (method === 'GET') expect(answer.body.equals(plain.body)).toBe(true);
      }
    }
  });

  it.each(files)('with the slashes of a base URL finds the file: %s', async (file) => {
    for (const path of [`//${file}`, `/${file.replaceAll('/', '//')}`, `http://log.example//${file}`]) {
      expect((await ask(`GET ${path}`)).status, path).toBe(200);
    }
  });

  it('of a submission may be in both', async () => {
    for (const target of [
      ENTRIES,
      `/${ENTRIES}`,
      '/api/v2//log/entries',
      `http://log.example${ENTRIES}`,
      `http://log.example/${ENTRIES}`,
    ])
      expect((await submitAs(target)).status, target).toBe(201);
  });

  it.each([
    ['GET', 'ftp://log.example/checkpoint'],
    ['GET', 'http:///checkpoint'],
    ['GET', 'log.example:443'],
    ['GET', '*'],
    ['GET', 'http://log.example/checkpoint/'],
    ['POST', `${ENTRIES}/`],
    ['POST', '/api/v2/log/entries%2f'],
  ])('that is none is said to be none: %s %s', async (method, target) => {
    const answer = await ask(`${method} ${target}`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expectProblem(answer, answer.status);
    expect([400, 404]).toContain(answer.status);
  });

  it('of the log itself says what is there', async () => {
    for (const target of ['/', '/api/v2/', 'http://log.example', '//', '/?a']) {
      expect(expectProblem(await ask(`GET ${target}`), 404), target).toMatch(
        /^this is the address of a log, and of none of its files: its newest checkpoint is the file checkpoint$/,
      );
    }
  });
});

describe('OPTIONS', () => {
  it.each([
    ['*', 'GET, HEAD, POST, OPTIONS'],
    [ENTRIES, 'POST, OPTIONS'],
    ['/checkpoint', 'GET, HEAD, OPTIONS'],
    ['/api/v2/tile/0/000', 'GET, HEAD, OPTIONS'],
    ['/', 'GET, HEAD, OPTIONS'],
    ['/healthz', 'GET, HEAD, OPTIONS'],
    ['http://log.example/checkpoint', 'GET, HEAD, OPTIONS'],
  ])('%s names the methods', async (target, allow) => {
    const answer = await ask(`OPTIONS ${target}`);
    expect(answer.status).toBe(204);
    expect(answer.headers['allow']).toBe(allow);
    expect(answer.body).toHaveLength(0);
  });

  it('of a browser lets pages of others submit', async () => {
    const asked = {
      origin: 'https://example.com',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    };
    const { status, headers } = await send(daemon.url, 'OPTIONS', ENTRIES, null, asked);
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-methods']?.split(/, ?/)).toStrictEqual(['GET', 'HEAD', 'POST']);
    expect(headers['access-control-allow-headers']).toBe('content-type');
    const body = JSON.stringify(goodRequest());
    const sent = { origin: 'https://example.com', 'content-type': 'application/json' };
    const answer = await send(daemon.url, 'POST', ENTRIES, body, sent);
    expect(answer.status).toBe(201);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-expose-headers']).toMatch(/retry-after/);
  });
});

describe('a body', () => {
  it.each(['chunked', 'Chunked', ' chunked '])('in the coding %j is read', async (coding) => {
    expect((await submitChunked(coding)).status).toBe(201);
  });

  it.each(['gzip, chunked', 'deflate,chunked', 'identity, chunked', 'x, y, chunked'])(
    'in the coding %j is refused, and not read as if it were chunked',
    async (coding) => {
      const message = expectProblem(await submitChunked(coding), 501);
      expect(message).toBe(
        `Transfer-Encoding: ${JSON.stringify(coding)} is not read here, but chunked alone: send the body as it is`,
      );
    },
  );

  it.each(['gzip', 'chunked, gzip', 'identity', 'chunked, chunked'])(
    'whose end the coding %j does not tell is no HTTP',
    async (coding) => {
      const answer = await submitChunked(coding);
      expect([400, 501]).toContain(answer.status);
      expectProblem(answer, answer.status);
    },
  );

  it.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8'])('with the charset %s is read', async (charset) => {
    expect((await submitAs(ENTRIES, [`Content-Type: application/json; charset=${charset}`])).status).toBe(
      201,
    );
  });

  it.each([
    ['utf-16', 'utf-16'],
    ['"UTF-16LE"', 'UTF-16LE'],
    ['latin1', 'latin1'],
    ['utf-8; charset=utf-16', 'utf-16'],
    ['', ''],
  ])('with the charset %s is refused', async (charset, named) => {
    const answer = await submitAs(ENTRIES, [`Content-Type: application/json; charset=${charset}`]);
    expect(expectProblem(answer, 415)).toBe(
      `the charset ${JSON.stringify(named)} is not read here: JSON is UTF-8`,
    );
  });

  it.each(['application/jsonp', 'application/json-seq', 'text/json', 'application/x-json', 'json'])(
    'of the type %s is refused',
    async (type) => {
      expectProblem(await submitAs(ENTRIES, [`Content-Type: ${type}`]), 415);
    },
  );
});

describe('what HTTP demands', () => {
  it('a Host, but of HTTP/1.0', async () => {
    expect(expectProblem(await ask('GET /checkpoint', []), 400)).toBe(
      'the request has no Host, which HTTP/1.1 demands',
    );
    expect((await exchange(daemon.url, 'GET /checkpoint HTTP/1.0\r\n\r\n')).status).toBe(200);
  });

  it('an Expect that can be met', async () => {
    const headers = ['Host: log', JSON_TYPE, 'Content-Length: 2', 'Expect: a-miracle'];
    expect(expectProblem(await ask(`POST ${ENTRIES}`, headers, '{}'), 417)).toBe(
      'Expect: "a-miracle" cannot be met here',
    );
  });

  it('no tunnel', async () => {
    const answer = await ask('CONNECT log.example:443');
    expect(expectProblem(answer, 501)).toBe('CONNECT is for proxies: this is a log');
  });
});
