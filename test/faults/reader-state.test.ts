/**
 * A reader's memory of a log between runs, and the refusals that follow from it.
 */
import { execFile } from 'node:child_process';
import promises, { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InconsistentLogError, StateError } from '#reader/index.js';
import { HeadFile, openLog } from '#reader/node/index.js';
import { withFolder } from '../support/daemon.js';
import { folderPlace, placeOf, writeFiles, type LogPlace } from '../support/log-place.js';
import { describeWithVectors, readVector, VECTORS } from '../support/vectors.js';
import { digestOf, filesIn, newKey, ORIGIN, refusal, serveFiles, TestLog } from '../support/reader.js';

const TESSERA = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const STATE = `${encodeURIComponent(ORIGIN)}.checkpoint`;

/** Runs `use` with an empty place for a log and an empty state folder. */
function withFolders<T>(use: (place: LogPlace, stateFolder: string) => Promise<T>): Promise<T> {
  return withFolder((folder) => use(placeOf(folder), join(folder, 'state')));
}

/** Copies the log of the vectors to a place. The vectors also hold a checkpoint of every size. */
async function copyTo(place: LogPlace, folder: string): Promise<void> {
  const files = [...(await filesIn(folder))].filter(([path]) => !path.startsWith('checkpoint.'));
  await writeFiles(place, new Map(files));
}

/** Expects that a log is refused, that both checkpoints are kept byte for byte, and that the state is unchanged. */
async function expectInconsistent(
  place: LogPlace,
  options: { readonly verifierKey: string; readonly stateFolder: string },
  code: InconsistentLogError['code'],
  message: RegExp,
): Promise<void> {
  const state = await stateIn(options.stateFolder);
  const shown = await place.read('checkpoint');
  const refuse = async () => {
    const error = await refusal(place.open(options).then((log) => log.latest()));
    if (!(error instanceof InconsistentLogError)) throw error;
    return error;
  };
  const error = await refuse();
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  const { evidence } = error;
  expect(evidence.startsWith(join(options.stateFolder, 'evidence'))).toBe(true);
  expect(await readFile(join(evidence, 'seen.checkpoint'))).toEqual(state);
  expect(await readFile(join(evidence, 'shown.checkpoint'))).toEqual(shown);
  expect(await stateIn(options.stateFolder)).toEqual(state);
  // Several times at once: the evidence is kept once.
  const again = await Promise.all([refuse(), refuse(), refuse()]);
  expect(again.map((error) => error.evidence)).toEqual([evidence, evidence, evidence]);
}

async function stateIn(folder: string): Promise<Buffer> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.checkpoint'));
  return readFile(join(folder, file ?? ''));
}

