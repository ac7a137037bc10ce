/**
 * A crash between two of the transactions in which staging is brought up to the store.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TreeReader } from '#reader/tree-reader.js';
import { opensslSha256 } from '#src/node/openssl-sha256.js';
import { encodeTimes, formatPath, RightEdge } from '#tiles-spec/index.js';
import { bringUp } from '#writer/rebuild.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { withFolder } from '../support/daemon.js';

const SIZE = 600_000;
/** The tree sizes at which the transactions end, after 1,024 blocks each. */
const ENDS = [262_144, 524_288, SIZE];

const ALL = randomBytes(32 * SIZE);
const leafAt = (index: number) => ALL.subarray(32 * index, 32 * (index + 1));
const { edge, tiles } = RightEdge.empty(opensslSha256).append(
  Array.from({ length: SIZE }, (_, i) => leafAt(i)),
);
const FILES = new Map(
  tiles.map(({ bytes, ...tile }) => [formatPath({ kind: 'tile', ...nameOf(tile) }), bytes]),
);

function nameOf({ level, index, width }: { level: number; index: number; width: number }) {
  return { level, index, width };
}

/** A reader of the log, in which each entry's time is its index. */
function logAt(): TreeReader {
  return new TreeReader(
    { size: SIZE, root: edge.root() },
    {
      read: (path) => {
        const [, index, width = '256'] =
          /^tile\/times\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
        if (index === undefined) return Promise.resolve(FILES.get(path));
        const first = 256 * Number(index.replace(/[x/]/g, ''));
        return Promise.resolve(encodeTimes(Array.from({ length: Number(width) }, (_, i) => first + i)));
      },
      sha: opensslSha256,
    },
  );
}

it('a crash between two transactions leaves a staging that is merely older', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'staging.sqlite');
    const first = await SqliteStaging.open(file);
    await first.create({ origin: 'log.example', verifierKey: 'log.example+00000000+AAAA', created: 1 });
    const told: number[] = [];
    const dies = (done: number) => {
      told.push(done);
      if (told.length === 2) throw new Error('the process dies');
    };
    await expect(bringUp(first, logAt(), dies)).rejects.toThrow('the process dies');
    expect(told).toEqual(ENDS.slice(0, 2));
    await first.close();

    const next = await SqliteStaging.open(file);
    expect(next.damage()).toStrictEqual({ blocks: [], batchesFrom: undefined });
    const { size, root, time } = await next.published();
    expect([size, time]).toEqual([524_288, 524_287]);
    expect(Buffer.from(root)).toEqual(Buffer.from(await logAt().rootAt(size)));
    expect(await next.find(leafAt(size))).toBeUndefined();
    const progress: (readonly [number, number])[] = [];
    await bringUp(next, logAt(), (...each) => progress.push(each));
    expect(progress).toEqual([[SIZE - size, SIZE - size]]);
    for (const index of [0, 255, 256, 262_143, 262_144, 524_287, 524_288, SIZE - 1])
      expect(await next.find(leafAt(index))).toBe(index);
    expect(await next.tree()).toMatchObject({ size: SIZE, time: SIZE - 1 });
    // The widths of tiles that were read from the store are unknown.
    expect(await next.partialWidths(0, 7)).toHaveLength(255);
    await next.close();
  }));
