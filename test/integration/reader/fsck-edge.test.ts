/**
 * The right edge of logs of up to five levels: which of its tiles is wrong, where the root alone cannot tell.
 *
 * The logs have one entry, over and over, so that a tile differs from another by level and width alone and none need be
 * stored.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck, LogReader } from '#reader/index.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { opensslSha256 } from '#src/node/openssl-sha256.js';
import {
  encodeEntryBundle,
  encodeTimes,
  formatCheckpoint,
  formatPath,
  HashTile,
  leafHash,
  parsePath,
  partialTiles,
  RightEdge,
  signNote,
  type Hash,
} from '#tiles-spec/index.js';
import { changed, expectNamed, ORIGIN, verdictOf } from '../../support/fsck.js';

let folder: string;
let key: LogKey;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  key = await LogKey.create(join(folder, 'log.key'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const BODY = Buffer.from('the entry');

/** The hash of 256^level entries. */
const HASHES: Hash[] = [leafHash(BODY, opensslSha256)];
for (let level = 1; level < 6; level++) HASHES[level] = tileOf(level - 1, 0, 256).subtree(8, 0);

function tileOf(level: number, index: number, width: number): HashTile {
  return new HashTile(level, index, Array<Hash>(width).fill(HASHES[level] as Hash), opensslSha256);
}

/** A file of the log of `size`, as it should be. */
function rightFile(path: string, size: number): Uint8Array {
  const name = parsePath(path);
  if (name.kind === 'tile') return tileOf(name.level, name.index, name.width).bytes;
  if (name.kind === 'entries') return encodeEntryBundle(Array<Uint8Array>(name.width).fill(BODY));
  if (name.kind === 'times') return encodeTimes(Array<number>(name.width).fill(1));
  const tiles = partialTiles(size).map(({ level, index, width }) => tileOf(level, index, width));
  const root = RightEdge.of(size, tiles, opensslSha256).root();
  return signNote(formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] }), key.signer(ORIGIN));
}

/** The log of `size` with other bytes in some files, or none. */
function logOf(size: number, changes: ReadonlyMap<string, Uint8Array | undefined>): LogReader {
  return new LogReader({
    read: (path) => Promise.resolve(changes.has(path) ? changes.get(path) : rightFile(path, size)),
    verifier: key.verifier(ORIGIN),
    sha: opensslSha256,
  });
}

/** What is said of the log of `size` when a byte of each of these files is changed. */
function wronged(size: number, paths: readonly string[]) {
  // The last byte of a bundle is in its last entry; in a tile it is in the last hash.
  const changes = paths.map(
    (path) => [path, changed(rightFile(path, size), -1 + rightFile(path, size).length, 1)] as const,
  );
  return verdictOf(() => Promise.resolve(logOf(size, new Map(changes))));
}

/** A tile of the edge, and what is below it: a bundle, or the tiles of its first and last hash. */
function edgeOf(size: number): { path: string; below: string[] }[] {
  return partialTiles(size).map(({ level, index, width }) => ({
    path: formatPath({ kind: 'tile', level, index, width }),
    below:
      level === 0
        ? [formatPath({ kind: 'entries', index, width })]
        : [0, width - 1].map((at) =>
            formatPath({ kind: 'tile', level: level - 1, index: 256 * index + at, width: 256 }),
          ),
  }));
}

const SIZES = [
  { size: 2 * 256 ** 3 + 3 * 256 ** 2 + 4 * 256 + 5, levels: [0, 1, 2, 3] },
  { size: 2 * 256 ** 3 + 4 * 256, levels: [1, 3] },
  { size: 3 * 256 ** 2 + 7, levels: [0, 2] },
  { size: 256 ** 4 + 1, levels: [0, 4] },
  { size: 256 ** 3 + 256 ** 2 + 256, levels: [1, 2, 3] },
  { size: 256, levels: [1] },
  { size: 1, levels: [0] },
];

describe.each(SIZES)('the edge of a log of $size entries, at levels $levels', ({ size, levels }) => {
  const edge = edgeOf(size);
  const paths = edge.map(({ path }) => path);

  test('is right', async () => {
    expect(partialTiles(size).map(({ level }) => level)).toEqual(levels);
    const stop = new Error('far enough');
    const some = fsck(logOf(size, new Map()), (done) => {
      if (done > 2000) throw stop;
    });
    if (size > 2000) await expect(some).rejects.toBe(stop);
    else await some;
  });

  test('with one tile wrong, or any two, or all: the lowest is named', async () => {
    for (const [i, one] of paths.entries()) {
      for (const two of paths.slice(i)) expectNamed(await wronged(size, [one, two]), one, `${one} ${two}`);
    }
    expectNamed(await wronged(size, paths), paths[0] ?? '');
  });

  test('with a tile wrong and something below it, or below another: the tile is named', async () => {
    const everythingBelow = edge.flatMap(({ below }) => below);
    for (const path of paths) {
      for (const below of everythingBelow) expectNamed(await wronged(size, [path, below]), path, below);
    }
  });

  test('with a tile wrong, and something below it gone', async () => {
    for (const { path, below } of edge) {
      for (const gone of below) {
        const changes = new Map([
          [path, changed(rightFile(path, size), 0, 1)],
          [gone, undefined],
        ]);
        expectNamed(await verdictOf(() => Promise.resolve(logOf(size, changes))), path, gone);
      }
    }
  });

  test('with everything below it wrong too: no tile that is right is named', async () => {
    for (const { path } of edge) {
      const verdict = await wronged(size, [path, ...edge.flatMap(({ below }) => below)]);
      expect(verdict).toMatchObject({ message: expect.stringContaining(path) as string });
      expect([path, undefined]).toContain((verdict as { path: string | undefined }).path);
    }
  });

  test('being right, over a full tile that is not: that is named', async () => {
    const top = Math.max(...levels);
    for (let level = 0; level < top; level++) {
      const path = formatPath({ kind: 'tile', level, index: 0, width: 256 });
      expectNamed(await wronged(size, [path]), path);
    }
  });
});

test('tiles of 255 hashes, each of them made anew', async () => {
  const size = 256 ** 3 - 1;
  for (const { path } of edgeOf(size)) expectNamed(await wronged(size, [path]), path);
});

describe('a tile and a bundle that fit each other, and not the root', () => {
  const body = Buffer.from('another');
  const says = (size: number, index: string) => {
    const changes = new Map([
      [`tile/0/${index}.p/1`, leafHash(body, opensslSha256)],
      [`tile/entries/${index}.p/1`, encodeEntryBundle([body])],
    ]);
    return verdictOf(() => Promise.resolve(logOf(size, changes)));
  };

  test('under two tiles of the edge: nothing tells which is wrong, and the message has both', async () => {
    expect(await says(257, '001')).toMatchObject({
      path: undefined,
      message: expect.stringContaining('(tile/0/001.p/1, tile/1/000.p/1)') as string,
    });
  });

  test('under one alone: it is named', async () => {
    expectNamed(await says(1, '000'), 'tile/0/000.p/1');
  });
});

test('no entries under a root of some: the checkpoint is named', async () => {
  const text = formatCheckpoint({ origin: ORIGIN, size: 0, root: leafHash(BODY), extensions: [] });
  const changes = new Map([['checkpoint', signNote(text, key.signer(ORIGIN))]]);
  expectNamed(await verdictOf(() => Promise.resolve(logOf(0, changes))), 'checkpoint');
});
