/**
 * Staging that is lost, damaged or old: `stele rebuild-staging` and `stele serve --rebuild` make it from the store and
 * the key. Entries keep their indices, and a staging that contradicts the store is refused.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon } from '../support/daemon.js';
import { goodRequest, log } from '../support/http.js';
import { filesIn, Folders, grow, refused, replace, stele, withWriter } from '../support/refused-start.js';

const folders = new Folders();
/** A log that took these requests one by one, with copies of its staging after each; and a fork of the log. */
let current: string, fork: string, other: string;
const copies: string[] = [];
const requests = Array.from({ length: 5 }, () => goodRequest());

beforeAll(async () => {
  [current, other] = [await folders.make(), await folders.make()];
  await grow(other, 2);
  for (const request of requests) {
    const daemon = await startDaemon(current);
    await log(daemon.url, request);
    expect(await daemon.stop()).toBe(0);
    copies.push(await folders.copy(current));
  }
  fork = await folders.copy(copies[1] ?? '');
  await grow(fork, 4);
});

afterAll(() => folders.remove());

/** Starts the daemon, and requires that all requests have their old indices. Returns the daemon's own log. */
async function serves(data: string, ...args: readonly string[]): Promise<string> {
  const daemon = await startDaemon(data, args);
  try {
    for (const [index, request] of requests.entries())
      expect((await log(daemon.url, request)).logIndex).toBe(String(index));
    const size = Number((await log(daemon.url)).logIndex);
    expect(size).toBeGreaterThanOrEqual(requests.length);
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
  return daemon.log();
}

const rebuild = (data: string, ...args: readonly string[]) =>
  stele(['rebuild-staging', '--data', data, ...args]);

const WITHOUT = (data: string) => rm(join(data, 'staging.sqlite'));

describe.concurrent('a staging', () => {
  it('that is an older copy is brought up by the start', async () => {
    for (const copy of copies.slice(0, -1)) {
      const data = await folders.copy(current);
      await replace(join(copy, 'staging.sqlite'), join(data, 'staging.sqlite'));
      expect(await serves(data)).toMatch(
        /staging\.sqlite has the first \d of the store's 5 entries: .*Reading the others from the store/,
      );
    }
  });

  it('that is lost is made anew by --rebuild, with the dates that the log had', async () => {
    const data = await folders.copy(current);
    await WITHOUT(data);
    const created = (folder: string) =>
      withWriter(folder, (writer) => Promise.resolve(writer.identity.created));
    const before = await created(await folders.copy(current));
    expect(await serves(data, '--rebuild')).toMatch(
      /staging is rebuilt from the store's log of 5 entries\. .*--expect-checkpoint/,
    );
    // Times in trust files are whole seconds.
    expect(await created(data)).toBe(Math.floor(before / 1000) * 1000);
  });

  it('that is lost is made anew by rebuild-staging, which publishes nothing', async () => {
    const data = await folders.copy(current);
    await WITHOUT(data);
    const store = await filesIn(join(data, 'store'));
    const made = await rebuild(data);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toMatch(
      /staging\.sqlite has the leaf hashes of 5 entries of 127\.0\.0\.1: 5 are read/,
    );
    expect(made.stderr).toMatch(/^stele: staging is rebuilt from .*--expect-checkpoint/);
    expect(await filesIn(join(data, 'store'))).toStrictEqual(store);
    await serves(data);
  });

  it('that fits is not changed', async () => {
    const data = await folders.copy(current);
    const before = await filesIn(data);
    const { code, stdout, stderr } = await rebuild(data);
    expect([code, stderr]).toStrictEqual([0, '']);
    expect(stdout).toMatch(/staging\.sqlite fits the store, at 5 entries: nothing is changed/);
    expect(await filesIn(data)).toStrictEqual(before);
    expect(await serves(data, '--rebuild')).toMatch(/staging is there and is not rebuilt/);
  });

  it('that is older is brought up by rebuild-staging', async () => {
    const data = await folders.copy(current);
    await replace(join(copies[1] ?? '', 'staging.sqlite'), join(data, 'staging.sqlite'));
    const { code, stdout } = await rebuild(data);
    expect(code).toBe(0);
    expect(stdout).toMatch(/has the leaf hashes of 5 entries of 127\.0\.0\.1: 3 are read/);
    await serves(data);
  });

  it.each([
    ['garbage', (file: string) => writeFile(file, Buffer.alloc(20_000, 0x41))],
    ['cut short', (file: string) => truncate(file, 8192 + 100)],
  ] as const)('that is %s is moved aside and made anew', async (_, damage) => {
    for (const way of ['serve', 'rebuild-staging']) {
      const data = await folders.copy(current);
      const file = join(data, 'staging.sqlite');
      await damage(file);
      const damaged = await readFile(file);
      const said = way === 'serve' ? await serves(data, '--rebuild') : (await rebuild(data)).stderr;
      const [aside = 'none'] = /staging\.sqlite\.aside-\d{8}T\d{6}Z/.exec(said) ?? [];
      expect(await readFile(join(data, aside))).toEqual(damaged);
      await serves(data);
    }
  });

  it('goes without a -wal that is lost', async () => {
    const data = await folders.copy(current);
    const daemon = await startDaemon(data);
    await log(daemon.url);
    await daemon.stop('SIGKILL');
    expect(existsSync(join(data, 'staging.sqlite-wal'))).toBe(true);
    await rm(join(data, 'staging.sqlite-wal'));
    expect(await serves(data)).toMatch(/staging\.sqlite has the first 5 of the store's 6 entries/);
  });
});

describe.concurrent('--rebuild refuses', () => {
  const refuses = async (message: RegExp, data: string, ...args: readonly string[]) => {
    expect(await refused(data, 1, '--rebuild', ...args)).toMatch(message);
    const ended = await rebuild(data, ...args);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^stele: /);
  };

  it("a staging that contradicts the store: a fork, one that is newer, another log's", async () => {
    const forked = await folders.copy(current);
    await replace(join(fork, 'store'), join(forked, 'store'));
    await refuses(/a fork\. Keep the store and staging as they are/, forked);
    const rolledBack = await folders.copy(current);
    await replace(join(copies[1] ?? '', 'store'), join(rolledBack, 'store'));
    await refuses(/the store was rolled back or emptied/, rolledBack);
    const others = await folders.copy(current);
    await refuses(/the key given is/, others, '--key', join(other, 'log.key'));
    await refuses(/a log's origin never changes/, others, '--origin', 'log.example');
  });

  it('a store that is not of the key, or has no log', async () => {
    const data = await folders.copy(current);
    await WITHOUT(data);
    await refuses(/the checkpoint in the store is not one of/, data, '--key', join(other, 'log.key'));
    await rm(join(data, 'store'), { recursive: true });
    expect(await refused(data, 1, '--rebuild')).toMatch(
      /staging and store are both empty: there is no log from which --rebuild could make staging/,
    );
    expect((await rebuild(data)).code).toBe(2);
  });

  it('a store that is behind an expected checkpoint, even where staging is lost', async () => {
    const data = await folders.copy(copies[1] ?? '');
    await WITHOUT(data);
    const expected = join(current, 'store', 'checkpoint');
    expect(await refused(data, 1, '--rebuild', '--expect-checkpoint', expected)).toMatch(
      /the store has 2 entries, and the expected checkpoint 5/,
    );
    const right = await folders.copy(current);
    await WITHOUT(right);
    await serves(right, '--rebuild', '--expect-checkpoint', expected);
  });
});
