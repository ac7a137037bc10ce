/**
 * A disk that cannot keep what was written. After a failed fsync nobody can tell what is on the disk, and a second
 * fsync that succeeds proves nothing, so the writer stops. (strace injects the errors.)
 */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STELE, withFolder } from '../support/daemon.js';
import { describeWithProgram } from '../support/program.js';
import { goodRequest, submit } from '../support/http.js';

/** A program that writes to a store and prints the outcome: `done` or the error's name, then the result of a read. */
const WRITE = `
  const { FolderStore } = await import(process.argv[2]);
  const store = new FolderStore(process.argv[1]);
  const bytes = Buffer.from('bytes');
  const create = await store.create('tile/0/000.p/1', bytes).then(() => 'done', (error) => error.name);
  const replace = await store.replace('checkpoint', bytes, undefined).then(() => 'done', (error) => error.name);
  const read = await store.read('checkpoint').then((object) => object?.bytes.toString(), (error) => error.name);
  console.log(JSON.stringify({ create, replace, read }));
`;

interface Written {
  readonly create: string;
  readonly replace: string;
  readonly read?: string;
}

/** Runs WRITE, with one fsync failing: the one with this number, from 1. */
function writeWith(strace: string, folder: string, error: string, number: number): Promise<Written> {
  const inject = ['-e', 'trace=fsync', '-e', `inject=fsync:error=${error}:when=${number}`];
  return runWrite(strace, ['-f', '-qq', '-o', '/dev/null', ...inject], folder);
}

/** Runs WRITE under strace. */
function runWrite(strace: string, options: readonly string[], folder: string): Promise<Written> {
  const module = new URL('../../dist/src/store/folder.js', import.meta.url).href;
  const node = [process.execPath, '--input-type=module', '--eval', WRITE, folder, module];
  // strace counts calls by thread: with a single thread for all files, it counts those of the process.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  return new Promise((resolve, reject) => {
    execFile(strace, [...options, ...node], { env }, (failure, stdout, stderr) => {
      if (failure === null) resolve(JSON.parse(stdout) as Written);
      else reject(new Error(stderr, { cause: failure }));
    });
  });
}

describeWithProgram({ names: ['strace'], variable: 'STELE_STRACE' }, 'a disk whose fsync fails', (strace) => {
  it('fails the write for good, whichever fsync it was, and nothing is read that may be lost', () =>
    withFolder(async (parent) => {
      const outcomes = new Set<string>();
      for (let number = 1; ; number++) {
        const folder = join(parent, String(number));
        await mkdir(folder);
        const { create, replace, read } = await writeWith(strace, folder, 'EIO', number);
        const failed = [create, replace].filter((outcome) => outcome !== 'done');
        if (failed.length === 0) break;
        expect(new Set(failed), String(number)).toStrictEqual(new Set(['DamagedStoreError']));
        // A read must show the old state, without the object, or fail.
        if (replace !== 'done') expect([undefined, 'DamagedStoreError']).toContain(read);
        outcomes.add(`${create} ${replace}`);
        expect((await readdir(folder)).filter((name) => name.endsWith('.tmp') && name !== '.tmp')).toEqual(
          [],
        );
      }
      // After the first failure nothing is written any more.
      expect(outcomes).toStrictEqual(
        new Set(['DamagedStoreError DamagedStoreError', 'done DamagedStoreError']),
      );
    }));

  it('is no more than a failed write where there is only no room for the file', () =>
    withFolder(async (folder) => {
      // The first fsyncs are of folders. Only the file's own fsync passes ENOSPC on unchanged.
      const outcomes: string[] = [];
      for (let number = 1; number < 8; number++) {
        const inner = join(folder, String(number));
        await mkdir(inner);
        outcomes.push((await writeWith(strace, inner, 'ENOSPC', number)).create);
      }
      expect(outcomes).toContain('Error');
      expect(outcomes).toContain('DamagedStoreError');
    }));

  it.each(['EINVAL', 'EBADF'])('is no failure where the folder’s file system has none: %s', (error) =>
    withFolder(async (parent) => {
      const folder = join(parent, 'store');
      await mkdir(folder);
      const inject = ['-P', parent, '-P', folder, '-e', 'trace=fsync', '-e', `inject=fsync:error=${error}`];
      const written = await runWrite(strace, ['-f', '-qq', '-o', '/dev/null', ...inject], folder);
      expect(written).toStrictEqual({ create: 'done', replace: 'done', read: 'bytes' });
    }),
  );

  it('ends a first start whose data folder may not stay', () =>
    withFolder(async (parent) => {
      const data = join(parent, 'data');
      const trace = ['-f', '-qq', '-o', '/dev/null', '-P', parent, '-e', 'trace=fsync'];
      const inject = ['-e', 'inject=fsync:error=EIO', process.execPath];
      // Without a key the start fails in any case.
      const serve = [STELE, 'serve', '--data', data, '--key', join(parent, 'none.pem')];
      const stderr = await new Promise<string>((resolve) => {
        execFile(strace, [...trace, ...inject, ...serve], (_error, _stdout, stderr) => {
          resolve(stderr);
        });
      });
      expect(stderr).toContain(`the disk could not keep what was written to ${parent} (EIO`);
      expect(await readdir(parent)).toStrictEqual([]);
    }));

  it('is heard of by a folder that was open before a name changed in it', () =>
    withFolder(async (folder) => {
      const output = join(folder, 'calls');
      const calls = ['-f', '-qq', '-o', output, '-e', 'trace=open,openat,link,linkat,rename,renameat2'];
      await runWrite(strace, calls, join(folder, 'store'));
      const lines = (await readFile(output, 'utf8')).split('\n');
      for (const [change, place] of [
        ['link', join(folder, 'store', 'tile', '0')],
        ['rename', join(folder, 'store')],
      ] as const) {
        const changed = lines.findIndex((line) => new RegExp(` ${change}\\w*\\(`).test(line));
        const opened = lines.findLastIndex((line) => line.includes(`"${place}", O_RDONLY`));
        expect(changed, change).toBeGreaterThan(0);
        // The fsync after the change is of the descriptor that was opened last: the open must precede the change.
        expect(opened, change).toBeGreaterThan(0);
        expect(opened, change).toBeLessThan(changed);
      }
    }));

  it('stops the daemon, which says so', () =>
    withFolder(async (data) => {
      // The folder of the claims: nothing is synced there before the first claim.
      const inject = ['-P', join(data, 'store', 'staging'), '-e', 'inject=fsync:error=EIO'];
      const serve = [process.execPath, STELE, 'serve', '--data', data, '--listen', '127.0.0.1:0'];
      const args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', ...inject, ...serve];
      // A process group of their own, so that strace and the daemon are killed together.
      const child = spawn(strace, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      try {
        let stderr = '';
        child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        const exited = new Promise((resolve) => child.once('exit', resolve));
        const line = await new Promise<string>((resolve) =>
          child.stdout.once('data', (chunk: Buffer) => {
            resolve(chunk.toString());
          }),
        );
        const url = /http:\S+/.exec(line)?.[0] ?? '';
        const answer = await submit(url, goodRequest()).catch(() => undefined);
        expect(answer?.status).not.toBe(201);
        expect(await exited).toBe(1);
        expect(stderr).toMatch(
          /the log has stopped: the disk could not keep what was written to \S+store\/staging \(EIO: i\/o error, fsync\)\. Check the disk, and start again when it is sound/,
        );
      } finally {
        if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      }
    }));
});
