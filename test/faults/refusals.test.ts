/**
 * Stores and stagings that contradict each other after an operator's mistake: the log refuses to start, says what to
 * do, changes nothing, and goes on once the mistake is undone.
 */
import { appendFile, chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedStoreError, StartRefusedError } from '#src/errors.js';
import { startDaemon } from '../support/daemon.js';
import { log } from '../support/http.js';
import { filesIn, Folders, grow, refused, replace } from '../support/refused-start.js';

const folders = new Folders();
/**
 * A log of 3 entries, the same log at 5, another that grew from 3 to 5 and one that grew to 6, and one of another key.
 */
let old: string, current: string, fork: string, longFork: string, other: string;

beforeAll(async () => {
  [old, other] = [await folders.make(), await folders.make()];
  await grow(old, 3);
  await grow(other, 2);
  [current, fork, longFork] = [await folders.copy(old), await folders.copy(old), await folders.copy(old)];
  await grow(current, 2);
  await grow(fork, 2);
  await grow(longFork, 3);
});

afterAll(() => folders.remove());

describe.concurrent('a start is refused', () => {
  /** Breaks the log of 5 entries, and expects the refusal. */
  async function refuses(
    wrong: (data: string) => Promise<unknown>,
    message: RegExp,
    { args = [], code = 1 }: { args?: readonly string[]; code?: 1 | 2 } = {},
  ): Promise<string> {
    const data = await folders.copy(current);
    await wrong(data);
    const before = await filesIn(data);
    expect(await refused(data, code, ...args)).toMatch(message);
    // A missing staging may have been made, and is empty.
    const after = await filesIn(data);
    if (!('staging.sqlite' in before)) delete after['staging.sqlite'];
    expect(after).toStrictEqual(before);
    return data;
  }

  /** As `refuses`, and the log goes on after the repair. */
  async function refusesUntil(
    mended: (data: string) => Promise<unknown>,
    wrong: (data: string) => Promise<unknown>,
    message: RegExp,
  ): Promise<void> {
    const data = await refuses(wrong, message);
    await mended(data);
    expect(await grow(data, 1)).toStrictEqual([5]);
  }

  /** As `refusesUntil`, in this process, which is quicker than the command and runs the same code. */
  async function refusesHere(
    mended: (data: string) => Promise<unknown>,
    wrong: (data: string) => Promise<unknown>,
    message: RegExp,
  ): Promise<void> {
    const data = await folders.copy(current);
    await wrong(data);
    const before = await filesIn(data);
    const start = grow(data, 1);
    await expect(start).rejects.toSatisfy(
      (error) => error instanceof StartRefusedError || error instanceof DamagedStoreError,
    );
    await expect(start).rejects.toThrow(message);
    expect(await filesIn(data)).toStrictEqual(before);
    await mended(data);
    expect(await grow(data, 1)).toStrictEqual([5]);
  }

  const nothing = () => Promise.resolve();
  const store = (from: () => string) => (data: string) => replace(join(from(), 'store'), join(data, 'store'));
  const staging = (from: () => string) => (data: string) =>
    replace(join(from(), 'staging.sqlite'), join(data, 'staging.sqlite'));
  const rightStore = store(() => current);
  const rightStaging = staging(() => current);

  it('on a store that was rolled back', () =>
    refusesUntil(
      rightStore,
      store(() => old),
      /^the store is at 3 entries and staging has published 5: the store was rolled back or emptied.*Give the right store, or restore it from a copy/,
    ));

  it('on a store that was emptied', () =>
    refusesUntil(
      rightStore,
      (data) => rm(join(data, 'store'), { recursive: true }),
      /^the store is empty, and staging has 5 entries: the store was emptied, or --store names another place/,
    ));

  it('on another folder for the store', async () => {
    const elsewhere = await folders.make();
    const args = ['--store', `file:${elsewhere}`];
    const data = await refuses(nothing, /^the store is empty, .*--store names another place/, { args });
    expect(await filesIn(elsewhere)).toStrictEqual({});
    expect(await grow(data, 1)).toStrictEqual([5]);
  });

  it("on another log's store", () =>
    refusesUntil(
      rightStore,
      store(() => other),
      /^the checkpoint in the store is not one of 127\.0\.0\.1 by this key: .*Check --store, --origin and --key/,
    ));

  it('on a staging that was deleted', () =>
    refusesUntil(
      rightStaging,
      (data) => rm(join(data, 'staging.sqlite')),
      /^staging\.sqlite is missing or empty, and the store has a log of 5 entries\. .*--rebuild and with --expect-checkpoint/,
    ));

  it('on another data folder, which has no key', async () => {
    const elsewhere = await folders.make();
    const copy = await folders.copy(current);
    const before = await filesIn(copy);
    const message = await refused(elsewhere, 1, '--store', `file:${join(copy, 'store')}`);
    expect(message).toMatch(
      /^there is no key file \S+log\.key, and there is a log already: give the right --data, or the log's own key/,
    );
    expect(await filesIn(copy)).toStrictEqual(before);
  });

  it('on a fork of the same size', () =>
    refusesUntil(
      rightStore,
      store(() => fork),
      /^the store's log of 5 entries does not extend the 5 that staging has published: a fork\. Keep the store and staging as they are: they are the evidence/,
    ));

  it('on a fork that is longer', () =>
    refusesUntil(
      rightStore,
      store(() => longFork),
      /^the store's log of 6 entries does not extend the 5 that staging has published: a fork\. Keep/,
    ));

  it('under another origin', async () => {
    const data = await refuses(
      nothing,
      /^staging is of the log 127\.0\.0\.1, and --origin says log\.example: a log's origin never changes\. Give --origin 127\.0\.0\.1/,
      { args: ['--origin', 'log.example'] },
    );
    expect(await grow(data, 1)).toStrictEqual([5]);
  });

  it('with another key file', async () => {
    const data = await refuses(
      nothing,
      /^staging is of the log with the key 127\.0\.0\.1\+[0-9a-f]{8}\+\S+, and the key given is \S+\. Give the log its own key \(--key\)/,
      { args: ['--key', join(other, 'log.key')] },
    );
    expect(await grow(data, 1)).toStrictEqual([5]);
  });

  describe.concurrent('on a damaged store:', () => {
    const flip = (path: string, at: number) => async (data: string) => {
      const file = join(data, 'store', path);
      const bytes = await readFile(file);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      // A folder store makes files that never change read-only.
      await rm(file);
      await writeFile(file, bytes);
    };
    const claim = (text: string) => async (data: string) => {
      await mkdir(join(data, 'store', 'staging'), { recursive: true });
      await writeFile(join(data, 'store', 'staging', '5'), text);
    };
    const remove = (path: string) => (data: string) => rm(join(data, 'store', path));
    const cut = (path: string, length: number) => async (data: string) => {
      await chmod(join(data, 'store', path), 0o644);
      await truncate(join(data, 'store', path), length);
    };

    it('a byte of the right edge, by the command', () =>
      refusesUntil(
        rightStore,
        flip('tile/0/000.p/5', 70),
        /^the right edge .*Restore the store from a copy/,
      ));

    it('a byte of the last bundle, by the command', () =>
      refusesUntil(
        rightStore,
        flip('tile/entries/000.p/5', 200),
        /^the end of the log in the store does not verify: .*Restore the store from a copy/,
      ));

    it('a byte of the checkpoint, by the command', () =>
      refusesUntil(
        rightStore,
        flip('checkpoint', 14),
        /^the checkpoint in the store is not one of 127\.0\.0\.1 by this key: .*or restore the store from a copy$/,
      ));

    it('a claim of garbage, by the command', () =>
      refusesUntil(
        rightStore,
        claim('garbage'),
        /^the claim staging\/5 is not one of this log: .*restore it from a copy/,
      ));

    it.each([
      [
        'a byte of the right edge',
        flip('tile/0/000.p/5', 70),
        /^the right edge .*Restore the store from a copy/,
      ],
      ['the right edge is gone', remove('tile/0/000.p/5'), /^the right edge .*the log has no tile\/0\/000/],
      [
        'the right edge is cut',
        cut('tile/0/000.p/5', 159),
        /^the right edge .*Restore the store from a copy/,
      ],
      [
        'a byte of the last bundle',
        flip('tile/entries/000.p/5', 200),
        /^the end of the log .*Restore the store/,
      ],
      ['the last bundle is gone', remove('tile/entries/000.p/5'), /^the end .*has no tile\/entries\/000/],
      ['the last bundle is empty', cut('tile/entries/000.p/5', 0), /^the end .*bundle has 0 entries, not 5/],
      ['the times are gone', remove('tile/times/000.p/5'), /^the end .*has no tile\/times\/000/],
      ['the times are cut', cut('tile/times/000.p/5', 39), /^the end .*have 40 bytes, not 39/],
      ['the times go back', flip('tile/times/000.p/5', 3), /^the end .*before the one before it/],
    ] as const)('%s', (_, wrong, message) => refusesHere(rightStore, wrong, message));

    it.each([
      ['a byte of the root', flip('checkpoint', 14)],
      ['a byte of the signature', flip('checkpoint', 110)],
      ['a checkpoint that is empty', cut('checkpoint', 0)],
      ['a checkpoint that is cut', cut('checkpoint', 60)],
      ['a checkpoint and more', (data: string) => appendFile(join(data, 'store', 'checkpoint'), 'x')],
      [
        'a checkpoint of garbage',
        (data: string) => writeFile(join(data, 'store', 'checkpoint'), Buffer.alloc(99, 0xff)),
      ],
    ] as const)('%s', (_, wrong) =>
      refusesHere(
        rightStore,
        wrong,
        /^the checkpoint in the store is not one of 127\.0\.0\.1 by this key: [^.]+/,
      ),
    );

    it.each([
      ['of garbage', 'garbage'],
      ['that holds nothing', 'stele claim v1\n'],
      ['without a checkpoint', 'stele claim v1\n\0\0\0\x01x'],
    ])('a claim %s', (_, text) =>
      refusesHere(rightStore, claim(text), /^the claim staging\/5 is not one of this log/),
    );
  });

  it.each([
    [
      'garbage',
      (file: string) => writeFile(file, Buffer.alloc(20_000, 0x41)),
      /staging\.sqlite is damaged: .*not a database\. Keep the file, .*--rebuild/,
    ],
    [
      'cut short',
      (file: string) => truncate(file, 8192 + 100),
      /staging\.sqlite is damaged: .*malformed\. Keep the file, .*--rebuild/,
    ],
    ['a text', (file: string) => writeFile(file, 'hello'), /is damaged: .*not a database/],
    [
      'empty',
      (file: string) => truncate(file, 0),
      /^staging\.sqlite is missing or empty, and the store has a log of 5 entries/,
    ],
  ] as const)('on a staging that is %s', async (_, wrong, message) => {
    const data = await folders.copy(current);
    const file = join(data, 'staging.sqlite');
    await wrong(file);
    const before = await filesIn(join(data, 'store'));
    expect(await refused(data, 1)).toMatch(message);
    expect(await filesIn(join(data, 'store'))).toStrictEqual(before);
    await rightStaging(data);
    expect(await grow(data, 1)).toStrictEqual([5]);
  });

  it('on folders that a running daemon owns', async () => {
    const data = await folders.copy(current);
    const daemon = await startDaemon(data);
    try {
      const elsewhere = await folders.copy(current);
      const [sameData, sameStore, both] = await Promise.all([
        refused(data, 2, '--store', `file:${join(elsewhere, 'store')}`),
        refused(elsewhere, 2, '--store', `file:${join(data, 'store')}`),
        refused(data, 2),
      ]);
      expect(sameData).toMatch(/staging\.sqlite is in use by another running writer: stop it first/);
      expect(sameStore).toMatch(/store is owned by another running writer: stop it first/);
      expect(both).toMatch(/stop it first/);
      expect((await log(daemon.url)).logIndex).toBe('5');
      const listen = ['--listen', new URL(daemon.url).host];
      expect(await refused(elsewhere, 2, ...listen)).toMatch(
        /^cannot listen on 127\.0\.0\.1:\d+: another program listens there already/,
      );
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
    expect(await grow(data, 1)).toStrictEqual([6]);
  });
});
