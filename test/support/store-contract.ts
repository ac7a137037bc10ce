/**
 * The tests that every store must pass (`src/store/store.ts`).
 * @module
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError } from '#src/errors.js';
import type { ObjectStore } from '#src/store/store.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError, formatPath } from '#tiles-spec/index.js';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Opens another store on the same objects, as another process would. */
  readonly other: ObjectStore;
  /** The names of the objects that are stored, in order. */
  readonly stored: () => Promise<readonly string[]>;
}

export interface StoreKind {
  /** Runs `use` with an empty store. */
  readonly withStore: (use: (test: StoreUnderTest) => Promise<void>) => Promise<void>;
  /** Number of writers at the same time. */
  readonly racers: number;
  /** Whether any process may swap, or only the one that owns the store. */
  readonly isShared: boolean;
}

/** Bytes in the objects of most tests: the least that every object in them can have. */
const LENGTH = 96;

export const bytesOf = (i: number, length = LENGTH) => new Uint8Array(length).fill(i);

/** One object for each depth and form of name. */
const PATHS = ['checkpoint', 'staging/0', 'tile/0/x001/x234/067.p/3', 'tile/entries/000'];

/** Names that no object of a log has. */
const STRANGE_PATHS = [
  ...['', '.', '..', '../checkpoint', '/checkpoint', 'checkpoint/', './checkpoint', 'tile/../checkpoint'],
  ...['.lock.sqlite', '.tmp/x', 'log.key', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/0', 'tile/00/000'],
  ...['staging/01', 'staging/-1', 'staging/x', 'Checkpoint', 'checkpoint\0', 'tile\\0\\000'],
  'index/checkpoint',
];

export function describeStore(title: string, { withStore, racers, isShared }: StoreKind): void {
  /** Lets all writers write at once. Requires that one succeeds, and its bytes are stored whole. Returns their tag. */
  async function race(
    { store, other }: StoreUnderTest,
    path: string,
    write: (store: ObjectStore, bytes: Uint8Array) => Promise<boolean>,
    { round = 0, isShared = true } = {},
  ): Promise<string | undefined> {
    const written = await Promise.all(
      Array.from({ length: racers }, (_, i) =>
        write(isShared && i % 2 === 1 ? other : store, bytesOf(i + racers * round)),
      ),
    );
    expect(written.filter(Boolean)).toHaveLength(1);
    const object = await other.read(path);
    expect(object?.bytes).toHaveLength(LENGTH);
    expect(new Set(object?.bytes)).toStrictEqual(new Set([written.indexOf(true) + racers * round]));
    return object?.etag;
  }

  describe(title, () => {
    it('creates an object once, whoever comes first, and all of it', () =>
      withStore(async (test) => {
        for (const path of PATHS) {
          await race(test, path, (store, bytes) => store.create(path, bytes));
          const before = await test.store.read(path);
          expect(await test.store.create(path, bytesOf(250))).toBe(false);
          expect(await test.store.read(path)).toStrictEqual(before);
        }
        expect(await test.stored()).toStrictEqual(PATHS);
      }));

    it('swaps an object for whoever knows its tag, once', () =>
      withStore(async (test) => {
        const { store } = test;
        // First where no object exists, then where one does.
        let tag: string | undefined;
        for (let round = 0; round < 4; round++) {
          const old = tag;
          const swap = (by: ObjectStore, bytes: Uint8Array) => by.replace('checkpoint', bytes, old);
          tag = await race(test, 'checkpoint', swap, { round, isShared });
          expect(tag).not.toBe(old);
          expect(await store.replace('checkpoint', bytesOf(250), old)).toBe(false);
        }
        expect(await store.replace('checkpoint', bytesOf(250), undefined)).toBe(false);
        expect((await store.read('checkpoint'))?.etag).toBe(tag);
      }));

    it('replaces nothing that is not there', () =>
      withStore(async ({ store, stored }) => {
        await store.create('checkpoint', bytesOf(1));
        const { etag } = (await store.read('checkpoint')) ?? {};
        expect(await store.replace('trusted_root.json', bytesOf(2), etag)).toBe(false);
        await store.delete(['checkpoint']);
        expect(await store.replace('checkpoint', bytesOf(2), etag)).toBe(false);
        expect(await stored()).toStrictEqual([]);
        expect(await store.replace('checkpoint', bytesOf(2), undefined)).toBe(true);
      }));

    it('shows an object whole while it is swapped', () =>
      withStore(async ({ store, other }) => {
        await store.create('checkpoint', bytesOf(0, 10_000));
        const state = { done: false };
        const writing = (async () => {
          for (let i = 1; i <= 40; i++) {
            const { etag } = (await store.read('checkpoint')) ?? {};
            expect(await store.replace('checkpoint', bytesOf(i, 10_000), etag)).toBe(true);
          }
          state.done = true;
        })();
        let last = 0;
        while (!state.done) {
          const { bytes } = (await other.read('checkpoint')) ?? { bytes: new Uint8Array() };
          expect(bytes).toHaveLength(10_000);
          expect(new Set(bytes).size).toBe(1);
          expect(bytes[0]).toBeGreaterThanOrEqual(last);
          last = bytes[0] ?? 0;
        }
        await writing;
      }));

    it('gives an object the same tag as long as it is the same', () =>
      withStore(async ({ store, other }) => {
        await store.create('tile/0/000', bytesOf(1));
        await store.create('tile/0/001', bytesOf(2));
        const tag = async (from: ObjectStore, path: string) => (await from.read(path))?.etag;
        const first = await tag(store, 'tile/0/000');
        expect(first).toMatch(/^[!#-~]+$/);
        expect(await tag(store, 'tile/0/000')).toBe(first);
        expect(await tag(other, 'tile/0/000')).toBe(first);
        expect(await tag(store, 'tile/0/001')).not.toBe(first);
      }));

    it('gives back what it was given: bytes of gzip, of any value, and none', () =>
      withStore(async ({ store }) => {
        for (const [path, bytes] of [
          ['tile/entries/000', gzipSync('entries')],
          // The store returns an entry bundle as it was stored, whatever encoding its headers name.
          ['tile/entries/001', Buffer.from('no gzip')],
          ['tile/0/000', Uint8Array.from({ length: 256 }, (_, i) => i)],
          ['tile/times/000', new Uint8Array(0)],
          ['staging/7', new Uint8Array(3_000_000).fill(7)],
        ] as const) {
          expect(await store.create(path, bytes)).toBe(true);
          const object = await store.read(path);
          expect(object && Buffer.from(object.bytes).equals(bytes), path).toBe(true);
          const { etag } = object ?? {};
          const range = await store.readRange(path, 0, bytes.length + 1);
          expect(range && Buffer.from(range.bytes).equals(bytes), path).toBe(true);
          expect(range).toMatchObject({ size: bytes.length, etag });
          expect(await store.stat(path)).toMatchObject({ size: bytes.length, etag });
          expect(await store.replace(path, Buffer.from('more'), etag)).toBe(true);
        }
      }));

    it('reads ranges, and fewer bytes where the object ends', () =>
      withStore(async ({ store }) => {
        await store.create('tile/0/000', encodeText('0123456789'));
        await store.create('tile/0/001', new Uint8Array(0));
        const range = async (start: number, end: number, path = 'tile/0/000') => {
          const part = await store.readRange(path, start, end);
          // Length and tag are those of the whole object, whichever range was read.
          const { size, etag } = (await store.stat(path)) ?? {};
          expect(part).toMatchObject({ size, etag });
          return part && Buffer.from(part.bytes).toString();
        };
        expect(await range(0, 10)).toBe('0123456789');
        expect(await range(0, 1)).toBe('0');
        expect(await range(9, 10)).toBe('9');
        expect(await range(3, 7)).toBe('3456');
        expect(await range(8, 20)).toBe('89');
        expect(await range(10, 12)).toBe('');
        expect(await range(1_000, 2_000)).toBe('');
        expect(await range(5, 5)).toBe('');
        expect(await range(0, 0)).toBe('');
        expect(await range(0, 1, 'tile/0/001')).toBe('');
        expect(await range(0, 0, 'tile/0/001')).toBe('');
        expect(await range(5, 9, 'tile/0/001')).toBe('');
      }));

    it('has nothing where there is nothing', () =>
      withStore(async ({ store, stored }) => {
        await store.create('tile/0/000.p/5', bytesOf(1));
        for (const path of ['checkpoint', 'tile/0/000', 'tile/0/000.p/6', 'tile/0/x001/000', 'staging/0']) {
          expect(await store.read(path)).toBeUndefined();
          expect(await store.readRange(path, 0, 1)).toBeUndefined();
          expect(await store.stat(path)).toBeUndefined();
          await expect(store.delete([path])).resolves.toBeUndefined();
        }
        // A full tile beside its partial ones.
        expect(await store.create('tile/0/000', bytesOf(2))).toBe(true);
        expect(await stored()).toStrictEqual(['tile/0/000', 'tile/0/000.p/5']);
      }));

    it('deletes an object, which can then be created', () =>
      withStore(async ({ store, other, stored }) => {
        for (const path of ['staging/0', 'tile/0/000.p/5']) {
          expect(await store.create(path, bytesOf(1))).toBe(true);
          await store.delete([path]);
          expect(await other.read(path)).toBeUndefined();
          expect(await stored()).toStrictEqual([]);
          expect(await store.create(path, bytesOf(2))).toBe(true);
          expect((await other.read(path))?.bytes[0]).toBe(2);
          await store.delete([path]);
        }
      }));

    it('deletes any number of objects, some of which are not there', () =>
      withStore(async ({ store, stored }) => {
        const pathOf = (index: number) => formatPath({ kind: 'tile', level: 0, index, width: 1 });
        const there = Array.from({ length: 20 }, (_, i) => pathOf(i * 100));
        await Promise.all(there.map((path) => store.create(path, bytesOf(1, 32))));
        await store.create('checkpoint', bytesOf(1));
        await store.delete(Array.from({ length: 2_100 }, (_, i) => pathOf(i)));
        expect(await stored()).toStrictEqual(['checkpoint']);
        await store.delete([]);
      }));

    it('reads nothing that is longer than an object of its name can be', () =>
      withStore(async ({ store }) => {
        for (const [path, longest] of [
          ['checkpoint', 2 ** 20],
          ['trusted_root.json', 2 ** 20],
          ['tile/0/000.p/3', 96],
          ['tile/0/001', 8_192],
          ['tile/times/001', 2_048],
          ['tile/entries/001.p/1', 66_114],
        ] as const) {
          await store.create(path, bytesOf(1, longest + 1));
          await expect(store.read(path), path).rejects.toThrow(DamagedStoreError);
          await expect(store.read(path), path).rejects.toThrow(
            `${path} has over ${longest} bytes, the most that an object of its name can have`,
          );
          await store.delete([path]);
          await store.create(path, bytesOf(1, longest));
          expect((await store.read(path))?.bytes, path).toHaveLength(longest);
        }
      }));

    it('touches nothing that is no name of the log', () =>
      withStore(async ({ store, stored }) => {
        await store.create('checkpoint', bytesOf(1));
        for (const path of STRANGE_PATHS) {
          for (const call of [
            async () => store.create(path, bytesOf(0)),
            async () => store.read(path),
            async () => store.readRange(path, 0, 1),
            async () => store.stat(path),
            async () => store.replace(path, bytesOf(0), undefined),
            async () => store.delete(['staging/0', path]),
          ]) {
            await expect(call(), path).rejects.toThrow(FormatError);
          }
        }
        expect(await stored()).toStrictEqual(['checkpoint']);
        expect((await store.read('checkpoint'))?.bytes[0]).toBe(1);
      }));
  });
}
