import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError } from '#src/errors.js';
import { FolderStore } from '#src/store/folder.js';
import { FormatError } from '#tiles-spec/index.js';
import { withFolder } from '../support/daemon.js';
import { bytesOf, describeStore } from '../support/store-contract.js';

/** A store in a folder that is not there yet. */
function withStore(use: (store: FolderStore, folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (parent) => {
    const folder = join(parent, 'a', 'store');
    await use(new FolderStore(folder), folder);
  });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

describeStore('FolderStore', {
  withStore: (use) =>
    withStore((store, folder) =>
      use({ store, other: new FolderStore(folder), stored: () => filesIn(folder) }),
    ),
  racers: 50,
  isShared: false,
});

describe('FolderStore', () => {
  it('has nothing where there is no folder, or a file in its place', () =>
    withStore(async (store, folder) => {
      for (let i = 0; i < 2; i++) {
        expect(await store.read('checkpoint')).toBeUndefined();
        expect(await store.readRange('tile/0/000', 0, 1)).toBeUndefined();
        await expect(store.delete(['staging/0'])).resolves.toBeUndefined();
        await mkdir(join(folder, 'tile', '0'), { recursive: true });
      }
      await writeFile(join(folder, 'staging'), '');
      expect(await store.read('staging/0')).toBeUndefined();
      await expect(store.create('staging/0', bytesOf(0))).rejects.toThrow(
        /staging is a file, where the log has a folder\. Move it away/,
      );
    }));

  it('is damaged where a folder is in the place of a file: trying again would not end', () =>
    withStore(async (store, folder) => {
      for (const path of ['checkpoint', 'tile/0/000']) {
        await mkdir(join(folder, path), { recursive: true });
        const says = /is a folder, where the log has a file\. Move it away/;
        await expect(store.read(path)).rejects.toThrow(says);
        await expect(store.stat(path)).rejects.toThrow(says);
        await expect(store.readRange(path, 0, 1)).rejects.toThrow(says);
        await expect(store.read(path)).rejects.toBeInstanceOf(DamagedStoreError);
      }
      await expect(store.replace('checkpoint', bytesOf(0), undefined)).rejects.toThrow(DamagedStoreError);
    }));

  it('leaves its lock alone, and what is beside it', () =>
    withStore(async (store, folder) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, '.lock.sqlite'), 'lock');
      for (const path of ['.lock.sqlite', '../store/.lock.sqlite', '../x']) {
        await expect(store.replace(path, bytesOf(0), undefined)).rejects.toThrow(FormatError);
        await expect(store.delete([path])).rejects.toThrow(FormatError);
      }
      expect(await readdir(folder)).toStrictEqual(['.lock.sqlite']);
      expect(await readdir(join(folder, '..'))).toStrictEqual(['store']);
    }));

  it('removes the folder of partial tiles with the last of them', () =>
    withStore(async (store, folder) => {
      for (const width of [3, 4]) await store.create(`tile/0/000.p/${width}`, bytesOf(width));
      await store.delete(['tile/0/000.p/3']);
      expect(await readdir(join(folder, 'tile', '0'))).toStrictEqual(['000.p']);
      await store.delete(['tile/0/000.p/4']);
      expect(await readdir(join(folder, 'tile', '0'))).toStrictEqual([]);
    }));

  it('makes its folders again where others have removed them', () =>
    withStore(async (store, folder) => {
      await store.create('tile/0/000.p/1', bytesOf(1));
      await rm(join(folder, '.tmp'), { recursive: true });
      expect(await store.create('tile/0/000.p/2', bytesOf(2))).toBe(true);
      await rm(join(folder, '.tmp'), { recursive: true });
      expect(await store.replace('checkpoint', bytesOf(1), undefined)).toBe(true);
      await rm(join(folder, 'tile'), { recursive: true });
      expect(await store.create('tile/0/000.p/3', bytesOf(3))).toBe(true);
      expect(await filesIn(folder)).toStrictEqual(['checkpoint', 'tile/0/000.p/3']);
    }));

  it('sweeps away what a writer that died left, and nothing else', () =>
    withStore(async (store, folder) => {
      await store.create('checkpoint', bytesOf(1));
      const uuid = randomUUID();
      const left = [`.tmp/.${uuid}.tmp`, `.probe-${uuid}`, `.probe-${uuid}-linked`, `.probe-${uuid}-renamed`];
      for (const name of left) await writeFile(join(folder, name), 'x');
      await new FolderStore(folder).sweep();
      expect(await readdir(folder)).toStrictEqual(['checkpoint']);
      expect(await readFile(join(folder, 'checkpoint'))).toHaveLength(96);
      expect(await new FolderStore(folder).create('staging/0', bytesOf(1))).toBe(true);
    }));

  it('sweeps away nothing of others, though it is in a folder of the same name', () =>
    withStore(async (store, folder) => {
      const uuid = randomUUID();
      const others = ['.probe-mine/y', '.tmp/thesis.txt', '.tmp/x.tmp', `.tmp/.${uuid}.tmp.bak/z`];
      for (const file of others) {
        await mkdir(dirname(join(folder, file)), { recursive: true });
        await writeFile(join(folder, file), 'x');
      }
      await writeFile(join(folder, '.tmp', `.${uuid}.tmp`), 'x');
      await store.sweep();
      expect(await filesIn(folder)).toStrictEqual(others.sort());
    }));
});