describeWithVectors("tessera's log, under one state file", () => {
  const options = (stateFolder: string) => ({ verifierKey: TESSERA, stateFolder });
  const show = (place: LogPlace, size: number) =>
    place.write('checkpoint', readVector('tessera-log', `checkpoint.${size}`));

  it.each([
    ['size by size', Array.from({ length: 16 }, (_, size) => size)],
    ['in jumps', [0, 1, 4, 8, 15]],
    ['in jumps from its middle', [3, 3, 7, 13, 14, 15, 15]],
    ['at once', [15]],
  ])('grows %s', (_, sizes) =>
    withFolders(async (place, stateFolder) => {
      await copyTo(place, join(VECTORS, 'tessera-log'));
      let before: number | undefined;
      for (const size of sizes) {
        await show(place, size);
        const { checkpoint, seen } = await (await place.open(options(stateFolder))).latest();
        expect([checkpoint.size, seen?.size]).toEqual([size, before]);
        expect([...(await filesIn(stateFolder))]).toEqual([
          [
            'example.com%2Flog%2Ftestdata.checkpoint',
            Buffer.from(readVector('tessera-log', `checkpoint.${size}`)),
          ],
        ]);
        before = size;
      }
    }),
  );

  it('is refused when it is rolled back, to any size', () =>
    withFolders(async (place, stateFolder) => {
      await copyTo(place, join(VECTORS, 'tessera-log'));
      await show(place, 15);
      await (await place.open(options(stateFolder))).latest();
      for (const size of [14, 8, 1, 0]) {
        await show(place, size);
        await expectInconsistent(
          place,
          options(stateFolder),
          'rolled-back',
          new RegExp(
            `^example\\.com/log/testdata has ${size === 1 ? '1 entry' : `${size} entries`}, and had 15: entries were taken back`,
          ),
        );
      }
      await show(place, 15);
      expect((await (await place.open(options(stateFolder))).latest()).seen?.size).toBe(15);
    }));

  it('is refused when its tiles are others, and with another key', () =>
    withFolders(async (place, stateFolder) => {
      await copyTo(place, join(VECTORS, 'tessera-log'));
      await show(place, 7);
      await (await place.open(options(stateFolder))).latest();
      await show(place, 15);
      await place.write('tile/0/000.p/15', readVector('tessera-log', 'tile/entries/000.p/15'));
      const log = await place.open(options(stateFolder));
      await expect(log.latest()).rejects.toThrow(/^tile\/0\/000\.p\/15: a tile of width 15 has 480 bytes/);
      const { vkey } = await TestLog.of([1], { origin: 'example.com/log/testdata' });
      const other = await place.open({ ...options(stateFolder), verifierKey: vkey });
      await expect(other.latest()).rejects.toThrow(
        /^checkpoint: no signature of example\.com\/log\/testdata\+/,
      );
      expect([...(await filesIn(stateFolder)).values()]).toEqual([
        Buffer.from(readVector('tessera-log', 'checkpoint.7')),
      ]);
    }));
});

describe('a copy of a log', () => {
  const SIZES = [5, 300, 600];

  it.each([
    ['larger', [600, 700]],
    ['of the same size', [600]],
    ['larger by far, with other entries at its end alone', [600, 70_000]],
  ])('is refused when it is forked (%s)', (_, sizes) =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of(SIZES);
      await log.writeTo(place);
      const options = { verifierKey: log.vkey, stateFolder };
      await (await place.open(options)).latest();
      await Promise.all((await place.paths()).map((path) => place.delete(path)));
      const bodyAt = (index: number) => (index === 599 ? Buffer.from('other') : log.bodyAt(index));
      await (await TestLog.of(sizes, { key: log.key, bodyAt })).writeTo(place);
      await expectInconsistent(
        place,
        options,
        'forked',
        /^reader\.example\/log has signed two histories: its tree of 600 is not the one that it showed before$/,
      );
    }),
  );

  it('is refused when it is by another key, whichever key it is read with', () =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of(SIZES);
      await log.writeTo(place);
      await (await place.open({ verifierKey: log.vkey, stateFolder })).latest();
      const copy = await TestLog.of([...SIZES, 601]);
      await copy.writeTo(place);
      // A checkpoint that the log's key has not signed proves nothing against the log, and is not kept.
      const before = await digestOf(stateFolder);
      const error = await refusal(
        place.open({ verifierKey: log.vkey, stateFolder }).then((reader) => reader.latest()),
      );
      expect(error).toMatchObject({ name: 'ProofError', path: 'checkpoint' });
      expect(await digestOf(stateFolder)).toBe(before);
      await expectInconsistent(
        place,
        { verifierKey: copy.vkey, stateFolder },
        'rekeyed',
        /^reader\.example\/log was seen with another key before: .* delete .*reader\.example%2Flog\.checkpoint$/,
      );
    }));
});

