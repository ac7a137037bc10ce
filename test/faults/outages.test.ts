/**
 * A real daemon runs out of disk space or file descriptors, and gets them back. Reads go on, submitters are told the
 * reason, no acknowledged entry is lost, and the daemon goes on without a restart. Mounting needs root and Linux.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { fsck } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { ENTRIES, goodRequest } from '../support/http.js';

const CAN_MOUNT = process.platform === 'linux' && process.getuid?.() === 0;
const onLinuxAsRoot = CAN_MOUNT || process.env['CI'] === 'true' ? it : it.skip;

/** Runs `use` with a small file system mounted at a folder. */
async function withDisk(folder: string, use: () => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
  try {
    await use();
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
}

/** Fills the disk under a folder to its last byte. Returns a function that frees it. */
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

/** Sends requests on one connection: a daemon without file descriptors cannot accept another. */
class Connection {
  readonly #client: Client;

  constructor(daemon: Daemon) {
    this.#client = new Client(daemon.url, { keepAliveTimeout: 60_000 });
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await this.#client.request({ method: 'GET', path });
    return { status: statusCode, text: await body.text() };
  }

  async submit(request: object): Promise<{ status: number; text: string }> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(request);
    const answer = await this.#client.request({ method: 'POST', path: ENTRIES, headers, body });
    return { status: answer.statusCode, text: await answer.body.text() };
  }

  /** Submits an entry that must be logged. Returns its index. */
  async log(request: object): Promise<number> {
    const { status, text } = await this.submit(request);
    expect(status, text).toBe(201);
    return Number((JSON.parse(text) as { logIndex: string }).logIndex);
  }

  async health(): Promise<unknown> {
    return JSON.parse((await this.get('/healthz')).text);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** How many times these words are in the daemon's log. */
function linesWith(daemon: Daemon, words: string): number {
  return daemon.log().split(words).length - 1;
}

interface OutageOptions {
  readonly data: string;
  readonly args: readonly string[];
  readonly code: string;
  readonly reason: string;
  /** Begins the outage. Returns a function that ends it. */
  readonly begin: (daemon: Daemon) => Promise<() => Promise<void>>;
  /** Whether the log's files can be read during the outage. */
  readonly isReadable?: boolean;
}

async function outlive({ data, args, code, reason, begin, isReadable = true }: OutageOptions): Promise<void> {
  const daemon = await startDaemon(data, args);
  try {
    const connection = new Connection(daemon);
    const first = goodRequest();
    expect(await connection.log(first)).toBe(0);
    const end = await begin(daemon);
    // The first entry is accepted before the outage is noticed, and stays in flight. Its submitter is told the reason.
    const accepted = goodRequest();
    expect(await connection.submit(accepted)).toMatchObject({ status: 503 });
    expect((await connection.submit(accepted)).text).toContain(reason);
    // A later entry is refused at once.
    expect((await connection.submit(goodRequest())).text).toContain(
      `the log takes no entries now: ${reason}`,
    );
    await vi.waitFor(async () => {
      expect(await connection.health()).toEqual({ status: 'NOT_SERVING', code, reason });
    }, 10_000);
    if (isReadable) {
      for (const path of ['/checkpoint', '/tile/entries/000.p/1', '/tile/0/000.p/1'])
        expect((await connection.get(path)).status, path).toBe(200);
    }
    expect(linesWith(daemon, '; trying again until it succeeds'), daemon.log()).toBe(1);
    await end();
    await vi.waitFor(async () => {
      expect(await connection.health()).toEqual({ status: 'SERVING' });
    }, 30_000);
    await vi.waitFor(() => {
      expect(linesWith(daemon, 'the outage is over after '), daemon.log()).toBe(1);
    }, 30_000);
    expect(await connection.log(accepted)).toBe(1);
    expect(await connection.log(first)).toBe(0);
    expect(await connection.log(goodRequest())).toBe(2);
    await connection.close();
    expect(await daemon.stop()).toBe(0);
  } finally {
    await daemon.stop('SIGKILL');
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
      const unmount = () => {
        execFileSync('umount', ['-l', tiles]);
        return Promise.resolve();
      };
      try {
        await outlive({
          ...{ data, args: ['--store', `file:${store}`] },
          ...{ code: 'read-only', reason: 'the disk is read-only' },
          begin: () => {
            execFileSync('mount', ['--bind', tiles, tiles]);
            execFileSync('mount', ['-o', 'remount,bind,ro', tiles]);
            return Promise.resolve(unmount);
          },
        });
      } finally {
        // Only if the test has failed before the outage ended.
        await Promise.resolve()
          .then(unmount)
          .catch(() => undefined);
      }
    }),
  );

  onLinuxAsRoot('no file descriptors are left', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      await outlive({
        ...{ data, args: [], code: 'too-many-files', reason: 'no file descriptors are left' },
        // Connections need descriptors too, so the test keeps those that it needs open.
        isReadable: false,
        begin: (daemon) => {
          const pid = String(daemon.process.pid);
          const limit = (count: number) => execFileSync('prlimit', ['--pid', pid, `--nofile=${count}:8192`]);
          const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
          let lowest = 0;
          while (used.has(lowest)) lowest++;
          limit(lowest);
          return Promise.resolve(() => {
            limit(8192);
            return Promise.resolve();
          });
        },
      });
    }),
  );
});
