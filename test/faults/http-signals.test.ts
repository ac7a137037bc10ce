/**
 * Stopping the daemon: every accepted entry is answered, and every entry answered with 201 is logged.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startDaemon, withFolder } from '../support/daemon.js';
import { ENTRIES, log, open } from '../support/http.js';
import { expectKept, settle, submitMany } from '../support/submissions-in-flight.js';

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
