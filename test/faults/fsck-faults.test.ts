/**
 * Whole files of a log that are missing, taken from another log, too short or too long: fsck names a file that is
 * wrong, and never one that is right.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck } from '#reader/index.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { encodeEntryBundle, parseEntryBundle } from '#tiles-spec/index.js';
import { BUCKET, placeOf } from '../support/log-place.js';
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
  type Changes,
  type MadeLog,
  type Places,
} from '../support/fsck.js';

let folder: string;
let log: MadeLog;
/** A log of the same name, key and size, with other entries. */
let fork: MadeLog;
let places: Places;
const random = randomNumbers(7);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  const key = await LogKey.create(join(folder, 'log.key'));
  const sizes = sizesTo(1500, 8);
  log = await makeLog(placeOf(join(folder, 'log')), sizes, key);
  fork = await makeLog(placeOf(join(folder, 'fork')), sizes, key, {
    bodyOf: (index) => `fork's entry ${index}`,
  });
  places = await serve(log);
});

afterAll(async () => {
  places.close();
  await rm(folder, { recursive: true, force: true });
});

const file = (path: string) => fileOf(log, path);
const PARTIALS = ['tile/0/005.p/220', 'tile/1/000.p/5', 'tile/entries/005.p/220', 'tile/times/005.p/220'];
const BUNDLE = 'tile/entries/002';

/** The verdicts of all places while files are changed. */
const verdicts = (changes: Changes) => withChanges(log, changes, () => verdictsOf(log, places.all));

/** Expects each place to find the change and to name one of the files in `wrong`, by default the changed ones. */
async function found(what: string, changes: Changes, wrong: readonly string[] = Object.keys(changes)) {
  for (const verdict of await verdicts(changes)) {
    if (wrong.includes('checkpoint') && verdict !== 'right' && verdict.name === 'UnreachableError') {
      expect(verdict.message, what).toMatch(/no checkpoint/);
    } else {
      expectNamed(verdict, wrong, what);
    }
  }
}

async function right(what: string, changes: Changes) {
  expect(await verdicts(changes), what).toEqual(places.all.map(() => 'right'));
}

/** Does something to each file in turn. */
async function eachFile(
  what: string,
  change: (bytes: Buffer, path: string) => Uint8Array | 'folder' | undefined,
) {
  expect(log.files.size).toBe(20);
  for (const [path, bytes] of log.files) await found(`${path} ${what}`, { [path]: change(bytes, path) });
}

const swapped = (one: string, two: string): Changes => ({ [one]: file(two), [two]: file(one) });

test('a file that is missing, though older partial ones are there', async () => {
  expect(await log.place.read('tile/0/005.p/216')).toHaveLength(216 * 32);
  await eachFile('is missing', () => undefined);
});

// No folder can stand in a bucket.
if (BUCKET === undefined)
  test('a folder in the place of a file', () => eachFile('is a folder', () => 'folder'));

test('a file cut short, and an empty one', async () => {
  for (const by of [1, 32]) await eachFile(`is ${by} bytes short`, (bytes) => bytes.subarray(0, -by));
  await eachFile('is empty', () => new Uint8Array(0));
});

test('bytes after the end of a file', async () => {
  await eachFile('has a zero more', (bytes) => Buffer.concat([bytes, Buffer.of(0)]));
  await eachFile('has 32 bytes more', (bytes) => Buffer.concat([bytes, bytes.subarray(0, 32)]));
  await eachFile('is there twice', (bytes) => Buffer.concat([bytes, bytes]));
});

test('files swapped', async () => {
  await found('tiles', swapped('tile/0/001', 'tile/0/003'));
  await found('bundles', swapped('tile/entries/000', 'tile/entries/004'));
  await found('times', swapped('tile/times/001', 'tile/times/002'));
  await found('a tile and a bundle', swapped('tile/0/001', 'tile/entries/001'));
  await found('the checkpoint and a tile', swapped('checkpoint', 'tile/0/002'));
});

test('an older partial file under the newer name', async () => {
  for (const [path, older] of [
    ['tile/0/005.p/220', 'tile/0/005.p/216'],
    ['tile/1/000.p/5', 'tile/1/000.p/4'],
    ['tile/entries/005.p/220', 'tile/entries/005.p/216'],
    ['tile/times/005.p/220', 'tile/times/005.p/216'],
  ] as const) {
    expect(PARTIALS).toContain(path);
    await found(path, { [path]: await log.place.read(older) });
  }
});

test("a file of another log's, and a tile with the bundle that belongs to it", async () => {
  const others = [...log.files.keys()].filter((path) => !/^(checkpoint|tile\/times.*)$/.test(path));
  expect(others).toHaveLength(13);
  for (const path of others) await found(path, { [path]: fileOf(fork, path) });
  await found('a full tile and its bundle', {
    'tile/0/003': fileOf(fork, 'tile/0/003'),
    'tile/entries/003': fileOf(fork, 'tile/entries/003'),
  });
});

