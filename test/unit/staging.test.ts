import { createHash, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError } from '#src/errors.js';
import { LeafTable } from '#writer/staging/leaf-table.js';
import { SqliteStaging, type SequencedBatch } from '#writer/staging/staging.js';
import { withFolder } from '../support/daemon.js';

const hashOf = (text: string) => createHash('sha256').update(text).digest();
const rootOf = (size: number) => hashOf(`root ${size}`);

/** A batch whose leaves are made from their indices. */
function batch(oldSize: number, size: number, time = 1_000 + size): SequencedBatch {
  return { oldSize, size, root: rootOf(size), time, claim: Buffer.from(`claim ${oldSize}`) };
}

function leaves(oldSize: number, size: number): Buffer[] {
  return Array.from({ length: size - oldSize }, (_, i) => hashOf(`leaf ${oldSize + i}`));
}

function withStaging(
  use: (staging: SqliteStaging, reopen: () => Promise<SqliteStaging>) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const open = () => SqliteStaging.open(join(folder, 'staging.sqlite'));
    let staging = await open();
    await staging.create(IDENTITY);
    const reopen = async () => {
      await staging.close();
      staging = await open();
      return staging;
    };
    try {
      await use(staging, reopen);
    } finally {
      await staging.close();
    }
  });
}

const IDENTITY = {
  origin: 'log.example',
  verifierKey: 'log.example+00000000+AAAA',
  created: 1_767_225_600_123,
};

