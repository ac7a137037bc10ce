/**
 * A daemon's first moments: a failed first start leaves nothing behind, requests that come too early get 503, and a
 * signal beside the first request loses nothing.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDaemon, STELE, withFolder } from '../support/daemon.js';
import { freePort } from '../support/free-port.js';
import { log, send } from '../support/http.js';
import { expectKept, settle, submitMany } from '../support/submissions-in-flight.js';
import { stele } from '../support/refused-start.js';
import { listenOnFreePort } from '../support/free-port.js';

/** Occupies a port while `use` runs. */
async function withTakenPort(use: (address: string) => Promise<void>): Promise<void> {
  const server = createServer();
  const port = await listenOnFreePort(server);
  try {
    await use(`127.0.0.1:${port}`);
  } finally {
    server.close();
  }
}

describe('a first start that fails leaves nothing that was not there', () => {
  it('where the port is taken, of the daemon or of its metrics', () =>
    withFolder((folder) =>
      withTakenPort(async (address) => {
        const data = join(folder, 'new', 'data');
        for (const flags of [
          ['--listen', address],
          ['--listen', '127.0.0.1:0', '--metrics-listen', address],
        ]) {
          const { code, stderr } = await stele(['serve', '--data', data, ...flags]);
          expect(code).toBe(2);
          expect(stderr).toMatch(
            /^stele: cannot listen on 127\.0\.0\.1:\d+: another program listens there already[^\n]*\n$/,
          );
          expect(await readdir(folder)).toEqual([]);
        }
      }),
    ));

  it.each<[string, (folder: string) => Promise<readonly string[]>]>([
    ['the key is not there', (folder) => Promise.resolve(['--key', join(folder, 'no.key')])],
    [
      'the key is none',
      async (folder) => {
        await writeFile(join(folder, 'bad.key'), 'no key', { mode: 0o600 });
        return ['--key', join(folder, 'bad.key')];
      },
    ],
    [
      'the store is a file',
      async (folder) => {
        await writeFile(join(folder, 'file'), '');
        return ['--store', `file:${join(folder, 'file', 'store')}`];
      },
    ],
    ['no log may be made', () => Promise.resolve(['--no-create'])],
    ['there is nothing to rebuild from', () => Promise.resolve(['--rebuild'])],
    ['the origin cannot be one', () => Promise.resolve(['--public-url', 'http://0.0.0.0'])],
  ])('where %s', (_, prepare) =>
    withFolder(async (folder) => {
      const flags = await prepare(folder);
      const before = await readdir(folder, { recursive: true });
      const data = join(folder, 'a', 'data');
      const { code, stderr } = await stele(['serve', '--data', data, '--listen', '127.0.0.1:0', ...flags]);
      expect(code, stderr).not.toBe(0);
      expect((await readdir(folder, { recursive: true })).sort()).toEqual(before.sort());
    }),
  );

  it('and what was there stays', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      await mkdir(data);
      await writeFile(join(data, 'notes.txt'), 'mine');
      expect(
        (await stele(['serve', '--data', data, '--listen', '127.0.0.1:0', '--no-create'])).code,
      ).not.toBe(0);
      expect(await readdir(data)).toEqual(['notes.txt']);
      // A log that was made stays, even if the start fails later.
      await (await startDaemon(data)).stop();
      await withTakenPort(async (address) => {
        expect((await stele(['serve', '--data', data, '--listen', address])).code).toBe(2);
      });
      expect(existsSync(join(data, 'log.key'))).toBe(true);
      const daemon = await startDaemon(data);
      await log(daemon.url);
      expect(await daemon.stop()).toBe(0);
    }));
});

describe('a start that is refused', () => {
  it('leaves the next one just as much to refuse', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      const daemon = await startDaemon(data);
      for (let i = 0; i < 2; i++) await log(daemon.url);
      await daemon.stop();
      await cp(join(data, 'store'), join(folder, 'old'), { recursive: true });
      const again = await startDaemon(data);
      await log(again.url);
      await again.stop();
      // The store is rolled back, and staging lost.
      const newest = join(folder, 'newest.checkpoint');
      await cp(join(data, 'store', 'checkpoint'), newest);
      await rm(join(data, 'store'), { recursive: true });
      await cp(join(folder, 'old'), join(data, 'store'), { recursive: true });
      for (const name of await readdir(data)) if (name.startsWith('staging')) await rm(join(data, name));

      const serve = ['serve', '--data', data, '--listen', '127.0.0.1:0'];
      const refused = await stele([...serve, '--rebuild', '--expect-checkpoint', newest]);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toContain('the store has 2 entries, and the expected checkpoint 3');
      const plain = await stele(serve);
      expect(plain.code, plain.stderr).toBe(1);
      expect(plain.stderr).toContain(
        'staging.sqlite is missing or empty, and the store has a log of 2 entries',
      );
    }));

  it('is one that would make a second log of a key, where the first is told of', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      await (await startDaemon(data)).stop();
      for (const name of await readdir(data)) if (name.startsWith('staging')) await rm(join(data, name));
      const elsewhere = `file:${join(folder, 'mistyped')}`;
      const refused = await stele(['serve', '--data', data, '--listen', '127.0.0.1:0', '--store', elsewhere]);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toMatch(/log\.vkey tells of a log, and neither staging nor the store has one/);
    }));
});

describe('the first requests', () => {
  it.each(['SIGTERM', 'SIGHUP'] as const)('are answered, and kept, though %s comes with them', (signal) =>
    withFolder(async (folder) => {
      const address = `127.0.0.1:${await freePort()}`;
      const url = `http://${address}`;
      const child = spawn(process.execPath, [STELE, 'serve', '--data', folder, '--listen', address], {
        stdio: 'ignore',
      });
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      // Until the log is open, each answer is 503: never a reset, and never a file.
      for (;;) {
        const health = await send(url, 'GET', '/healthz').catch(() => undefined);
        if (health?.status === 200) break;
        if (health !== undefined)
          expect(JSON.parse(health.body.toString())).toMatchObject({
            status: 'NOT_SERVING',
            code: 'starting',
          });
      }
      const submissions = await submitMany(url);
      await Promise.race(submissions.map(({ answer }) => answer));
      child.kill(signal);
      const settled = await settle(submissions);
      expect(await exited).toBe(0);
      expect(await expectKept(folder, settled)).toBeGreaterThan(0);
    }),
  );

  it('are not taken by a start that is told to stop, which ends well', () =>
    withFolder(async (folder) => {
      const child = spawn(process.execPath, [STELE, 'serve', '--data', folder, '--listen', '127.0.0.1:0']);
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      // From its first lock on, the daemon handles signals.
      while (!existsSync(join(folder, 'staging.sqlite')))
        await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill('SIGTERM');
      expect(await exited).toBe(0);
      const daemon = await startDaemon(folder);
      await log(daemon.url);
      expect(await daemon.stop()).toBe(0);
    }));
});
