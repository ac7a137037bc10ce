/**
 * Single bytes of a log are changed, one at a time: fsck finds each in a folder and over HTTP, and names the file.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import { placeOf } from '../support/log-place.js';
import {
  changed,
  expectNamed,
  fileOf,
  makeLog,
  randomNumbers,
  serve,
  sizesTo,
  verdictsOf,
  withChanges,
  type MadeLog,
  type Places,
  type ReadPlace,
  type Verdict,
} from '../support/fsck.js';

let folder: string;
/** Has full and partial tiles of level 0, and a partial tile of level 1. */
let small: MadeLog;
/** Has tiles of levels 0 to 2, and full ones of levels 0 and 1. */
let large: MadeLog;
const served = new Map<MadeLog, Places>();
const random = randomNumbers(20260101);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  const key = await LogKey.create(join(folder, 'log.key'));
  small = await makeLog(placeOf(join(folder, 'small')), sizesTo(1500, 8), key);
  large = await makeLog(placeOf(join(folder, 'large')), sizesTo(66_000, 6000), key);
  for (const log of [small, large]) served.set(log, await serve(log));
});

afterAll(async () => {
  for (const places of served.values()) places.close();
  await rm(folder, { recursive: true, force: true });
});

/** The places to read a file from: both servers for entry bundles, in which alone they differ. */
function placesOf(log: MadeLog, path = 'tile/entries'): readonly ReadPlace[] {
  const { store, http, all } = served.get(log) as Places;
  return path.startsWith('tile/entries') ? all : [store, http];
}

/** Changes one random byte of a file, from `from` to `to`. Returns the verdict of each place. */
async function changeOne(
  log: MadeLog,
  path: string,
  from = 0,
  to = fileOf(log, path).length,
): Promise<{ what: string; bytes: Buffer; verdicts: Verdict[] }> {
  const [at, by] = [from + random(to - from), 1 + random(255)];
  const bytes = changed(fileOf(log, path), at, by);
  const verdicts = await withChanges(log, { [path]: bytes }, () => verdictsOf(log, placesOf(log, path)));
  return { what: `byte ${at} of ${path} xor ${by}`, bytes, verdicts };
}

/** Makes changes that fsck must find. */
async function findChanges(
  log: MadeLog,
  path: string,
  count: number,
  from?: number,
  to?: number,
): Promise<number> {
  for (let i = 0; i < count; i++) {
    const { what, verdicts } = await changeOne(log, path, from, to);
    for (const verdict of verdicts) expectNamed(verdict, path, what);
  }
  return count;
}

/** The decompressed entry bundle, or undefined where the bytes are no gzip. */
function decoded(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Changes an entry bundle until `count` changes were found. One that decompresses to the same bytes must be accepted.
 */
async function findInBundle(
  log: MadeLog,
  path: string,
  count: number,
): Promise<{ found: number; equal: number }> {
  let [found, equal] = [0, 0];
  while (found < count) {
    const { what, bytes, verdicts } = await changeOne(log, path);
    if (decoded(bytes)?.equals(gunzipSync(fileOf(log, path))) === true) {
      expect(verdicts, what).toEqual(['right', 'right', 'right']);
      equal++;
    } else {
      for (const verdict of verdicts) expectNamed(verdict, path, what);
      found++;
    }
  }
  return { found, equal };
}

test('each of 300 changes of a byte is found, over a folder and over HTTP, and the file is named', async ({
  annotate,
}) => {
  for (const log of [small, large])
    expect(await verdictsOf(log, placesOf(log))).toEqual(Array(3).fill('right'));
  const paths = [...small.files.keys()];
  const [tiles, bundles] = [/^tile\/\d/, /^tile\/entries/].map((kind) =>
    paths.filter((path) => kind.test(path)),
  );
  expect([tiles?.length, bundles?.length]).toEqual([7, 6]);

  const counts = { tiles: 0, bundles: 0, checkpoints: 0, equal: 0 };
  for (const path of tiles ?? []) counts.tiles += await findChanges(small, path, 12);
  for (const [path, count] of [
    ['tile/2/000.p/1', 15],
    ['tile/1/001.p/1', 15],
    ['tile/1/000', 15],
    ['tile/0/257.p/208', 5],
    [`tile/0/${100 + random(156)}`, 3],
  ] as const) {
    counts.tiles += await findChanges(large, path, count);
  }

  const inLarge = ['tile/entries/257.p/208', `tile/entries/${100 + random(156)}`];
  for (const [log, path, count] of [
    ...(bundles ?? []).map((path) => [small, path, 16] as const),
    ...inLarge.map((path) => [large, path, 3] as const),
  ]) {
    const { found, equal } = await findInBundle(log, path, count);
    counts.bundles += found;
    counts.equal += equal;
  }

  const text = fileOf(small, 'checkpoint').indexOf('\n\n') + 1;
  counts.checkpoints += await findChanges(small, 'checkpoint', 30, 0, text);
  counts.checkpoints += await findChanges(small, 'checkpoint', 31, text);
  await annotate(JSON.stringify(counts));
  expect(counts).toEqual({ tiles: 137, bundles: 102, checkpoints: 61, equal: counts.equal });
});

test('what gzip keeps beside the entries may be anything: time, flags of its maker, operating system', async () => {
  const path = 'tile/entries/002';
  for (const at of [4, 5, 6, 7, 8, 9]) {
    const bytes = changed(fileOf(small, path), at, 1 + random(255));
    const verdicts = await withChanges(small, { [path]: bytes }, () => verdictsOf(small, placesOf(small)));
    expect(verdicts, `byte ${at}`).toEqual(['right', 'right', 'right']);
  }
});

/** The times of the small log, in order, read from its files with one of them changed. */
function timesWith(path: string, bytes: Buffer): bigint[] {
  const files = [...small.files.keys()].filter((name) => name.startsWith('tile/times')).sort();
  return files.flatMap((name) => {
    const file = name === path ? bytes : fileOf(small, name);
    return Array.from({ length: file.length / 8 }, (_, i) => file.readBigUInt64BE(8 * i));
  });
}

test("times: a change that breaks the order is found, and the others are the writer's word", async ({
  annotate,
}) => {
  const paths = [...small.files.keys()].filter((name) => name.startsWith('tile/times')).sort();
  const counts = { found: 0, between: 0, word: 0 };
  for (let i = 0; i < 90; i++) {
    const path = paths[i % paths.length] as string;
    // Most changes are at the file's ends, where only the next file may show the change, or the time changes by less
    // than a second.
    const { length } = fileOf(small, path);
    const [from, to] = [
      [0, length],
      [length - 4, length],
      [length - 1, length],
      [7, 8],
    ][i % 4] as [number, number];
    const { what, bytes, verdicts } = await changeOne(small, path, from, to);
    const times = timesWith(path, bytes);
    const inOrder = times.every((time, i) => time < 2n ** 53n && time >= (times[i - 1] ?? 0n));
    for (const verdict of verdicts) {
      if (inOrder) {
        expect(verdict, what).toBe('right');
      } else {
        const next = paths[paths.indexOf(path) + 1] ?? path;
        expectNamed(verdict, [path, next], what);
        // The message names both of two files that do not follow each other.
        expect(verdict).toMatchObject({ message: expect.stringContaining(path) as string });
        if ((verdict as { path: string }).path !== path) counts.between++;
      }
    }
    counts[inOrder ? 'word' : 'found']++;
  }
  await annotate(JSON.stringify(counts));
  expect(counts.found).toBeGreaterThan(30);
  expect(counts.word).toBeGreaterThan(10);
});