describe('evidence', () => {
  it('of a log that is rolled back is kept once, and that of forks beside it', () =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of([300]);
      await log.writeTo(place);
      const reader = await place.open({ verifierKey: log.vkey, stateFolder });
      for (let size = 301; size < 305; size++) {
        await log.grow(size).writeTo(place);
        await reader.latest();
        // A cache that stays behind.
        const shown = log.signAt(size - 1);
        await place.write('checkpoint', shown);
        const error = await refusal(reader.latest());
        if (!(error instanceof InconsistentLogError)) throw error;
        const { code, evidence } = error;
        expect(code).toBe('rolled-back');
        expect(await readFile(join(evidence, 'seen.checkpoint'))).toEqual(
          Buffer.from(log.file('checkpoint')),
        );
        expect(await readFile(join(evidence, 'shown.checkpoint'))).toEqual(Buffer.from(shown));
      }
      for (const size of [100, 304, 100]) {
        await place.write('checkpoint', log.sign(size, new Uint8Array(32)));
        await expect(reader.latest()).rejects.toMatchObject({ code: 'forked' });
      }
      const kept = await readdir(join(stateFolder, 'evidence'));
      expect(kept.map((folder) => folder.replace(/-[0-9a-f]{16}$/, '')).sort()).toEqual([
        'reader.example%2Flog',
        'reader.example%2Flog',
        'reader.example%2Flog-rolled-back',
      ]);
    }));
});