describe('a bundle', () => {
  const bodies = (path: string) => parseEntryBundle(gunzipSync(file(path)), 256);
  const bundle = (entries: readonly Uint8Array[]) => gzipSync(encodeEntryBundle(entries));
  /** More bytes than an entry bundle may have. */
  const long = (entries: readonly Uint8Array[]) =>
    gzipSync(Buffer.concat(entries.map((entry) => encodeEntryBundle([entry]))));

  test('compressed in another way is right', async () => {
    const plain = gunzipSync(file(BUNDLE));
    for (const level of [0, 9]) await right(`level ${level}`, { [BUNDLE]: gzipSync(plain, { level }) });
    const members = [plain.subarray(0, 1000), plain.subarray(1000), Buffer.of()].map((part) =>
      gzipSync(part),
    );
    await right('three members', { [BUNDLE]: Buffer.concat(members) });
  });

  test('not compressed is right, but where the server says that it is', async () => {
    const said = await verdicts({ [BUNDLE]: gunzipSync(file(BUNDLE)) });
    for (const [i, verdict] of said.entries()) {
      if (places.all[i]?.saysGzip === true) expectNamed(verdict, BUNDLE);
      else expect(verdict).toBe('right');
    }
  });

  test('not compressed, with a change or a byte more, is wrong', async () => {
    const plain = gunzipSync(file(BUNDLE));
    await found('a change', { [BUNDLE]: changed(plain, 1000, 1) });
    for (const more of [1, 2, 100]) {
      await found(`${more} bytes more`, { [BUNDLE]: Buffer.concat([plain, Buffer.alloc(more)]) });
      await found(`${more} compressed`, { [BUNDLE]: gzipSync(Buffer.concat([plain, Buffer.alloc(more)])) });
    }
  });

  test('with its entries in other places', async () => {
    const [one, two] = [bodies('tile/entries/001'), bodies('tile/entries/002')];
    await found('moved to the next', {
      'tile/entries/001': bundle(one.slice(0, -1)),
      'tile/entries/002': long([...one.slice(-1), ...two]),
    });
    await found('all moved by one', {
      'tile/entries/001': bundle([...bodies('tile/entries/000').slice(-1), ...one.slice(0, -1)]),
    });
    await found('two swapped', { [BUNDLE]: bundle([...two.slice(0, 254), ...two.slice(254).reverse()]) });
    await found('one twice', { [BUNDLE]: bundle([...two.slice(0, 1), ...two.slice(0, 1), ...two.slice(2)]) });
    await found('one left out', { [BUNDLE]: bundle(two.slice(1)) });
    await found('one empty', { [BUNDLE]: bundle([...two.slice(0, 255), Buffer.of()]) });
  });
});

describe('a checkpoint', () => {
  test('of another key, or of another name', async () => {
    const other = await LogKey.create(join(folder, 'other.key'));
    const byOther = await makeLog(placeOf(join(folder, 'other')), [1500], other);
    await found('of another key', { checkpoint: fileOf(byOther, 'checkpoint') });
    const named = await makeLog(placeOf(join(folder, 'named')), [1500], other, { origin: 'other.example' });
    await found('of another log', { checkpoint: fileOf(named, 'checkpoint') });
  });

  test('that others signed too is right', async () => {
    const line = `— witness.example ${Buffer.alloc(68, 7).toString('base64')}\n`;
    await right('cosigned', { checkpoint: Buffer.concat([file('checkpoint'), Buffer.from(line)]) });
  });

  test('of a fork contradicts all of the tiles: no one of them is named, but those that it is held against', async () => {
    for (const verdict of await verdicts({ checkpoint: fileOf(fork, 'checkpoint') })) {
      expect(verdict).toMatchObject({ name: 'ProofError', path: undefined });
      expect(verdict).toMatchObject({
        message: expect.stringContaining('tile/0/005.p/220, tile/1/000.p/5') as string,
      });
    }
  });

  test('that is older, and honest, is right to who has not seen the newer one', async () => {
    const older = { checkpoint: log.checkpoints.get(1000) };
    await right('unseen', older);
    const options = { verifierKey: log.verifierKey, stateFolder: join(folder, 'state') };
    await fsck(await log.place.open(options));
    await withChanges(log, older, async () => {
      for (const place of places.all) {
        await expect(fsck(await place.open(options))).rejects.toMatchObject({ code: 'rolled-back' });
      }
    });
  });

  test('that has grown, over an edge that is wrong: the tile is named, not the comparison with what was seen', async () => {
    const options = { verifierKey: log.verifierKey, stateFolder: join(folder, 'grown') };
    await withChanges(log, { checkpoint: log.checkpoints.get(1000) }, async () =>
      fsck(await log.place.open(options)),
    );
    const path = 'tile/1/000.p/5';
    await withChanges(log, { [path]: changed(file(path), 40, 1) }, async () => {
      await expect(fsck(await log.place.open(options))).rejects.toMatchObject({ path });
    });
    expect((await fsck(await log.place.open(options))).seen?.size).toBe(1000);
  });
});

test('two files at once, each missing, short, long, or changed in a byte: one of them is named', async () => {
  const paths = [...log.files.keys()].filter((path) => path !== 'checkpoint');
  const faults: ((bytes: Buffer) => Buffer | undefined)[] = [
    () => undefined,
    (bytes) => bytes.subarray(1),
    (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
    // Skip the gzip header, in which some bytes have no meaning. A changed time may still be in order, or it may put
    // its neighbours out of order.
    (bytes) => changed(bytes, 20 + random(bytes.length - 20), 1 + random(255)),
    (bytes) => changed(bytes, 20 + random(bytes.length - 20), 1 + random(255)),
  ];
  const wronged = (path: string): Changes => {
    const kinds = path.startsWith('tile/times') ? 3 : faults.length;
    return { [path]: faults[random(kinds)]?.(file(path)) };
  };
  for (let i = 0; i < 80; i++) {
    // Half of the pairs hold a tile of the right edge, where a wrong file is harder to find.
    const one = (i % 2 === 0 ? PARTIALS[random(2)] : paths[random(paths.length)]) as string;
    const two = paths[(paths.indexOf(one) + 1 + random(paths.length - 1)) % paths.length] as string;
    await found(`${one} and ${two}`, { ...wronged(one), ...wronged(two) });
  }
});
