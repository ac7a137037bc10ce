/**
 * Disks and descriptors that run out under a real daemon, and come back: reads go on, submitters are told why, nothing
 * acknowledged is lost, and the daemon goes on without a restart. Mounting needs root and Linux.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { fsck } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { startDaemon, withFolder, type Daemon } from '../daemon.js';
import { expectProblem, goodRequest, log, send, submit } from '../integration/http-support.js';

const CAN_MOUNT = process.platform === 'linux' && process.getuid?.() === 0;
const onLinuxAsRoot = CAN_MOUNT || process.env['CI'] === 'true' ? it : it.skip;

/** Runs `use` with a small disk of its own mounted at a folder. */
async function withDisk(folder: string, use: () => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
  try {
    await use();
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
}

/** Fills the disk under a folder to its last byte. Returns what frees it again. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const name = join(folder, 'filler');
  const file = await open(name, 'w');
  try {
    for (const size of [65_536, 4_096, 1]) {
      for (;;) {
        try {
          await file.write(Buffer.alloc(size));
        } catch {
          break;
        }
      }
    }
  } finally {
    await file.close();
  }
  return () => rm(name);
}

async function healthOf(daemon: Daemon): Promise<{ status: string; code?: string; reason?: string }> {
  const answer = await send(daemon.url, 'GET', '/healthz');
  return JSON.parse(answer.body.toString()) as { status: string; code?: string; reason?: string };
}

/** How often a line of the daemon's log has these words. */
function linesWith(daemon: Daemon, words: string): number {
  return daemon.log().split(words).length - 1;
}

interface OutageOptions {
  readonly data: string;
  readonly args: readonly string[];
  readonly code: string;
  readonly reason: string;
  /** Has the outage begin. Returns what ends it. */
  readonly begin: (daemon: Daemon) => Promise<() => Promise<void>>;
  /** Whether the files can be read meanwhile. */
  readonly isReadable?: boolean;
}

async function outlive({ data, args, code, reason, begin, isReadable = true }: OutageOptions): Promise<void> {
  const daemon = await startDaemon(data, args);
  try {
    const request = goodRequest();
    const before = await log(daemon.url, request);
    const end = await begin(daemon);
    // What is accepted before the outage is noticed is told that it may be logged soon, and what comes later why it is not.
    const lost = goodRequest();
    await vi.waitFor(async () => {
      const message = expectProblem(await submit(daemon.url, lost), 503);
      expect(message).toContain(reason);
    }, 30_000);
    expect(await healthOf(daemon)).toEqual({ status: 'NOT_SERVING', code, reason });
    if (isReadable) {
      for (const path of ['/checkpoint', '/tile/entries/000.p/1', '/tile/0/000.p/1'])
        expect((await send(daemon.url, 'GET', path)).status, path).toBe(200);
    }
    expect(linesWith(daemon, 'failed, and is tried again')).toBe(1);
    await end();
    await vi.waitFor(async () => {
      expect(await healthOf(daemon)).toEqual({ status: 'SERVING' });
    }, 30_000);
    await vi.waitFor(() => {
      expect(linesWith(daemon, ' succeeded after ')).toBe(1);
    }, 30_000);
    // The entry of the outage was accepted once, or is taken now: never twice.
    const after = await log(daemon.url, lost);
    expect(after.logIndex).toBe('1');
    expect((await log(daemon.url, request)).logIndex).toBe(before.logIndex);
    expect((await log(daemon.url)).logIndex).toBe('2');
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
  const reader = await openLog(storeOf(data, args), { verifierKey: daemon.verifierKey });
  expect((await fsck(reader)).checkpoint.size).toBe(3);
}

function storeOf(data: string, args: readonly string[]): string {
  return args[args.indexOf('--store') + 1]?.replace('file:', '') ?? join(data, 'store');
}

describe('while the log runs', () => {
  onLinuxAsRoot('a full disk under the data folder', () =>
    withFolder(async (folder) => {
      const [data, store] = [join(folder, 'data'), join(folder, 'store')];
      await withDisk(data, () =>
        outlive({
          ...{ data, args: ['--store', `file:${store}`] },
          ...{ code: 'disk-full', reason: 'the disk is full' },
          begin: () => fill(data),
        }),
      );
    }),
  );

  onLinuxAsRoot('a full disk under the store', () =>
    withFolder(async (folder) => {
      const [data, store] = [join(folder, 'data'), join(folder, 'store')];
      await withDisk(store, () =>
        outlive({
          ...{ data, args: ['--store', `file:${store}`] },
          ...{ code: 'disk-full', reason: 'the disk is full' },
          begin: () => fill(store),
        }),
      );
    }),
  );

  onLinuxAsRoot('tiles that have become read-only', () =>
    withFolder(async (folder) => {
      const [data, store] = [join(folder, 'data'), join(folder, 'store')];
      const tiles = join(store, 'tile');
      await outlive({
        ...{ data, args: ['--store', `file:${store}`] },
        ...{ code: 'read-only', reason: 'the disk is read-only' },
        begin: () => {
          execFileSync('mount', ['--bind', tiles, tiles]);
          execFileSync('mount', ['-o', 'remount,bind,ro', tiles]);
          return Promise.resolve(() => {
            execFileSync('umount', ['-l', tiles]);
            return Promise.resolve();
          });
        },
      });
    }),
  );

  onLinuxAsRoot('no file descriptors are left', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      await outlive({
        ...{ data, args: [], code: 'too-many-files', reason: 'no file descriptors are left' },
        // Connections need descriptors too: those that the test needs are open, and stay.
        isReadable: false,
        begin: (daemon) => {
          const pid = String(daemon.process.pid);
          const limit = (count: number) => execFileSync('prlimit', ['--pid', pid, `--nofile=${count}:8192`]);
          const used = readdirSync(`/proc/${pid}/fd`).map(Number);
          // Room for a few connections at a time, and for none of the files that a batch writes at once.
          limit(Math.max(...used) + 4);
          return Promise.resolve(() => {
            limit(8192);
            return Promise.resolve();
          });
        },
      });
    }),
  );
});
