/**
 * `npm start` as a service: signals reach the log, and what it accepted is kept.
 */
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { STELE, withFolder } from '../../support/daemon.js';
import { expectKept, settle, submitMany } from '../../support/submissions-in-flight.js';

describe.concurrent('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('passes %s on: the log has stopped when npm has', (signal) =>
    withFolder(async (folder) => {
      const flags = ['--data', folder, '--listen', '127.0.0.1:0'];
      const npm = spawn('npm', ['start', '--', ...flags], {
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
