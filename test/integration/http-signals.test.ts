/**
 * How the daemon stops: whatever it has accepted is answered, and what it has answered is logged.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { STELE, startDaemon, withFolder } from '../daemon.js';
import {
  ENTRIES,
  exchangeOn,
  expectProblem,
  goodRequest,
  log,
  open,
  send,
  type Answer,
} from './http-support.js';

const SUBMISSIONS = 200;

/** Submits entries on as many connections, all of them open before the first is sent. */
async function submitMany(url: string) {
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

/** A submission, and its answer; none if the connection was reset. */
interface Settled {
  readonly request: object;
  readonly answer: Answer | undefined;
}

/**
 * Waits for every answer. A connection that the daemon has yet to accept, or to read from, is reset when it stops
 * listening: newer Nodes accept one connection a turn, so that any number may be left in the kernel.
 */
function settle(submissions: Awaited<ReturnType<typeof submitMany>>): Promise<Settled[]> {
  return Promise.all(
    submissions.map(async ({ request, answer }) => ({
      request,
      answer: await answer.catch((error: unknown) => {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string });
        return undefined;
      }),
    })),
  );
}

/** Demands that what was answered is there for good, and that what was not answered was not logged. */
async function expectKept(folder: string, settled: readonly Settled[]): Promise<number> {
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
        const { logIndex } = await log(daemon.url, request);
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

describe.concurrent('a signal', () => {
  it.each([
    ['SIGTERM', 'at once', 0],
    ['SIGTERM', 'when some are logged', undefined],
    ['SIGINT', 'when some are logged', undefined],
  ] as const)('%s %s, with 200 submissions in flight', (signal, _, delay) =>
    withFolder(async (folder) => {
      const daemon = await startDaemon(folder);
      const submissions = await submitMany(daemon.url);
      if (delay === undefined) await Promise.race(submissions.map(({ answer }) => answer));
      else await sleep(delay);
      const code = daemon.stop(signal);
      const settled = await settle(submissions);
      expect(await code, daemon.log()).toBe(0);
      const logged = await expectKept(folder, settled);
      if (delay === undefined) expect(logged).toBeGreaterThan(0);
    }),
  );

  it('on a log that has nothing to do', () =>
    withFolder(async (folder) => {
      const daemon = await startDaemon(folder);
      const started = performance.now();
      expect(await daemon.stop()).toBe(0);
      expect(performance.now() - started).toBeLessThan(8_000);
      expect(daemon.log()).toContain('stopping: publishing what was accepted');
    }));

  it('is not held up by clients that send nothing, or half of it', () =>
    withFolder(async (folder) => {
      const daemon = await startDaemon(folder, ['--metrics-listen', '127.0.0.1:0']);
      const [, metrics = ''] = daemon.log().match(/Server listening at (http:[^"]+)/) ?? [];
      const sockets = await Promise.all([open(daemon.url), open(daemon.url), open(metrics)]);
      sockets[0].write(`POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Length: 100\r\n`);
      for (const socket of sockets) socket.on('error', () => undefined);
      await log(daemon.url);
      const started = performance.now();
      expect(await daemon.stop()).toBe(0);
      expect(performance.now() - started).toBeLessThan(25_000);
      for (const socket of sockets) socket.destroy();
    }));
});

describe.concurrent('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('passes %s on: the log has stopped when npm has', (signal) =>
    withFolder(async (folder) => {
      const npm = spawn('npm', ['start', '--', '--data', folder, '--listen', '127.0.0.1:0'], {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [output, log] = ['', ''];
      npm.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
        npm.once('exit', (code, by) => {
          resolve(code ?? by);
        });
      });
      try {
        const url = await new Promise<string>((resolve, reject) => {
          npm.stdout.on('data', (chunk: Buffer) => {
            output += chunk.toString();
            const [, url] = /^stele serves (\S+) /m.exec(output) ?? [];
            if (url !== undefined) resolve(url);
          });
          npm.once('exit', () => {
            reject(new Error(`npm start ended:\n${output}${log}`));
          });
        });
        const submissions = await submitMany(url);
        await Promise.race(submissions.map(({ answer }) => answer));
        // A terminal signals the whole group; a supervisor, npm alone.
        if (signal === 'SIGINT') process.kill(-(npm.pid ?? 0), signal);
        else npm.kill(signal);
        const settled = await settle(submissions);
        const end = await ended;
        const [, pid] = /"pid":(\d+)/.exec(log) ?? [];
        expect(pid).toBeDefined();
        expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/);
        expect(log).toContain('stopping: publishing what was accepted');
        expect(end, log).toBe(0);
        expect(await expectKept(folder, settled)).toBeGreaterThan(0);
      } finally {
        if (npm.exitCode === null && npm.signalCode === null) process.kill(-(npm.pid ?? 0), 'SIGKILL');
      }
    }),
  );

  it('runs what ships', () => {
    expect(STELE).toMatch(/dist.cli.main\.js$/);
  });
});
