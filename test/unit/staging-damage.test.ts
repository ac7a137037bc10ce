/**
 * Damaged rows of staging. A start repairs those that can be read from the store, and otherwise refuses, naming the
 * file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open as openFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError } from '#src/errors.js';
import { Database, type Value } from '#writer/staging/database.js';
import { SqliteStaging, type SequencedBatch } from '#writer/staging/staging.js';
import { withFolder } from '../support/daemon.js';

const hashOf = (text: string) => createHash('sha256').update(text).digest();

function batch(oldSize: number, size: number): SequencedBatch {
  return { oldSize, size, root: hashOf(`root ${size}`), time: 1_000 + size, claim: Buffer.from('claim') };
}

function leaves(from: number, to: number): Buffer[] {
  return Array.from({ length: to - from }, (_, i) => hashOf(`leaf ${from + i}`));
}

/** A staging of 600 published entries and three unpublished batches, on whose file `sql` is then run. */
function damagedBy(
  sql: string,
  values: readonly Value[],
  use: (file: string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, 'staging.sqlite');
    const staging = await SqliteStaging.open(file);
    await staging.create({ origin: 'log.example', verifierKey: 'log.example+00000000+AAAA', created: 1 });
    for (const [from, to] of [
      [0, 600],
      [600, 610],
      [610, 611],
      [611, 620],
    ] as const)
      await staging.sequence(batch(from, to), leaves(from, to));
    await staging.markPublished(0);
    await staging.close();
    const database = await Database.open(file);
    await database.run(sql, values);
    await database.close();
    await use(file);
  });
}

/** SQL for a column's bytes with the 21st changed. */
const FLIP = (column: string) => `CAST(substr(${column}, 1, 20) || x'ff' || substr(${column}, 22) AS BLOB)`;

async function open<T>(file: string, use: (staging: SqliteStaging) => Promise<T>): Promise<T> {
  const staging = await SqliteStaging.open(file);
  try {
    return await use(staging);
  } finally {
    await staging.close();
  }
}

describe('a block of leaf hashes', () => {
  it.each([
    ['is another than its checksum says', `UPDATE block SET leaves = ${FLIP('leaves')} WHERE number = 1`],
    ['has another checksum', `UPDATE block SET sum = x'00' WHERE number = 1`],
    ['is gone', 'DELETE FROM block WHERE number = 1'],
    [
      'is in the place of another',
      'UPDATE block SET leaves = b.leaves, sum = b.sum FROM block b WHERE b.number = 0 AND block.number = 1',
    ],
  ])('that %s is told, and taken from the store', (_, sql) =>
    damagedBy(sql, [], (file) =>
      open(file, async (staging) => {
        expect(staging.damage()).toStrictEqual({ blocks: [1], batchesFrom: undefined });
        expect(await staging.find(hashOf('leaf 255'))).toBe(255);
        const blocks = [{ number: 1, leaves: Buffer.concat(leaves(256, 512)) }];
        await staging.adopt(await staging.published(), blocks);
        expect(staging.damage().blocks).toStrictEqual([]);
        for (const index of [255, 256, 257, 511, 512, 619])
          expect(await staging.find(hashOf(`leaf ${index}`))).toBe(index);
        expect(await staging.unpublished()).toHaveLength(3);
      }),
    ),
  );

  it('that is cut to fewer leaves, or has more, than the tree has is told', () =>
    damagedBy('UPDATE log SET size = size', [], (file) =>
      open(file, async (staging) => {
        const { size, root, time } = await staging.published();
        await staging.adopt({ size, root, time }, [{ number: 2, leaves: Buffer.concat(leaves(512, 599)) }]);
        expect(staging.damage().blocks).toStrictEqual([]);
      }).then(() =>
        open(file, async (staging) => {
          expect(staging.damage().blocks).toStrictEqual([2]);
          await expect(staging.markPublished(600)).rejects.toThrow(/its block 2 of leaf hashes/);
        }),
      ),
    ));

  it('that is damaged while the writer runs hides no leaf', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      // More rows than SQLite keeps in memory.
      const count = 160_000;
      const all = randomBytes(32 * count);
      const leafAt = (index: number) => all.subarray(32 * index, 32 * (index + 1));
      await open(file, async (staging) => {
        await staging.create({ origin: 'log.example', verifierKey: 'x', created: 1 });
        await staging.sequence(
          batch(0, count),
          Array.from({ length: count }, (_, i) => leafAt(i)),
        );
        await staging.markPublished(0);
      });
      await open(file, async (staging) => {
        const leaf = leafAt(1000);
        // The leaf is in its block, and also in a free page where the batch was.
        const bytes = await readFile(file);
        const handle = await openFile(file, 'r+');
        for (let at = bytes.indexOf(leaf); at >= 0; at = bytes.indexOf(leaf, at + 1))
          await handle.write(Buffer.of((leaf[20] ?? 0) ^ 1), 0, 1, at + 20);
        await handle.close();
        const finding = staging.find(leaf);
        await expect(finding).rejects.toThrow(DamagedStoreError);
        await expect(finding).rejects.toThrow(/staging\.sqlite is damaged: its block 3 .*Start again/);
        await expect(staging.sequence(batch(count, count + 1), [leaf])).rejects.toThrow(/its block 3/);
        expect(await staging.find(leafAt(5000))).toBe(5000);
      });
      await open(file, (staging) => {
        expect(staging.damage().blocks).toStrictEqual([3]);
        return Promise.resolve();
      });
    }));
});

