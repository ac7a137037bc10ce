/**
 * Clients that are slow, by accident or on purpose: the log refuses them, and others do not wait for them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { ENTRIES, exchange, expectProblem, goodRequest, log, open, type Answer } from '../support/http.js';

describe.concurrent('a request that comes slowly', () => {
  const head = `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\n`;
  const good = JSON.stringify(goodRequest());
  let data: string;
  let daemon: Daemon;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'stele-'));
    daemon = await startDaemon(data);
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(data, { recursive: true, force: true });
  });

  const expectLate = (answer: Answer) => {
    expect(expectProblem(answer, 408)).toMatch(/^the request did not arrive within 10 s/);
    expect(answer.milliseconds).toBeGreaterThan(9_000);
    expect(answer.milliseconds).toBeLessThan(20_000);
  };

  it.each([
    ['headers that do not end', head],
    ['a body that does not come', `${head}Content-Length: 500\r\n\r\n`],
    ['a body that stops', `${head}Content-Length: 5000\r\n\r\n${good}`],
    ['chunks that stop', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":`],
  ])('%s', async (_, bytes) => {
    expectLate(await exchange(daemon.url, bytes));
  });

  it('a byte a second', async () => {
    const socket = await open(daemon.url);
    const feed = setInterval(() => socket.write(' '), 1_000);
    try {
      socket.write(`${head}Content-Length: 5000\r\n\r\n`);
      const [first] = await new Promise<Buffer[]>((resolve, reject) => {
        socket.once('data', (chunk) => {
          resolve([chunk]);
        });
        socket.once('error', reject);
      });
      expect(first?.toString()).toMatch(/^HTTP\/1\.1 408 /);
    } finally {
      clearInterval(feed);
      socket.destroy();
    }
  });

  it('holds up no other', async () => {
    const socket = await open(daemon.url);
    socket.write(`${head}Content-Length: 500\r\n\r\n`);
    const started = performance.now();
    await log(daemon.url);
    expect(performance.now() - started).toBeLessThan(8_000);
    socket.destroy();
  });
});