describe('the state file', () => {
  it('is refused with any byte of it changed, and left as it is', () =>
    withFolders(async (_, stateFolder) => {
      // Read a thousand times, wherever it is.
      const place = folderPlace(join(stateFolder, '..', 'log'));
      const log = await TestLog.of([5, 6]);
      await log.writeTo(place);
      const options = { verifierKey: log.vkey, stateFolder };
      const state = Buffer.from((await TestLog.of([5], { key: log.key })).file('checkpoint'));
      await mkdir(stateFolder);
      // A damaged name or key id in the signature line cannot be told from that of another key.
      const line = state.indexOf('\n\n') + '\n\n— '.length + 2;
      const isSigner = (at: number) => at >= line && at < line + ORIGIN.length + ' '.length + 6;
      for (let at = 0; at < state.length; at++) {
        for (const bit of [1, 32]) {
          const damaged = Buffer.from(state);
          damaged[at] = (damaged[at] ?? 0) ^ bit;
          await writeFile(join(stateFolder, STATE), damaged);
          const error = await refusal(place.open(options).then((reader) => reader.latest()));
          const isRekeyed = isSigner(at) && error instanceof InconsistentLogError;
          expect([error.name, error.message]).toEqual(
            isRekeyed
              ? ['InconsistentLogError', expect.stringContaining(' was seen with another key before: ')]
              : ['StateError', expect.stringContaining(' is damaged: ')],
          );
          expect(await stateIn(stateFolder)).toEqual(damaged);
          if (!isRekeyed) expect([...(await filesIn(stateFolder))]).toEqual([[STATE, damaged]]);
          await rm(join(stateFolder, 'evidence'), { recursive: true, force: true });
        }
      }
    }));

  it.each<[string, (file: string, log: TestLog) => Promise<unknown>, RegExp]>([
    [
      'empty',
      (file) => writeFile(file, ''),
      /reader\.example%2Flog\.checkpoint is damaged: note has no blank line/,
    ],
    ['cut off', (file, log) => writeFile(file, log.file('checkpoint').subarray(0, -9)), /is damaged: /],
    [
      "another log's checkpoint",
      async (file) =>
        writeFile(file, (await TestLog.of([5], { origin: 'other.example' })).file('checkpoint')),
      /is damaged: the checkpoint is of "other\.example", not of reader\.example\/log$/,
    ],
    ['a folder', (file) => mkdir(file), /^cannot read the checkpoint that was kept in \S+: it is a folder$/],
    [
      '2 MiB of text',
      (file) => writeFile(file, 'a\n'.repeat(2 ** 20)),
      /is damaged: note of 2097152 bytes is over/,
    ],
  ])('is refused when it is %s', (_, spoil, message) =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of([5]);
      await log.writeTo(place);
      await mkdir(stateFolder);
      await spoil(join(stateFolder, STATE), log);
      const before = await digestOf(stateFolder);
      const reader = await place.open({ verifierKey: log.vkey, stateFolder });
      const error = await refusal(reader.latest());
      expect(error).toBeInstanceOf(StateError);
      expect(error.message).toMatch(message);
      expect(await digestOf(stateFolder)).toBe(before);
    }),
  );

  it.skipIf(process.getuid?.() === 0)('is refused when it cannot be read, or not be written', () =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of([5]);
      await log.writeTo(place);
      await mkdir(stateFolder, { mode: 0o500 });
      const reader = await place.open({ verifierKey: log.vkey, stateFolder });
      await expect(reader.latest()).rejects.toThrow(StateError);
      await chmod(stateFolder, 0o700);
      await writeFile(join(stateFolder, STATE), log.file('checkpoint'), { mode: 0 });
      await expect(reader.latest()).rejects.toThrow(StateError);
    }),
  );

  it('is refused where its folder is a file', () =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of([5]);
      await log.writeTo(place);
      await writeFile(stateFolder, '');
      const reader = await place.open({ verifierKey: log.vkey, stateFolder });
      await expect(reader.latest()).rejects.toThrow(
        /^cannot read the checkpoint that was kept in \S+: not a directory$/,
      );
    }));

  it('is written in spite of what a process left that died while writing', () =>
    withFolders(async (place, stateFolder) => {
      const log = await TestLog.of([5]);
      await log.writeTo(place);
      await mkdir(stateFolder);
      const lock = join(stateFolder, `${STATE}.lock`);
      await writeFile(join(stateFolder, `${STATE}.1234.tmp`), 'half a chec');
      await mkdir(lock);
      await writeFile(join(lock, '1234.tmp'), 'another chec');
      await utimes(lock, new Date(), new Date(Date.now() - 60_000));
      const readers = await Promise.all(
        Array.from({ length: 8 }, () => place.open({ verifierKey: log.vkey, stateFolder })),
      );
      await Promise.all(readers.map((reader) => reader.latest()));
      const files = await filesIn(stateFolder);
      expect([...files.keys()]).toEqual([STATE, `${STATE}.1234.tmp`]);
      expect(files.get(STATE)).toEqual(Buffer.from(log.file('checkpoint')));
    }));

  it('waits for a process that is writing', () =>
    withFolders(async (_, stateFolder) => {
      await mkdir(stateFolder);
      const lock = join(stateFolder, `${STATE}.lock`);
      await mkdir(lock);
      await writeFile(join(lock, '1234.tmp'), '');
      const released = Date.now() + 300;
      // As a process releases it: the file goes first, and the one that waits may take the empty folder at once.
      setTimeout(() => void rm(join(lock, '1234.tmp')), 300);
      expect(await new HeadFile(stateFolder, ORIGIN).replace(Buffer.from('a'), undefined)).toBe(true);
      expect(Date.now()).toBeGreaterThanOrEqual(released);
    }));

  /** Runs `others` once, right before this process moves its next checkpoint into place. */
  function beforeNextMove(others: () => Promise<unknown>): void {
    const { rename } = promises;
    promises.rename = async (from, to) => {
      if (String(to).endsWith('.checkpoint')) {
        promises.rename = rename;
        syncBuiltinESMExports();
        await others();
      }
      return rename(from, to);
    };
    syncBuiltinESMExports();
  }

  it('does not go back when a process that slept for long goes on to write', () =>
    withFolders(async (_, stateFolder) => {
      const lock = join(stateFolder, `${STATE}.lock`);
      const [first, second] = [new HeadFile(stateFolder, ORIGIN), new HeadFile(stateFolder, ORIGIN)];
      const [old, newer, newest] = [Buffer.from('10'), Buffer.from('20'), Buffer.from('30')];
      await first.replace(old, undefined);
      beforeNextMove(async () => {
        await utimes(lock, 0, 0);
        expect(await second.replace(newest, old)).toBe(true);
      });
      expect(await first.replace(newer, old)).toBe(false);
      expect([...(await filesIn(stateFolder))]).toEqual([[STATE, newest]]);
      expect(await readdir(stateFolder)).toEqual([STATE]);
    }));

  it('is not written, and the lock not released, by a process whose lock was broken', () =>
    withFolders(async (_, stateFolder) => {
      const lock = join(stateFolder, `${STATE}.lock`);
      const heads = new HeadFile(stateFolder, ORIGIN);
      await heads.replace(Buffer.from('10'), undefined);
      beforeNextMove(async () => {
        await rm(lock, { recursive: true });
        await mkdir(lock);
        await writeFile(join(lock, '1234.tmp'), '30');
      });
      expect(await heads.replace(Buffer.from('20'), Buffer.from('10'))).toBe(false);
      expect([...(await filesIn(stateFolder))]).toEqual([
        [STATE, Buffer.from('10')],
        [join(`${STATE}.lock`, '1234.tmp'), Buffer.from('30')],
      ]);
    }));

  it('is replaced only where it is the one that was expected', () =>
    withFolders(async (_, stateFolder) => {
      const heads = new HeadFile(stateFolder, ORIGIN);
      const [a, b] = [Buffer.from('a'), Buffer.from('b')];
      expect(await heads.read()).toBeUndefined();
      expect(await heads.replace(b, a)).toBe(false);
      expect(await heads.read()).toBeUndefined();
      const won = await Promise.all(Array.from({ length: 8 }, () => heads.replace(a, undefined)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await heads.replace(b, undefined)).toBe(false);
      expect(await heads.replace(b, a)).toBe(true);
      expect(await heads.read()).toEqual(b);
    }));
});

