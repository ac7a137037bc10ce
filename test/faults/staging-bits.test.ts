/**
 * One flipped bit of staging, at 400 places. The damage is repaired from the store, or refused by the file's name, or
 * has no effect. Nothing wrong is ever published or answered, and every acknowledged entry keeps its index.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { openStaging } from '#cli/commands/serve/staging.js';
import { fsck, LogReader } from '#reader/index.js';
import { nodeGunzip } from '#reader/node/gunzip.js';
import { messageOf } from '#src/errors.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { FolderStore } from '#src/store/folder.js';
import { Writer } from '#writer/writer.js';
import { rebuild, requirePrefix, type NaiveLog } from '../support/naive-log.js';
import { entries, ORIGIN } from '../support/test-log.js';

const FOLDERS = await mkdtemp(join(tmpdir(), 'stele-bits-'));
afterAll(() => rm(FOLDERS, { recursive: true }));

/** The batches of the log: their labels and numbers of entries. */
const PUBLISHED = [
  ['a', 1],
  ['b', 200],
  ['c', 54],
  ['d', 3],
  ['e', 40],
] as const;
const PUBLISHED_LATER = ['f', 10] as const;
const UNPUBLISHED = ['g', 30] as const;

/** Runs a writer on a folder, to its end or until it is killed (kill-writer.mjs). */
function live(
  folder: string,
  number: string,
  batches: readonly (readonly [string, number])[],
): Promise<void> {
  const file = join(process.cwd(), 'test', 'faults', 'kill-writer.mjs');
  const labels = batches.map(([label, count]) => `${label}:${count}`);
  return new Promise((resolve) => {
    execFile(process.execPath, [file, folder, number, 'after', ...labels], () => {
      resolve();
    });
  });
}

/** A log in a folder, whose writer was closed. */
const CLOSED = join(FOLDERS, 'closed');
/** The same log after another batch. The writer died with a third one in the outbox; both are only in the -wal file. */
const KILLED = join(FOLDERS, 'killed');
await mkdtemp(CLOSED).then((made) => cp(made, CLOSED, { recursive: true }));
await live(CLOSED, 'none', PUBLISHED);
await cp(CLOSED, KILLED, { recursive: true });
// The first batch has eight durable calls.
await live(KILLED, '8', [PUBLISHED_LATER, UNPUBLISHED]);

const KEY = await LogKey.read(join(CLOSED, 'log.key'));
assert.equal(logIn(CLOSED).size, 298);
assert.equal(logIn(KILLED).size, 308);
assert.ok(existsSync(join(KILLED, 'staging.sqlite-wal')));

function logIn(folder: string): NaiveLog {
  const file = (path: string) => join(folder, 'store', path);
  const read = (path: string) => (existsSync(file(path)) ? readFileSync(file(path)) : undefined);
  return rebuild(readFileSync(file('checkpoint')), read, { origin: ORIGIN, spki: KEY.spki });
}

type Outcome = 'no effect' | 'repaired' | 'refused';

/** Starts on a folder as `stele serve` does, and submits every entry again. Returns the warnings. */
async function start(folder: string, isRebuilt: boolean): Promise<string[]> {
  const warnings: string[] = [];
  const write = (line: string) => {
    warnings.push((JSON.parse(line) as { msg: string }).msg);
  };
  const log = pino({ level: 'warn' }, { write });
  const staging = await openStaging(folder, isRebuilt, log);
  try {
    const store = new FolderStore(join(folder, 'store'));
    const writer = await Writer.open(
      {
        ...{ store, staging, key: KEY, origin: ORIGIN, log, create: !isRebuilt, rebuild: isRebuilt },
        ...{ batchAge: 0, batchSize: 4096, maxPending: 4096 },
      },
      new AbortController().signal,
    );
    const submit = async ([label, count]: readonly [string, number]) => {
      const proved = await Promise.all(entries(label, count).map((entry) => writer.submit(entry)));
      return proved.map(({ index }) => index);
    };
    let next = 0;
    for (const batch of [...PUBLISHED, PUBLISHED_LATER, UNPUBLISHED, ['new', 1] as const]) {
      expect(await submit(batch)).toEqual(Array.from({ length: batch[1] }, () => next++));
    }
    expect(await writer.close()).toBeUndefined();
  } finally {
    await staging.close();
  }
  return warnings;
}

/** Flips one bit, and checks the outcome. */
async function flip(base: string, file: string, bit: number): Promise<Outcome> {
  const folder = await mkdtemp(join(FOLDERS, 'flipped-'));
  const before = logIn(base);
  await cp(base, folder, { recursive: true });
  try {
    const damaged = join(folder, file);
    const bytes = readFileSync(damaged);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(damaged, bytes);
    const [outcome, rebuilt] = await start(folder, false).then(
      (warnings) => [warnings.length === 0 ? 'no effect' : 'repaired', undefined] as const,
      (error: unknown) => ['refused', messageOf(error)] as const,
    );
    if (rebuilt !== undefined) {
      expect(rebuilt).toMatch(/staging\.sqlite/);
      requirePrefix(before, logIn(folder));
      await start(folder, true);
    }
    const log = logIn(folder);
    requirePrefix(before, log);
    expect(log.size).toBe(339);
    const store = new FolderStore(join(folder, 'store'));
    const reader = new LogReader({
      read: async (path) => (await store.read(path))?.bytes,
      verifier: KEY.verifier(ORIGIN),
      gunzip: nodeGunzip,
    });
    expect((await fsck(reader)).checkpoint.size).toBe(339);
    return outcome;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Numbers from 0 to 2^32 - 1, the same in each run (mulberry32). */
function* seeded(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    yield (mixed ^ (mixed >>> 14)) >>> 0;
  }
}

/** Bits of a file: in its first 100 bytes, at the beginning of each page, and spread over the whole file. */
async function places(file: string, count: number): Promise<number[]> {
  const { size } = await stat(file);
  const random = seeded(size);
  const below = (end: number) => (random.next().value as number) % end;
  const pages = Math.ceil(size / 4096);
  return Array.from({ length: count }, (_, i) => {
    if (i % 5 === 0) return below(100 * 8);
    if (i % 5 === 1) return Math.min(size * 8 - 1, (i % pages) * 4096 * 8 + below(12 * 8));
    return Math.floor(((i + (random.next().value as number) / 2 ** 32) / count) * size * 8);
  });
}

/** Places in one test, which takes some seconds. */
const PER_TEST = 20;

describe('a bit of', async () => {
  for (const [name, base, file, count] of [
    ['a staging that was closed well', CLOSED, 'staging.sqlite', 200],
    ['a staging with an unpublished batch', KILLED, 'staging.sqlite', 80],
    ['its -wal', KILLED, 'staging.sqlite-wal', 120],
  ] as const) {
    const outcomes: Record<Outcome, number> = { 'no effect': 0, repaired: 0, refused: 0 };
    const bits = await places(join(base, file), count);
    for (let at = 0; at < count; at += PER_TEST) {
      it(`${name}: places ${at} to ${at + PER_TEST - 1}`, async () => {
        for (const bit of bits.slice(at, at + PER_TEST)) {
          try {
            outcomes[await flip(base, file, bit)]++;
          } catch (error) {
            throw new Error(`bit ${bit} of ${file}`, { cause: error });
          }
        }
      });
    }
    it(`${name}: all ${count} places`, () => {
      process.stdout.write(`${name}, ${count} bits: ${JSON.stringify(outcomes)}\n`);
      expect(Object.values(outcomes).reduce((sum, each) => sum + each)).toBe(count);
    });
  }
});