describe('SqliteStaging', () => {
  it('is of one log, for ever', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      const staging = await SqliteStaging.open(file);
      expect(await staging.identity()).toBeUndefined();
      expect((await staging.tree()).size).toBe(0);
      expect(await staging.unpublished()).toStrictEqual([]);
      expect(await staging.find(hashOf('leaf 0'))).toBeUndefined();
      await staging.create(IDENTITY);
      await expect(staging.create({ ...IDENTITY, origin: 'other.example' })).rejects.toThrow(/UNIQUE/);
      expect(await staging.identity()).toStrictEqual(IDENTITY);
      await staging.close();
      const again = await SqliteStaging.open(file);
      expect(await again.identity()).toStrictEqual(IDENTITY);
      await again.close();
    }));

  it('keeps batches in order until they are published, and their leaves for ever', () =>
    withStaging(async (staging, reopen) => {
      await staging.sequence(batch(0, 3), leaves(0, 3));
      await staging.sequence(batch(3, 4), leaves(3, 4));
      await staging.sequence(batch(4, 300), leaves(4, 300));
      const check = async (each: SqliteStaging, unpublished: readonly number[]) => {
        expect((await each.unpublished()).map(({ oldSize }) => oldSize)).toStrictEqual(unpublished);
        expect(await each.tree()).toStrictEqual({ size: 300, root: rootOf(300), time: 1_300 });
        const published = unpublished[0] ?? 300;
        expect((await each.published()).size).toBe(published);
        if (published > 0)
          expect(await each.published()).toMatchObject({ root: rootOf(published), time: 1_000 + published });
        for (const index of [0, 1, 2, 3, 4, 150, 299]) {
          expect(await each.find(hashOf(`leaf ${index}`))).toBe(index);
        }
        expect(await each.find(hashOf('leaf 300'))).toBeUndefined();
      };
      await check(staging, [0, 3, 4]);
      const [first] = await staging.unpublished();
      expect(first).toStrictEqual({ ...batch(0, 3), claim: Buffer.from('claim 0') });
      await staging.markPublished(0);
      await staging.markPublished(0);
      await check(staging, [3, 4]);
      const again = await reopen();
      await check(again, [3, 4]);
      await again.markPublished(3);
      await again.markPublished(4);
      await check(await reopen(), []);
    }));

  it('refuses gaps, repeats, and batches that are not what they say', () =>
    withStaging(async (staging, reopen) => {
      await expect(staging.sequence(batch(1, 2), leaves(1, 2))).rejects.toThrow(DamagedStoreError);
      await staging.sequence(batch(0, 2), leaves(0, 2));
      const refused = async (wrong: SequencedBatch, hashes: Buffer[], message: RegExp) => {
        await expect(staging.sequence(wrong, hashes)).rejects.toThrow(DamagedStoreError);
        await expect(staging.sequence(wrong, hashes)).rejects.toThrow(message);
      };
      await refused(
        { ...batch(0, 2), time: 1 },
        leaves(0, 2),
        /a batch from 0 does not follow staging's last, which ends at 2/,
      );
      await refused(batch(1, 3), leaves(1, 3), /a batch from 1 does not follow/);
      await refused(batch(3, 4), leaves(3, 4), /a batch from 3 does not follow/);
      await refused(batch(2, 4), [hashOf('new'), hashOf('leaf 1')], /is in the log already, at 1/);
      await refused(batch(2, 4), [hashOf('new'), hashOf('new')], /the batch from 2 has a leaf twice/);
      await refused(batch(2, 4), leaves(2, 3), /the batch from 2 to 4 has 1 leaves/);
      await refused(batch(2, 3), leaves(2, 4), /the batch from 2 to 3 has 2 leaves/);
      expect(await staging.find(hashOf('new'))).toBeUndefined();
      expect((await staging.tree()).size).toBe(2);
      const again = await reopen();
      await expect(again.sequence(batch(2, 3), [hashOf('leaf 0')])).rejects.toThrow(/already, at 0/);
      await again.sequence(batch(2, 3), leaves(2, 3));
      expect(await again.find(hashOf('leaf 2'))).toBe(2);
    }));

  it('takes back batches that another writer was chosen before', () =>
    withStaging(async (staging, reopen) => {
      await staging.sequence(batch(0, 2), leaves(0, 2));
      await staging.sequence(batch(2, 5), leaves(2, 5));
      await staging.sequence(batch(5, 6), leaves(5, 6));
      await staging.markPublished(0);
      await staging.discard(2);
      const check = async (each: SqliteStaging) => {
        expect((await each.tree()).size).toBe(2);
        expect(await each.unpublished()).toStrictEqual([]);
        expect(await each.find(hashOf('leaf 1'))).toBe(1);
        for (const index of [2, 3, 4, 5]) expect(await each.find(hashOf(`leaf ${index}`))).toBeUndefined();
      };
      await check(staging);
      await check(await reopen());
    }));

  it('finds leaves where they are after a batch was taken back, not where they were', () =>
    withStaging(async (staging, reopen) => {
      await staging.sequence(batch(0, 1), leaves(0, 1));
      await staging.sequence(batch(1, 3), [hashOf('a'), hashOf('b')]);
      await staging.discard(1);
      // In reverse order, with one more leaf before them.
      await staging.sequence(batch(1, 4), [hashOf('c'), hashOf('b'), hashOf('a')]);
      for (const each of [staging, await reopen()]) {
        if (each === staging) continue;
        expect(await each.find(hashOf('a'))).toBe(3);
        expect(await each.find(hashOf('b'))).toBe(2);
        expect(await each.find(hashOf('c'))).toBe(1);
      }
    }));

  it('tells leaves apart whose hashes begin alike', () =>
    withStaging(async (staging, reopen) => {
      // The leaves agree in 48 bits, more than the table in memory holds.
      const alike = Array.from({ length: 40 }, () =>
        Buffer.concat([Buffer.from('001122334455', 'hex'), randomBytes(26)]),
      );
      const [in1, in2, absent] = [alike.slice(0, 20), alike.slice(20, 35), alike.slice(35)];
      await staging.sequence(batch(0, 20), in1);
      await staging.sequence(batch(20, 35), in2);
      for (const each of [staging, await reopen()].slice(1)) {
        for (const [index, hash] of [...in1, ...in2].entries()) expect(await each.find(hash)).toBe(index);
        for (const hash of absent) expect(await each.find(hash)).toBeUndefined();
        await expect(each.sequence(batch(35, 36), alike.slice(30, 31))).rejects.toThrow(/already, at 30/);
        await each.sequence(batch(35, 40), absent);
        expect(await each.find(alike[39] ?? Buffer.alloc(32))).toBe(39);
      }
    }));

  it('reads more batches than fit in one query, and is one file when it is closed', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      const staging = await SqliteStaging.open(file);
      await staging.create(IDENTITY);
      const batches = 600;
      for (let i = 0; i < batches; i++) {
        await staging.sequence(batch(2 * i, 2 * i + 2), leaves(2 * i, 2 * i + 2));
      }
      await staging.close();
      await expect(stat(`${file}-wal`)).rejects.toThrow(/ENOENT/);
      const again = await SqliteStaging.open(file);
      try {
        for (const index of [0, 511, 512, 513, 1023, 1024, 1199]) {
          expect(await again.find(hashOf(`leaf ${index}`))).toBe(index);
        }
        expect(await again.unpublished()).toHaveLength(batches);
      } finally {
        await again.close();
      }
    }));
});

