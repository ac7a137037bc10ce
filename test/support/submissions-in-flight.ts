/**
 * Many submissions at once to a daemon that stops meanwhile, and the checks of their outcomes.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startDaemon } from './daemon.js';
import {
  ENTRIES,
  exchangeOn,
  expectProblem,
  goodRequest,
  open,
  send,
  submit,
  type Answer,
  type Logged,
} from './http.js';

const SUBMISSIONS = 200;

const TRIES = 10;

/** Submits each entry on a connection of its own. All connections are open before the first entry is sent. */
export async function submitMany(url: string) {
  const requests = Array.from({ length: SUBMISSIONS }, () => goodRequest());
  const sockets = await Promise.all(requests.map(() => open(url)));
  return requests.map((request, i) => {
    const body = JSON.stringify(request);
    const head = `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\n`;
    const [socket] = sockets.slice(i);
    if (socket === undefined) throw new TypeError('there is a socket for each');
    const answer = exchangeOn(socket, `${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    return { request, answer };
  });
}

/** A submission, and its answer; undefined if the connection was reset. */
export interface Settled {
  readonly request: object;
  readonly answer: Answer | undefined;
}

/**
 * Waits for every answer. When the daemon stops listening, connections that it has not accepted or read from are reset.
 * Newer versions of Node accept one connection a turn, so any number of connections may still wait in the kernel.
 */
export function settle(submissions: Awaited<ReturnType<typeof submitMany>>): Promise<Settled[]> {
  return Promise.all(
    submissions.map(async ({ request, answer }) => ({
      request,
      answer: await answer.then(
        // A connection that is closed without an answer counts as reset.
        (answer) => (Number.isNaN(answer.status) ? undefined : answer),
        (error: unknown) => {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string });
          return undefined;
        },
      ),
    })),
  );
}

/** Submits until the entry is logged: on a busy machine some of so many submissions are answered with 503. */
async function logPatiently(url: string, request: object): Promise<Logged> {
  for (let tries = 1; ; tries++) {
    const answer = await submit(url, request);
    const text = answer.body.toString();
    if (answer.status === 201) return JSON.parse(text) as Logged;
    expect(answer.status, text).toBe(503);
    expect(tries, text).toBeLessThan(TRIES);
    await sleep(Number(answer.headers['retry-after']) * 1000);
  }
}

/** Requires that every answered entry stays in the log, and that no other entry was logged. */
export async function expectKept(folder: string, settled: readonly Settled[]): Promise<number> {
  const logged = settled.filter(({ answer }) => answer?.status === 201);
  for (const { answer } of settled) {
    if (answer === undefined || answer.status === 201) continue;
    expect(expectProblem(answer, 503)).toMatch(/try again/);
    expect(answer.headers['retry-after']).toMatch(/^[1-3]$/);
  }
  const daemon = await startDaemon(folder, ['--no-create']);
  try {
    const checkpoint = await send(daemon.url, 'GET', '/checkpoint');
    const size = Number(checkpoint.body.toString().split('\n')[1]);
    await Promise.all(
      settled.map(async ({ request, answer }) => {
        const { logIndex } = await logPatiently(daemon.url, request);
        if (answer === undefined) expect(Number(logIndex)).toBeGreaterThanOrEqual(size);
        if (answer?.status !== 201) return;
        expect(logIndex).toBe((JSON.parse(answer.body.toString()) as { logIndex: string }).logIndex);
      }),
    );
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
  return logged.length;
}
