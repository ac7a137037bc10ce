/**
 * The HTTP server over plain functions: what they are given, how their answers are sent, and the JSON of problems,
 * which each API has of its own.
 */
import { once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BodyRequest, HttpRequest } from '#src/http/answer.js';
import { UnavailableError } from '#src/errors.js';
import { rekorV2Face } from '#src/http-server/rekor-v2-face.js';
import { HttpServer } from '#src/http-server/server.js';
import { exchange, expectProblem, open, send, type Answer } from '../../support/http.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const MAX_BODY = 1_000;

const asked: HttpRequest[] = [];
const answered: [method: string, status: number][] = [];
/** The requests that `/waiting` got, which it never answers by itself. */
const waiting: { request: BodyRequest; answer: (text: string) => void }[] = [];

const server = new HttpServer({
  log: pino({ level: 'silent' }),
  face: rekorV2Face,
  maxBody: MAX_BODY,
  observer: { onAnswer: (method, status) => answered.push([method, status]) },
});
let url = '';

beforeAll(async () => {
  server.read({
    path: '/plain/*',
    answer: (request) => {
      asked.push(request);
      return { status: 200, headers: { 'content-type': 'text/plain', 'x-own': 'yes' }, body: 'a text' };
    },
  });
  server.read({
    path: '/gone',
    answer: () => ({ status: 404, message: 'it is gone', headers: { 'content-encoding': 'gzip' } }),
  });
  server.post({
    path: '/echo',
    refusal: () => undefined,
    answer: ({ pieces }) =>
      Promise.resolve({ status: 201, headers: JSON_TYPE, body: Buffer.concat(pieces).toString() }),
    hint: 'send something',
  });
  server.post({
    path: '/other-api',
    refusal: () => undefined,
    answer: ({ pieces }) => Promise.reject(new UnavailableError(Buffer.concat(pieces).toString())),
    hint: 'send something',
    face: ({ status, message }) => JSON.stringify({ code: status, message }),
  });
  server.post({
    path: '/closed',
    refusal: () => ({ status: 503, message: 'not today' }),
    answer: () => Promise.reject(new Error('never called')),
    hint: '',
  });
  server.post({
    path: '/waiting',
    refusal: () => undefined,
    answer: (request) =>
      new Promise((resolve) => {
        const answer = (body: string) => {
          resolve({ status: 200, headers: JSON_TYPE, body });
        };
        waiting.push({ request, answer });
      }),
    hint: '',
  });
  url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
});

afterAll(() => server.close());

async function nextWaiting() {
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const [first] = waiting.splice(0);
  if (first === undefined) throw new TypeError('one waits');
  return first;
}

/** The JSON of a problem of the other API. */
const otherProblem = ({ status, body }: Answer): unknown[] => [status, JSON.parse(body.toString())];

describe('a read', () => {
  it('is given the method, the target as it was sent in origin form, and the headers', async () => {
    const answer = await send(url, 'GET', '//plain//a%2Fb?c=%64', null, { 'X-Some': 'one' });
    expect([answer.status, answer.body.toString(), answer.headers['x-own']]).toEqual([200, 'a text', 'yes']);
    const [{ method, target, headers } = { method: '', target: '', headers: {} }] = asked.splice(0);
    expect([method, target, headers['x-some']]).toEqual(['GET', '/plain/a%2Fb?c=%64', 'one']);
  });

  it('by HEAD is answered with the headers of GET', async () => {
    const answer = await send(url, 'HEAD', '/plain/a');
    expect([answer.status, answer.body.length, answer.headers['content-length']]).toEqual([200, 0, '6']);
    expect(asked.splice(0).map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('that is refused is answered with a problem, which has no coding and is not cached', async () => {
    const answer = await send(url, 'GET', '/gone');
    expect(expectProblem(answer, 404)).toBe('it is gone');
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('a POST', () => {
  it('is given the body', async () => {
    const answer = await send(url, 'POST', '/echo', '{"a":1}', JSON_TYPE);
    expect([answer.status, answer.body.toString()]).toEqual([201, '{"a":1}']);
  });

  it('that is refused by its headers is answered before its body has come', async () => {
    const head = `POST /closed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n`;
    const answer = await exchange(url, head);
    expect(expectProblem(answer, 503)).toBe('not today');
    expect(answer.headers['retry-after']).toMatch(/^[123]$/);
  });

  it('hears that its client has left, and gives its memory back', async () => {
    const socket = await open(url);
    const head = `POST /waiting HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    socket.write(head);
    const { request, answer } = await nextWaiting();
    expect(request.length).toBe(2);
    const ended = new Promise<void>((resolve) => {
      request.onEnd(resolve);
    });
    socket.destroy();
    await ended;
    // A listener that comes too late hears of it at once.
    await new Promise<void>((resolve) => {
      request.onEnd(resolve);
    });
    expect([request.length, request.pieces]).toEqual([0, []]);
    answer('nobody reads this');
  });

  it('shares its connection with the requests before and after it', async () => {
    const socket = await open(url);
    const post = `POST /waiting HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    const connections: object[] = [];
    for (let i = 0; i < 2; i++) {
      socket.write(post);
      const { request, answer } = await nextWaiting();
      connections.push(request.connection);
      answer('{}');
      await once(socket, 'data');
    }
    socket.destroy();
    const [first, second] = connections;
    expect(first).toBe(second);
  });
});

describe('a problem of a route with a face of its own', () => {
  it.each([
    ['an error', 'POST', 'try again', JSON_TYPE, 503, 'try again'],
    ['a body of another type', 'POST', 'x', { 'content-type': 'text/plain' }, 415, 'the request is not JSON'],
    ['a long body', 'POST', 'x'.repeat(MAX_BODY + 1), JSON_TYPE, 413, 'the request body is over 1000 bytes'],
    ['another method', 'PUT', 'x', JSON_TYPE, 405, 'PUT is not for /other-api: send something'],
  ])('has that face: %s', async (_name, method, body, headers, status, message) => {
    const answer = await send(url, method, '/other-api', body, headers);
    expect(otherProblem(answer)).toEqual([
      status,
      { code: status, message: expect.stringContaining(message) as string },
    ]);
  });

  it('has that face: a body that breaks HTTP', async () => {
    const head = 'POST /other-api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const answer = await exchange(url, `${head}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n`);
    const message = expect.stringContaining('this is not an HTTP/1.1 request') as string;
    expect(otherProblem(answer)).toEqual([400, { code: 400, message }]);
  });
});

describe("a problem of no route has the server's face", () => {
  it('where there is nothing', async () => {
    expect(expectProblem(await send(url, 'GET', '/nothing'), 404)).toBe('there is nothing at /nothing');
  });

  it('where there is no HTTP', async () => {
    expect(expectProblem(await exchange(url, 'hello\r\n\r\n'), 400)).toContain('not an HTTP/1.1 request');
  });

  it('where Expect asks too much', async () => {
    const answer = await exchange(url, 'GET /gone HTTP/1.1\r\nHost: x\r\nExpect: bread\r\n\r\n');
    expect(expectProblem(answer, 417)).toBe('Expect: "bread" cannot be met here');
  });
});

it('tells its observer of every answer', async () => {
  answered.splice(0);
  await send(url, 'GET', '/plain/a');
  await send(url, 'GET', '/nothing');
  await send(url, 'POST', '/closed', '{}', JSON_TYPE);
  await expect
    .poll(() => answered)
    .toEqual([
      ['GET', 200],
      ['GET', 404],
      ['POST', 503],
    ]);
});