describe('LeafTable', () => {
  it('knows 200,000 leaves, and hardly any other', () => {
    const table = new LeafTable();
    const count = 200_000;
    const hash = (i: number) => {
      const bytes = Buffer.alloc(32);
      // A bijection that spreads over 32 bits, so that no two leaves share a tag.
      bytes.writeUInt32BE(Math.imul(i, 0x9e3779b1) >>> 0);
      return bytes;
    };
    for (let i = 0; i < count; i++) {
      expect(table.candidates(hash(i)).length).toBe(0);
      table.add(hash(i), i);
    }
    for (let i = 0; i < count; i++) {
      const found = table.candidates(hash(i));
      if (found.length !== 1 || found[0] !== i) expect.fail(`leaf ${i} is found at ${found.join(', ')}`);
    }
    expect(table.candidates(hash(count))).toStrictEqual([]);
  });

  it('gives every index of leaves that look alike, across growth', () => {
    const table = new LeafTable();
    const tag = (n: number) => {
      const bytes = randomBytes(32);
      // All leaves fall into one shard.
      bytes.writeUIntBE(n * 2 ** 16, 0, 6);
      return bytes;
    };
    const alike = Array.from({ length: 30 }, (_, i) => i * 1_000);
    for (let i = 0; i < 30_000; i++) table.add(tag(i % 1_000 === 0 ? 0xfffffff0 : i), i);
    expect(table.candidates(tag(0xfffffff0)).sort((a, b) => a - b)).toStrictEqual(alike);
    // Tags that share a slot, and that wrap around the end of the table.
    for (const n of [0, 1, 0xffffffff]) table.add(tag(n), 40_000 + (n % 7));
    expect(table.candidates(tag(0xffffffff))).toContain(40_000 + (0xffffffff % 7));
  });

  it('takes at most 24 bytes a leaf at every size, and grows in small steps', () => {
    const table = new LeafTable();
    const hash = Buffer.alloc(32);
    let [before, largestStep] = [table.bytes, 0];
    expect(before).toBe(64 * 1024);
    for (let i = 0; i < 1_000_000; i++) {
      // A bijection that spreads over tags and shards alike.
      hash.writeUInt32BE(Math.imul(i, 0x9e3779b1) >>> 0);
      hash.writeUInt16BE(Math.imul(i, 0x85ebca6b) >>> 16, 4);
      table.add(hash, i);
      if (i % 64 !== 0) continue;
      const { bytes } = table;
      if (bytes > 64 * 1024 + 24 * (i + 1)) expect.fail(`${i + 1} leaves take ${bytes} bytes`);
      largestStep = Math.max(largestStep, bytes - before);
      before = bytes;
    }
    // A growth for 64 leaves; a single table would take 8 MiB more at once.
    expect(largestStep).toBeLessThan(1024 * 1024);
  });

  it('holds indices up to 2^32 - 2', () => {
    const table = new LeafTable();
    table.add(hashOf('last'), 2 ** 32 - 2);
    expect(table.candidates(hashOf('last'))).toStrictEqual([2 ** 32 - 2]);
    expect(() => {
      table.add(hashOf('beyond'), 2 ** 32 - 1);
    }).toThrow(RangeError);
  });
});
