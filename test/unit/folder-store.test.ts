import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderStore } from '#src/store/folder.js';
import { encodeText, FormatError } from '#tiles-spec/index.js';
import { withFolder } from '../daemon.js';

const RACERS = 50;

/** A store in a folder that is not there yet. */
function withStore(use: (store: FolderStore, folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (parent) => {
    const folder = join(parent, 'a', 'store');
    await use(new FolderStore(folder), folder);
  });
}

const bytesOf = (i: number) => new Uint8Array(10_000).fill(i);

describe('FolderStore', () => {
  it('creates an object once, whoever comes first, and all of it', () =>
    withStore(async (store, folder) => {
      for (const path of ['staging/0', 'tile/0/x001/x234/067.p/3', 'checkpoint']) {
        const created = await Promise.all(
          Array.from({ length: RACERS }, (_, i) => store.create(path, bytesOf(i))),
        );
        expect(created.filter(Boolean)).toHaveLength(1);
        const stored = await store.read(path);
        expect(stored?.bytes).toHaveLength(10_000);
        expect(new Set(stored?.bytes)).toStrictEqual(new Set([created.indexOf(true)]));
        expect(await store.create(path, bytesOf(0))).toBe(false);
      }
      expect(await readdir(join(folder, '.tmp'))).toStrictEqual([]);
    }));

  it('does so between two that share the folder', () =>
    withStore(async (store, folder) => {
      const other = new FolderStore(folder);
      const created = await Promise.all(
        Array.from({ length: RACERS }, (_, i) =>
          (i % 2 === 0 ? store : other).create('staging/9', bytesOf(i)),
        ),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect((await store.read('staging/9'))?.bytes[0]).toBe(created.indexOf(true));
    }));

  it('swaps an object for whoever knows its tag, once', () =>
    withStore(async (store) => {
      const race = async (etag: string | undefined, round: number) => {
        const swapped = await Promise.all(
          Array.from({ length: RACERS }, (_, i) =>
            store.replace('checkpoint', bytesOf(i + RACERS * round), etag),
          ),
        );
        expect(swapped.filter(Boolean)).toHaveLength(1);
        const stored = await store.read('checkpoint');
        expect(stored?.bytes[0]).toBe(swapped.indexOf(true) + RACERS * round);
        return stored?.etag;
      };
      // Where there is none, then three times where there is one.
      let etag = await race(undefined, 0);
      for (let round = 1; round <= 3; round++) {
        const next = await race(etag, round);
        expect(await store.replace('checkpoint', bytesOf(250), etag)).toBe(false);
        etag = next;
      }
      expect(await store.replace('checkpoint', bytesOf(77), undefined)).toBe(false);
      expect(await store.replace('trusted_root.json', bytesOf(77), 'tag')).toBe(false);
      expect(await store.read('trusted_root.json')).toBeUndefined();
    }));

  it('shows an object whole while it is swapped', () =>
    withStore(async (store) => {
      await store.create('checkpoint', bytesOf(0));
      const state = { done: false };
      const writing = (async () => {
        for (let i = 1; i <= 40; i++) {
          const { etag } = (await store.read('checkpoint')) ?? {};
          expect(await store.replace('checkpoint', bytesOf(i), etag)).toBe(true);
        }
        state.done = true;
      })();
      let last = 0;
      while (!state.done) {
        const { bytes } = (await store.read('checkpoint')) ?? { bytes: new Uint8Array() };
        expect(bytes).toHaveLength(10_000);
        expect(new Set(bytes).size).toBe(1);
        expect(bytes[0]).toBeGreaterThanOrEqual(last);
        last = bytes[0] ?? 0;
      }
      await writing;
    }));

  it('gives an object the same tag as long as it is the same', () =>
    withStore(async (store) => {
      await store.create('tile/0/000', bytesOf(1));
      await store.create('tile/0/001', bytesOf(2));
      const [first, again, other] = await Promise.all(
        ['tile/0/000', 'tile/0/000', 'tile/0/001'].map((path) => store.read(path)),
      );
      expect(again?.etag).toBe(first?.etag);
      expect(other?.etag).not.toBe(first?.etag);
      expect(first?.etag).toMatch(/^[!#-~]+$/);
    }));

  it('reads ranges, and fewer bytes where the object ends', () =>
    withStore(async (store) => {
      await store.create('tile/0/000', encodeText('0123456789'));
      const range = async (start: number, end: number) => {
        const bytes = await store.readRange('tile/0/000', start, end);
        return bytes && Buffer.from(bytes).toString();
      };
      expect(await range(0, 10)).toBe('0123456789');
      expect(await range(0, 1)).toBe('0');
      expect(await range(9, 10)).toBe('9');
      expect(await range(3, 7)).toBe('3456');
      expect(await range(8, 20)).toBe('89');
      expect(await range(10, 12)).toBe('');
      expect(await range(5, 5)).toBe('');
    }));

  it('has nothing where there is nothing, not even a folder', () =>
    withStore(async (store, folder) => {
      for (let i = 0; i < 2; i++) {
        expect(await store.read('checkpoint')).toBeUndefined();
        expect(await store.readRange('tile/0/000', 0, 1)).toBeUndefined();
        await expect(store.delete('staging/0')).resolves.toBeUndefined();
        await mkdir(join(folder, 'tile', '0'), { recursive: true });
      }
      // A file where a folder would be.
      await writeFile(join(folder, 'staging'), '');
      expect(await store.read('staging/0')).toBeUndefined();
      await expect(store.create('staging/0', bytesOf(0))).rejects.toThrow(/ENOTDIR|EEXIST/);
    }));

  it('deletes an object, which can then be created', () =>
    withStore(async (store) => {
      expect(await store.create('staging/0', bytesOf(1))).toBe(true);
      await store.delete('staging/0');
      expect(await store.read('staging/0')).toBeUndefined();
      expect(await store.create('staging/0', bytesOf(2))).toBe(true);
      expect((await store.read('staging/0'))?.bytes[0]).toBe(2);
    }));

  it.each([
    ...['', '.', '..', '../checkpoint', '/checkpoint', 'checkpoint/', './checkpoint', 'tile/../checkpoint'],
    ...['.lock.sqlite', '.tmp/x', 'log.key', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/0', 'tile/00/000'],
    ...[
      'staging/01',
      'staging/-1',
      'staging/x',
      'Checkpoint',
      'checkpoint\0',
      'tile\\0\\000',
      'index/checkpoint',
    ],
  ])('touches nothing that is no name of the log: %j', (path) =>
    withStore(async (store, folder) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, '.lock.sqlite'), 'lock');
      for (const call of [
        () => store.create(path, bytesOf(0)),
        () => store.read(path),
        () => store.readRange(path, 0, 1),
        () => store.replace(path, bytesOf(0), undefined),
        () => store.delete(path),
      ]) {
        await expect(call()).rejects.toThrow(FormatError);
      }
      expect(await readdir(folder)).toStrictEqual(['.lock.sqlite']);
      expect(await readdir(join(folder, '..'))).toStrictEqual(['store']);
    }),
  );

  it('sweeps away what a writer that died left, and nothing else', () =>
    withStore(async (store, folder) => {
      await store.create('checkpoint', bytesOf(1));
      await writeFile(join(folder, '.tmp', 'left'), 'x');
      await new FolderStore(folder).sweep();
      expect(await readdir(folder)).toStrictEqual(['checkpoint']);
      expect(await readFile(join(folder, 'checkpoint'))).toHaveLength(10_000);
      expect(await new FolderStore(folder).create('staging/0', bytesOf(1))).toBe(true);
    }));
});