describe('a batch that is not published', () => {
  it.each([
    ['of other leaves', `UPDATE outbox SET leaves = ${FLIP('leaves')} WHERE old_size = 600`, 600, 600],
    ['of another root', `UPDATE outbox SET root = ${FLIP('root')} WHERE old_size = 610`, 610, 610],
    ['of another size', 'UPDATE outbox SET size = 612 WHERE old_size = 610', 610, 610],
    ['of another time', 'UPDATE outbox SET time = time + 1 WHERE old_size = 611', 611, 611],
    ['of another place', 'UPDATE outbox SET old_size = 4000 WHERE old_size = 610', 611, 610],
    ['that is gone', 'DELETE FROM outbox WHERE old_size = 600', 610, 600],
  ])('%s is told, and taken back with those after it', (_, sql, from, left) =>
    damagedBy(sql, [], (file) =>
      open(file, async (staging) => {
        expect(staging.damage()).toStrictEqual({ blocks: [], batchesFrom: from });
        await staging.discard(from);
        expect(staging.damage().batchesFrom).toBeUndefined();
        const { size } = await staging.tree();
        expect(size).toBe(left);
        await staging.sequence(batch(size, size + 1), [hashOf('another')]);
      }).then(() =>
        open(file, (staging) => {
          expect(staging.damage().batchesFrom).toBeUndefined();
          return Promise.resolve();
        }),
      ),
    ),
  );
});

describe('the row of the log', () => {
  it.each([
    ['another origin', "UPDATE log SET origin = 'lof.example'"],
    ['another key', "UPDATE log SET verifier_key = 'log.example+00000000+AAAB'"],
    ['another size', 'UPDATE log SET size = 601'],
    ['another root', `UPDATE log SET root = ${FLIP('root')}`],
    ['another time', 'UPDATE log SET time = 0'],
    ['a time that is no number', 'UPDATE log SET time = 9223372036854775807'],
    ['no row', 'DELETE FROM log'],
  ])('with %s is told as damage of the file', (_, sql) =>
    damagedBy(sql, [], async (file) => {
      const opening = SqliteStaging.open(file);
      await expect(opening).rejects.toThrow(DamagedStoreError);
      await expect(opening).rejects.toThrow(/staging\.sqlite is damaged: .*\. Keep the file, .*--rebuild/);
    }),
  );

  it.each([
    'DROP TABLE widths',
    'ALTER TABLE block RENAME COLUMN leaves TO leavfs',
    'PRAGMA user_version = 1',
  ])('and tables that are not those of the version: %s', (sql) =>
    damagedBy(sql, [], (file) =>
      expect(SqliteStaging.open(file)).rejects.toThrow(/its tables are not those of version [12]/),
    ),
  );
});

describe('widths', () => {
  it.each([
    ['lost', 'DELETE FROM widths'],
    ['damaged', `UPDATE widths SET bits = x'00'`],
  ])('that are %s may be any', (_, sql) =>
    damagedBy(sql, [], (file) =>
      open(file, async (staging) => {
        expect(await staging.partialWidths(0, 2)).toHaveLength(255);
        // Later widths of the same tile do not make the earlier ones known.
        await staging.markPublished(600);
        expect(await staging.partialWidths(0, 2)).toHaveLength(255);
      }),
    ),
  );
});

describe('a batch that is sequenced', () => {
  it('may be sequenced again while it is the last, and by its like alone', () =>
    damagedBy('UPDATE log SET size = size', [], (file) =>
      open(file, async (staging) => {
        await staging.sequence(batch(611, 620), leaves(611, 620));
        expect((await staging.tree()).size).toBe(620);
        await expect(
          staging.sequence({ ...batch(611, 620), claim: Buffer.from('other') }, leaves(611, 620)),
        ).rejects.toThrow(/does not follow/);
        await expect(staging.sequence(batch(610, 611), leaves(610, 611))).rejects.toThrow(/does not follow/);
        expect(await staging.find(hashOf('leaf 619'))).toBe(619);
      }),
    ));

  it('leaves the name of its claim until that is gone', () =>
    damagedBy('UPDATE log SET size = size', [], async (file) => {
      await open(file, async (staging) => {
        expect(await staging.claims()).toEqual([0]);
        await staging.markPublished(600);
        expect(await staging.claims()).toEqual([0, 600]);
        staging.claimDropped(0);
        expect(await staging.claims()).toEqual([600]);
        await staging.markPublished(610);
      });
      await open(file, async (staging) => {
        expect(await staging.claims()).toEqual([600, 610]);
      });
    }));
});
