/**
 * Staging of other versions: an older one is carried over; a newer one, and a newer claim, are refused as newer.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError } from '#src/errors.js';
import { opensslSha256 } from '#src/node/openssl-sha256.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError, NewerVersionError, parseClaim, RightEdge } from '#tiles-spec/index.js';
import { Database } from '#writer/staging/database.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { withFolder } from '../support/daemon.js';

const leafOf = (index: number) => createHash('sha256').update(`leaf ${index}`).digest();

function leaves(from: number, to: number): Buffer[] {
  return Array.from({ length: to - from }, (_, i) => leafOf(from + i));
}

function rootAt(size: number): Uint8Array {
  return RightEdge.empty(opensslSha256).append(leaves(0, size)).edge.root();
}

/** The tables of the first version, as that version made them. */
const FIRST_SCHEMA = [
  `CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, verifier_key TEXT NOT NULL, created INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS batch (
    old_size INTEGER PRIMARY KEY, size INTEGER NOT NULL UNIQUE, root BLOB NOT NULL, time INTEGER NOT NULL,
    leaf_hashes BLOB NOT NULL
  ) STRICT`,
  'CREATE TABLE IF NOT EXISTS outbox (old_size INTEGER PRIMARY KEY, claim BLOB NOT NULL) STRICT',
  'CREATE TABLE IF NOT EXISTS collected (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT',
];

/** Where the batches of the log end, and which of them are published. */
const ENDS = [1, 3, 250, 256, 300, 1200, 1201, 1300, 1310];
const PUBLISHED = 1201;
const COLLECTED = 256;

async function makeFirst(
  file: string,
  change: (database: Database) => Promise<void> = () => Promise.resolve(),
) {
  const database = await Database.open(file);
  await database.run('PRAGMA page_size = 8192');
  await database.run('PRAGMA journal_mode = WAL');
  for (const sql of FIRST_SCHEMA) await database.run(sql);
  await database.run("INSERT INTO log VALUES (1, 'log.example', 'log.example+00000000+AAAA', 1234)");
  for (const [i, size] of ENDS.entries()) {
    const oldSize = ENDS[i - 1] ?? 0;
    await database.run('INSERT INTO batch VALUES (?, ?, ?, ?, ?)', [
      oldSize,
      size,
      rootAt(size),
      1_000 + size,
      Buffer.concat(leaves(oldSize, size)),
    ]);
    if (size > PUBLISHED)
      await database.run('INSERT INTO outbox VALUES (?, ?)', [oldSize, Buffer.from(`claim ${oldSize}`)]);
  }
  await database.run('INSERT INTO collected VALUES (1, ?)', [COLLECTED]);
  await change(database);
  await database.close();
}

describe('a staging of the first version', () => {
  it('is carried over whole', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      await makeFirst(file);
      for (let start = 0; start < 2; start++) {
        const staging = await SqliteStaging.open(file);
        expect(await staging.identity()).toStrictEqual({
          origin: 'log.example',
          verifierKey: 'log.example+00000000+AAAA',
          created: 1234,
        });
        expect(staging.damage()).toStrictEqual({ blocks: [], batchesFrom: undefined });
        expect(await staging.published()).toMatchObject({ size: PUBLISHED, time: 1_000 + PUBLISHED });
        expect(Buffer.from((await staging.published()).root)).toEqual(Buffer.from(rootAt(PUBLISHED)));
        expect(await staging.tree()).toMatchObject({ size: 1310, time: 2_310 });
        const unpublished = await staging.unpublished();
        expect(unpublished.map(({ oldSize, size, claim }) => [oldSize, size, String(claim)])).toEqual([
          [1201, 1300, 'claim 1201'],
          [1300, 1310, 'claim 1300'],
        ]);
        for (let i = 0; i < 1310; i++) expect(await staging.find(leafOf(i))).toBe(i);
        expect(await staging.collected()).toBe(COLLECTED);
        // The widths of tiles whose partial objects are deleted are forgotten.
        expect(await staging.partialWidths(0, 1)).toEqual([300 - 256]);
        expect(await staging.partialWidths(0, 2)).toEqual([]);
        expect(await staging.partialWidths(0, 4)).toEqual([1200 - 1024, 1201 - 1024]);
        expect(await staging.partialWidths(1, 0)).toEqual([1, 4]);
        await staging.close();
      }
      const staging = await SqliteStaging.open(file);
      await staging.markPublished(1201);
      await staging.markPublished(1300);
      expect(await staging.published()).toMatchObject({ size: 1310 });
      expect(await staging.partialWidths(0, 5)).toEqual([20, 30]);
      await staging.close();
    }));

  it('is refused where a bit of its leaf hashes is another, and stays as it is', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      await makeFirst(file, async (database) => {
        const wrong = Buffer.concat([leafOf(1), Buffer.concat([Buffer.of(1), leafOf(2).subarray(1)])]);
        await database.run('UPDATE batch SET leaf_hashes = ? WHERE old_size = 1', [wrong]);
      });
      for (let start = 0; start < 2; start++) {
        const opening = SqliteStaging.open(file);
        await expect(opening).rejects.toThrow(DamagedStoreError);
        await expect(opening).rejects.toThrow(
          /staging\.sqlite is damaged: its leaf hashes are not those of the tree of 1201\. .*--rebuild/,
        );
      }
    }));
});

describe('what a newer version made', () => {
  it('is named as such: staging', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'staging.sqlite');
      await (await SqliteStaging.open(file)).close();
      const database = await Database.open(file);
      await database.run('PRAGMA user_version = 3');
      await database.run('CREATE TABLE later (id INTEGER)');
      await database.close();
      const opening = SqliteStaging.open(file);
      await expect(opening).rejects.toThrow(NewerVersionError);
      await expect(opening).rejects.toThrow(/staging\.sqlite was made by a newer version of Stele/);
    }));

  it.each(['stele claim v2\n', 'stele claim v10\nanything'])('is named as such: %j', (text) => {
    const parse = () => parseClaim(encodeText(text));
    expect(parse).toThrow(NewerVersionError);
    expect(parse).toThrow(/^claim was made by a newer version of Stele/);
  });

  it.each(['stele claim v0\n', 'stele claim v01\n', 'stele claim v2', 'stele claim vx\n', ''])(
    'is not %j',
    (text) => {
      const parse = () => parseClaim(encodeText(text));
      expect(parse).toThrow(FormatError);
      expect(parse).not.toThrow(NewerVersionError);
    },
  );
});