it('processes that read a growing log at once keep the newest, and accuse nobody', () =>
  withFolders(async (_, stateFolder) => {
    const log = await TestLog.of([1], { key: await newKey() });
    const server = await serveFiles(() => log.files);
    server.fault = (path, response) => {
      if (path !== 'grow') return false;
      log.grow(log.size + 3);
      response.end();
      return true;
    };
    const options = { verifierKey: log.vkey, stateFolder };
    const argument = JSON.stringify({ place: server.url, options, times: 15 });
    const script = join(import.meta.dirname, 'reader-race.mjs');
    const runs = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [script, argument]);
        return JSON.parse(stdout) as { sizes: number[]; failure?: unknown };
      }),
    );
    await server.close();
    expect(runs.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined, undefined]);
    const sizes = runs.flatMap((run) => run.sizes);
    expect(sizes).toHaveLength(60);
    for (const { sizes } of runs) expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const files = await filesIn(stateFolder);
    expect([...files.keys()]).toEqual([STATE]);
    expect(Number(files.get(STATE)?.toString().split('\n')[1])).toBe(Math.max(...sizes));
  }));

it('a process that is killed while it writes leaves the state whole', () =>
  withFolders(async (_, stateFolder) => {
    const log = await TestLog.of([1]);
    const server = await serveFiles(() => log.files);
    server.fault = (path, response) => {
      if (path !== 'grow') return false;
      log.grow(log.size + 1);
      response.end();
      return true;
    };
    const options = { verifierKey: log.vkey, stateFolder };
    const argument = JSON.stringify({ place: server.url, options, times: 1e6 });
    let last = 0;
    for (let round = 0; round < 6; round++) {
      const grown = log.size + 2;
      const child = execFile(process.execPath, [join(import.meta.dirname, 'reader-race.mjs'), argument]);
      const exited = new Promise((resolve) => child.once('exit', resolve));
      while (log.size < grown) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 7 * round));
      child.kill('SIGKILL');
      await exited;
      // Make the lock old, so that nobody waits for it.
      const lock = join(stateFolder, `${STATE}.lock`);
      await utimes(lock, 0, 0).catch(() => undefined);
      const { seen, checkpoint } = await (await openLog(server.url, options)).latest();
      expect(checkpoint.size).toBe(log.size);
      expect(seen?.size).toBeGreaterThanOrEqual(last);
      last = checkpoint.size;
    }
    await server.close();
    expect((await stateIn(stateFolder)).equals(log.file('checkpoint'))).toBe(true);
  }));
