/**
 * The file of a folder's lock is deleted or replaced under a running writer. Another writer may then start there, so
 * the first one must notice before its next write.
 */
import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Database } from '#writer/staging/database.js';
import { FolderLock } from '#writer/staging/lock.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { goodRequest, log, send, submit } from '../support/http.js';

const LOCK = '.lock.sqlite';

/** Submits to a daemon that has lost its lock: it must log nothing more, and stop. */
async function expectStops(daemon: Daemon): Promise<void> {
  const ended = new Promise((resolve) => daemon.process.once('exit', resolve));
  const answer = await submit(daemon.url, goodRequest()).catch(() => undefined);
  expect(answer?.status).not.toBe(201);
  expect(await ended).toBe(1);
  expect(daemon.log()).toMatch(
    /the log has stopped: \S+\.lock\.sqlite, the lock of the store, was deleted or replaced while this writer ran/,
  );
}

it.each([
  ['deleted', (file: string) => rm(file)],
  ['moved away', (file: string) => rename(file, `${file}.old`)],
  [
    'replaced',
    async (file: string) => {
      await rm(file);
      await writeFile(file, '');
    },
  ],
])('a writer whose lock was %s writes nothing more', (_, lose) =>
  withFolder(async (data) => {
    const daemon = await startDaemon(data);
    try {
      await log(daemon.url);
      await lose(join(data, 'store', LOCK));
      await expectStops(daemon);
    } finally {
      await daemon.stop('SIGKILL');
    }
    // The log is whole: the next writer publishes the entry that was on its way.
    const again = await startDaemon(data);
    const { logIndex } = await log(again.url).finally(() => again.stop());
    expect(logIndex).toBe('2');
  }),
);

it('of two writers, the second of which took the lock anew, the first stops and the second goes on', () =>
  withFolder(async (folder) => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const store = ['--store', `file:${join(folder, 'store')}`];
    const made = await startDaemon(one, store);
    await log(made.url);
    expect(await made.stop()).toBe(0);
    await cp(one, two, { recursive: true });

    const first = await startDaemon(one, store);
    await expect(startDaemon(two, store)).rejects.toThrow(
      /is owned by another running writer: stop it first/,
    );
    await rm(join(folder, 'store', LOCK));
    const second = await startDaemon(two, store);
    try {
      await expectStops(first);
      expect((await log(second.url)).logIndex).toBe('1');
      expect((await send(second.url, 'GET', '/healthz')).status).toBe(200);
    } finally {
      await first.stop('SIGKILL');
      expect(await second.stop()).toBe(0);
    }
  }));

it('a lock whose file was removed between its opening and its locking is not taken, also where it was new', () =>
  withFolder(async (folder) => {
    const file = join(folder, LOCK);
    const open = Database.open.bind(Database);
    let other: FolderLock | undefined;
    // Between our opening and locking the file, a failing start removes it, and another writer locks a new one.
    const opening = vi.spyOn(Database, 'open').mockImplementationOnce(async (path) => {
      const opened = await open(path);
      await rm(file);
      other = await FolderLock.take(folder);
      return opened;
    });
    try {
      await expect(FolderLock.take(folder)).rejects.toThrow('the file was replaced meanwhile: start again');
      // The other writer's file is untouched.
      await expect(other?.check()).resolves.toBeUndefined();
    } finally {
      opening.mockRestore();
      await other?.release();
    }
  }));
