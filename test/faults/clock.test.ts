/**
 * A machine whose clock is set while the daemon runs, and between its runs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { openLog } from '#reader/node/index.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { describeWithS3 } from '../support/with-s3.js';
import { expectProblem, goodRequest, log, send, submit } from '../support/http.js';

const DAY = 86_400_000;

/** A daemon notices a change of its clock within 50 ms. In milliseconds. */
const NOTICED = 200;
const PRELOAD = pathToFileURL(join(import.meta.dirname, 'shifted-clock.mjs')).href;

/** A machine with a clock of its own. */
class Machine {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'clock');
    this.shift(0);
  }

  /** Sets the clock ahead of the right time, by milliseconds. */
  shift(milliseconds: number): void {
    writeFileSync(this.#file, String(milliseconds));
  }

  get environment(): Record<string, string> {
    return { NODE_OPTIONS: `--import ${PRELOAD}`, TEST_CLOCK: this.#file };
  }
}

async function expectClockFault(daemon: Daemon, message: RegExp): Promise<void> {
  expect(expectProblem(await submit(daemon.url, goodRequest()), 503)).toMatch(message);
  const health = await send(daemon.url, 'GET', '/healthz');
  expect(health.status).toBe(503);
  const { code, reason } = JSON.parse(health.body.toString()) as Record<string, string>;
  expect(code).toBe('clock');
  expect(reason).toMatch(message);
  expect(reason).toContain('--accept-clock');
}

/** Submits an entry once the daemon has noticed its clock, which takes it at most 50 ms. Returns the entry's index. */
function logSoon(daemon: Daemon): Promise<string> {
  const request = goodRequest();
  return vi.waitFor(async () => (await log(daemon.url, request)).logIndex, 10_000);
}

const HAS_JUMPED = /this machine's clock has jumped to .+ was expected/;

it('nothing is sequenced by a clock that has jumped, and the log goes on by itself when it is set right', () =>
  withFolder(async (folder) => {
    const machine = new Machine(folder);
    const daemon = await startDaemon(join(folder, 'data'), [], machine.environment);
    await log(daemon.url);
    machine.shift(400 * DAY);
    await sleep(NOTICED);
    await expectClockFault(daemon, HAS_JUMPED);
    expect((await send(daemon.url, 'GET', '/checkpoint')).status).toBe(200);
    machine.shift(0);
    expect(await logSoon(daemon)).toBe('1');
    expect(await daemon.stop()).toBe(0);
  }));

it('a restart alone accepts no clock; --accept-clock does, and a log that is ahead goes on with its last time', () =>
  withFolder(async (folder) => {
    const machine = new Machine(folder);
    const data = join(folder, 'data');
    const start = (...flags: string[]) => startDaemon(data, flags, machine.environment);
    let daemon = await start();
    await log(daemon.url);
    machine.shift(400 * DAY);
    await sleep(NOTICED);
    await expectClockFault(daemon, HAS_JUMPED);
    expect(await daemon.stop()).toBe(0);

    daemon = await start();
    await expectClockFault(daemon, HAS_JUMPED);
    expect(await daemon.stop()).toBe(0);

    daemon = await start('--accept-clock');
    await log(daemon.url);
    expect(await daemon.stop()).toBe(0);

    // The clock is right again, and the log's last time is ahead of it.
    machine.shift(0);
    daemon = await start();
    await expectClockFault(daemon, /the log's last entry is of .+ and this machine's clock shows/);
    expect(daemon.log()).toContain("the log's last entry is of");
    expect(await daemon.stop()).toBe(0);

    daemon = await start('--accept-clock');
    await log(daemon.url);
    const reader = await openLog(daemon.url, { verifierKey: daemon.verifierKey });
    const { tree } = await reader.latest();
    const [first = 0, second = 0, third = 0] = await tree.times(0);
    expect(second - first).toBeGreaterThan(399 * DAY);
    expect(third).toBe(second);
    expect(await daemon.stop()).toBe(0);

    // A restart without --accept-clock keeps the operator's word.
    daemon = await start();
    await log(daemon.url);
    expect(await daemon.stop()).toBe(0);
  }));

describeWithS3('in a bucket', (server) => {
  const start = async (folder: string, machine: Machine) => {
    const bucket = await server.newBucket();
    const flags = ['--store', `s3://${bucket}/log`, '--s3-endpoint', server.endpoint, '--s3-path-style'];
    return startDaemon(join(folder, 'data'), flags, { ...server.environment, ...machine.environment });
  };

  it("the server's time counts, at a start too", () =>
    withFolder(async (folder) => {
      const machine = new Machine(folder);
      // S3 itself refuses requests whose time is a quarter of an hour off.
      machine.shift(12 * 60_000);
      const daemon = await start(folder, machine);
      await expectClockFault(daemon, HAS_JUMPED);
      machine.shift(0);
      expect(await logSoon(daemon)).toBe('0');
      machine.shift(-12 * 60_000);
      await sleep(NOTICED);
      await expectClockFault(daemon, HAS_JUMPED);
      expect(await daemon.stop()).toBe(0);
    }));

  it('a clock that is a day off is refused by the server, and the message says so', () =>
    withFolder(async (folder) => {
      const machine = new Machine(folder);
      machine.shift(DAY);
      await expect(start(folder, machine)).rejects.toThrow(
        /RequestTimeTooSkewed: .+: set this machine's clock right/,
      );
    }));
});
