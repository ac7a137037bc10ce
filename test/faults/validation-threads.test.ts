/**
 * Validation threads that die or hang: the daemon's log tells of it, and only the request that caused it fails.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { expectProblem, goodRequest, log, send, submit } from '../support/http.js';

const DEADLY = join(import.meta.dirname, 'deadly-requests.cjs');

describe('a request that a thread does not survive', () => {
  let data: string;
  let daemon: Daemon;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'stele-'));
    daemon = await startDaemon(data, [], { NODE_OPTIONS: `--require=${DEADLY}` });
    await log(daemon.url);
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(data, { recursive: true, force: true });
  });

  const metric = async (name: string) => {
    const { body } = await send(daemon.url, 'GET', '/metrics');
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body.toString())?.[1]);
  };

  it.each([
    ['an exit', 'deadly-exit', /it exited with code 3/],
    ['too much memory', 'deadly-memory', /memory|did not get on/],
    ['work without end', 'deadly-endless', /it did not get on for 2 s/],
  ])('for %s fails alone, and can be tried again', async (_, deadly, reason) => {
    const ended = await metric('stele_validation_threads_ended_total');
    const [answer, ...others] = await Promise.all([
      submit(daemon.url, { [deadly]: 1 }),
      ...Array.from({ length: 20 }, () => submit(daemon.url, goodRequest())),
    ]);
    // On a busy machine some requests may wait too long. None may fail because of the thread.
    const failed = others.filter(({ status, body }) => status !== 201 && body.toString().includes('ended'));
    expect(failed).toEqual([]);
    expectProblem(answer, 503);
    expect(answer.headers['retry-after']).toMatch(/^[1-3]$/);
    await vi.waitFor(
      async () => {
        expect(await metric('stele_validation_threads_ended_total')).toBe(ended + 1);
        expect(await metric('stele_validation_threads')).toBeGreaterThanOrEqual(2);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(daemon.log()).toMatch(reason);
    await log(daemon.url);
  });

  it('makes the log unhealthy while it has no thread for others', async () => {
    const threads = await metric('stele_validation_threads');
    const deadly = Array.from({ length: 3 * threads }, () => submit(daemon.url, { 'deadly-endless': 1 }));
    const good = submit(daemon.url, goodRequest());
    await vi.waitFor(
      async () => {
        const health = await send(daemon.url, 'GET', '/healthz');
        expect(health.status).toBe(503);
        expect(health.body.toString()).toMatch(/a request has waited for [0-9.]+ s to be validated/);
      },
      { timeout: 10_000, interval: 100 },
    );
    for (const answer of await Promise.all(deadly)) expectProblem(answer, 503);
    await good;
    await vi.waitFor(
      async () => {
        expect((await send(daemon.url, 'GET', '/healthz')).status).toBe(200);
      },
      { timeout: 20_000, interval: 100 },
    );
    await log(daemon.url);
  });
});
