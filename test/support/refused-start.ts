/**
 * Logs in temporary folders, which tests damage and repair.
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import { opensslSha256 } from '#src/node/openssl-sha256.js';
import { FolderStore } from '#src/store/folder.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { leafHash } from '#tiles-spec/index.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { Writer, type WriterOptions } from '#writer/writer.js';
import { STELE } from './daemon.js';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `stele` until it ends, for 15 seconds at most. */
export function stele(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [STELE, ...args],
      { env, timeout: 120_000, killSignal: 'SIGKILL' },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      },
    );
  });
}

/** Runs `stele serve` on a folder where it must refuse to start. Returns its last and only line of output. */
export async function refused(data: string, code: 1 | 2, ...args: readonly string[]): Promise<string> {
  const ended = await stele([
    ...['serve', '--data', data],
    ...(args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']),
    ...args,
  ]);
  expect(ended.stdout).toBe('');
  expect(ended.code, ended.stderr).toBe(code);
  return expectMessage(ended.stderr);
}

/** Requires that standard error ends in a line of the command's own, and holds no stack trace. */
export function expectMessage(stderr: string): string {
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => /^\s+at /.test(line))).toStrictEqual([]);
  const last = lines.at(-1) ?? '';
  expect(last).toMatch(/^stele: /);
  expect(last).not.toMatch(/unexpected error|undefined|\[object/);
  expect(lines.filter((line) => line.startsWith('stele: '))).toStrictEqual([last]);
  return last.slice('stele: '.length);
}

/** The digest of every file below a folder, except the lock's. */
export async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.lock.sqlite'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const digests = await Promise.all(
    files.map(async (file) => {
      const digest = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      return [file.slice(folder.length + 1), digest] as const;
    }),
  );
  return Object.fromEntries(digests);
}

/** Temporary folders of one test file. */
export class Folders {
  readonly #made: string[] = [];

  async make(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'stele-refusals-'));
    this.#made.push(folder);
    return folder;
  }

  /** A copy of a folder. */
  async copy(folder: string): Promise<string> {
    const copy = await this.make();
    await cp(folder, copy, { recursive: true });
    return copy;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#made.map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

/** Opens the log in a data folder as the command does, but in this process, and closes it after `use`. */
export async function withWriter<T>(
  data: string,
  use: (writer: Writer) => Promise<T>,
  {
    now = Date.now,
    clock = {},
    store = join(data, 'store'),
  }: { now?: () => number; clock?: WriterOptions['clock']; store?: string } = {},
): Promise<T> {
  const file = join(data, 'log.key');
  const key = existsSync(file) ? await LogKey.read(file) : await LogKey.create(file);
  const staging = await SqliteStaging.open(join(data, 'staging.sqlite'));
  try {
    const writer = await Writer.open(
      {
        ...{ store: new FolderStore(store), staging, key, origin: ORIGIN, now, clock, create: true },
        ...{ batchAge: 0, batchSize: 256, maxPending: 256, log: pino({ level: 'silent' }) },
      },
      new AbortController().signal,
    );
    try {
      return await use(writer);
    } finally {
      await writer.close();
    }
  } finally {
    await staging.close();
  }
}

/** The origin of the tests' logs, which is the host that they listen on. */
const ORIGIN = '127.0.0.1';

/** An entry without a signature: it goes straight to the writer, behind validation. */
export function entry(text = randomBytes(150).toString('hex')) {
  const body = encodeText(text);
  return { body, leafHash: leafHash(body, opensslSha256) };
}

/** Submits entries one by one to the log in a data folder, which is made if there is none. Returns their indices. */
export function grow(data: string, count: number): Promise<number[]> {
  return withWriter(data, async (writer) => {
    const indices: number[] = [];
    for (let i = 0; i < count; i++) indices.push((await writer.submit(entry())).index);
    return indices;
  });
}

/** Replaces one folder or file by a copy of another. */
export async function replace(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}
