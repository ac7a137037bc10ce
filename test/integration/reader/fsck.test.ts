/**
 * Logs that are right: fsck says so at every size, reads each file once, and tells how far it is.
 */
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fsck, LogReader, type FsckOptions } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { withFolder } from '../../support/daemon.js';
import { BUCKET, placeOf } from '../../support/log-place.js';
import { describeWithVectors, VECTORS } from '../../support/vectors.js';
import {
  expectNamed,
  fileOf,
  makeLog,
  serve,
  sizesTo,
  START,
  verdictOf,
  verdictsOf,
  withChanges,
  type MadeLog,
  type ReadPlace,
} from '../../support/fsck.js';

/** A reader of the log that counts its reads, and what it says on the way. */
async function countedFsck(place: ReadPlace, log: MadeLog, options?: FsckOptions) {
  const reads = new Map<string, number>();
  const progress: [number, number][] = [];
  const opened = await place.open({ verifierKey: log.verifierKey });
  const counted = new LogReader({
    ...opened.options,
    read: (path, maxLength) => {
      reads.set(path, (reads.get(path) ?? 0) + 1);
      return opened.options.read(path, maxLength);
    },
  });
  const report = await fsck(counted, (done, total) => progress.push([done, total]), options);
  return { report, reads, progress };
}

/** In a bucket, one of the large ones is enough: each is a thousand requests. */
const LARGE = BUCKET === undefined ? [65_535, 65_536, 65_537, 66_000] : [66_000];
const SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 600, ...LARGE];

test('a log is right at every size, each file is read once, and the progress goes from nothing to all', () =>
  withFolder(async (folder) => {
    const key = await LogKey.create(join(folder, 'log.key'));
    const log = await makeLog(placeOf(folder), SIZES, key);
    const places = await serve(log);
    for (const [second, size] of SIZES.entries()) {
      const checkpoint = log.checkpoints.get(size) as Buffer;
      await log.place.write('checkpoint', checkpoint);
      // The larger ones over HTTP too, but for those that differ in little.
      for (const place of size < 65_000 || size === 66_000 ? places.all : [places.store]) {
        const { report, reads, progress } = await countedFsck(place, log);
        expect(Buffer.from(report.checkpoint.bytes).equals(checkpoint)).toBe(true);
        expect(report.seen).toBeUndefined();
        if (place.saysGzip || size === 0) expect(report.compressedEntryBundle).toBeUndefined();
        else expect(report.compressedEntryBundle).toMatch(/^tile\/entries\//);
        expect(report.times).toEqual(
          size === 0 ? undefined : { first: START + 1000, last: START + 1000 * second },
        );
        expect(new Set(reads.values())).toEqual(new Set([1]));
        const bundles = Math.ceil(size / 256);
        const tiles = bundles + Math.ceil(Math.floor(size / 256) / 256) + Math.floor(size / 65_536);
        expect(reads.size, `files of ${size}`).toBe(1 + 2 * bundles + tiles);
        expect(progress[0]).toEqual([0, size]);
        expect(progress.at(-1)).toEqual([size, size]);
        expect(progress).toHaveLength(1 + bundles);
        expect(progress.every(([done], i) => i === 0 || done > (progress[i - 1]?.[0] ?? 0))).toBe(true);
      }
    }
    places.close();
  }));

test('a log that has grown is compared with what was seen of it, by files that are hardly read again', () =>
  withFolder(async (folder) => {
    const log = await makeLog(
      placeOf(folder),
      [100, 700, 1500],
      await LogKey.create(join(folder, 'log.key')),
    );
    const options = { verifierKey: log.verifierKey, stateFolder: join(folder, 'state') };
    await log.place.write('checkpoint', log.checkpoints.get(700) as Buffer);
    expect((await fsck(await log.place.open(options))).seen).toBeUndefined();
    await log.place.write('checkpoint', log.checkpoints.get(1500) as Buffer);
    expect((await fsck(await log.place.open(options))).seen?.size).toBe(700);
    expect((await fsck(await log.place.open(options))).seen?.size).toBe(1500);
  }));

test('the log itself is read, whatever a cache holds of it', () =>
  withFolder(async (folder) => {
    const log = await makeLog(placeOf(folder), [1500], await LogKey.create(join(folder, 'log.key')));
    const places = await serve(log);
    const cacheFolder = join(folder, 'cache');
    const opened = await places.http.open({ verifierKey: log.verifierKey, cacheFolder });
    await (await opened.latest()).tree.entry(700);
    expect(
      (await readdir(cacheFolder, { recursive: true })).some((name) => name.endsWith('tile/0/002')),
    ).toBe(true);
    await withChanges(log, { 'tile/0/002': undefined }, async () => {
      expectNamed(await verdictOf(() => Promise.resolve(opened)), 'tile/0/002');
    });
    places.close();
  }));

test('by what browsers have, without Node', () =>
  withFolder(async (folder) => {
    const key = await LogKey.create(join(folder, 'log.key'));
    const log = await makeLog(placeOf(folder), sizesTo(700, 100), key);
    const { read, verifier } = (await log.place.open({ verifierKey: log.verifierKey })).options;
    expect((await fsck(new LogReader({ read, verifier }))).checkpoint.size).toBe(700);
  }));

test('partial files that are gone, as the log outgrew them, are read from the full ones', () =>
  withFolder(async (folder) => {
    const key = await LogKey.create(join(folder, 'log.key'));
    const log = await makeLog(placeOf(folder), [300, 600], key);
    const places = await serve(log);
    const partials = ['tile/0/001.p/44', 'tile/entries/001.p/44', 'tile/times/001.p/44'];
    const changes = Object.fromEntries(partials.map((path) => [path, undefined]));
    await log.place.write('checkpoint', log.checkpoints.get(300) as Buffer);
    await withChanges(log, changes, async () => {
      expect(await verdictsOf(log, places.all)).toEqual(places.all.map(() => 'right'));
      // It is the full tile that is wrong now, and named.
      const full = Buffer.from(fileOf(log, 'tile/0/001'));
      full[33] = (full[33] ?? 0) ^ 1;
      await log.place.write('tile/0/001', full);
      for (const verdict of await verdictsOf(log, places.all)) expectNamed(verdict, 'tile/0/001');
    });
    places.close();
  }));

describeWithVectors("tessera's log", () => {
  const verifierKey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
  const vectors = join(VECTORS, 'tessera-log');

  test('is right at each of its 16 sizes without times, which it has not', () =>
    withFolder(async (folder) => {
      await cp(vectors, folder, { recursive: true });
      const checkpoints = (await readdir(vectors)).filter((name) => name.startsWith('checkpoint.'));
      expect(checkpoints).toHaveLength(16);
      for (const name of checkpoints) {
        const size = Number(name.slice('checkpoint.'.length));
        await cp(join(vectors, name), join(folder, 'checkpoint'));
        const report = await fsck(await openLog(folder, { verifierKey }), undefined, { times: false });
        expect(report.checkpoint.size).toBe(size);
        expect(report.times).toBeUndefined();
        const withTimes = fsck(await openLog(folder, { verifierKey }));
        if (size === 0) await withTimes;
        else await expect(withTimes).rejects.toMatchObject({ path: `tile/times/000.p/${size}` });
      }
    }));
});
