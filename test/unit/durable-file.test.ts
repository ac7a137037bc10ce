import { execFile } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import {
  createFile,
  createFolder,
  overwriteFile,
  replaceFile,
  replaceTransientFile,
} from '#src/node/durable-file.js';
import { FolderStore } from '#src/store/folder.js';
import { STELE, withFolder } from '../support/daemon.js';

/** What is synced from now on, in order. */
async function watchSyncs(folder: string): Promise<('file' | 'folder')[]> {
  const handle = await open(folder);
  const proto = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const syncs: ('file' | 'folder')[] = [];
  const sync = vi.spyOn(proto, 'sync').mockImplementation(async function (this: FileHandle) {
    syncs.push((await this.stat()).isDirectory() ? 'folder' : 'file');
  });
  onTestFinished(() => {
    sync.mockRestore();
  });
  return syncs;
}

const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

describe('a file', () => {
  it('is created once, whoever comes first, and all of it', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file');
      const created = await Promise.all(
        Array.from({ length: 20 }, (_, i) => createFile(file, String(i).repeat(10_000))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(await readFile(file, 'utf8')).toBe(String(created.indexOf(true)).repeat(10_000));
      expect(await readdir(folder)).toStrictEqual(['file']);
    }));

  it('is replaced under the eyes of its readers, who see one content or the other', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file');
      await replaceFile(file, 'a'.repeat(5_000));
      const state = { done: false };
      const reading = (async () => {
        const seen = new Set<string>();
        while (!state.done) seen.add(await readFile(file, 'utf8'));
        return seen;
      })();
      for (let i = 0; i < 50; i++) await replaceFile(file, (i % 2 === 0 ? 'b' : 'a').repeat(5_000));
      state.done = true;
      for (const text of await reading) expect(text).toMatch(/^(a{5000}|b{5000})$/);
      expect(await readdir(folder)).toStrictEqual(['file']);
    }));

  it('has the permissions that it is given, also in the place of one that has others', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file');
      await createFile(file, 'x', { mode: 0o600 });
      expect(await modeOf(file)).toBe(0o600);
      await chmod(file, 0o444);
      await replaceFile(file, 'y', { mode: 0o600 });
      expect(await modeOf(file)).toBe(0o600);
    }));

  it('that may be lost is replaced whole too', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file');
      await replaceTransientFile(file, Buffer.from('a'));
      await replaceTransientFile(file, Buffer.from('b'));
      expect(await readFile(file, 'utf8')).toBe('b');
      await mkdir(join(folder, 'taken', 'full'), { recursive: true });
      await expect(replaceTransientFile(join(folder, 'taken'), Buffer.from('a'))).rejects.toThrow();
      expect(await readdir(folder)).toStrictEqual(['file', 'taken']);
    }));

  it('that a user named is written over where it is: through a link, and into a device', () =>
    withFolder(async (folder) => {
      const [file, name] = [join(folder, 'file'), join(folder, 'name')];
      await writeFile(file, 'long content', { mode: 0o600 });
      await symlink(file, name);
      await overwriteFile(name, 'short');
      expect((await lstat(name)).isSymbolicLink()).toBe(true);
      expect(await readFile(file, 'utf8')).toBe('short');
      expect(await modeOf(file)).toBe(0o600);
      await overwriteFile('/dev/null', 'gone');
    }));

  it('that a user named is synced, and its name too where it is new', () =>
    withFolder(async (folder) => {
      const syncs = await watchSyncs(folder);
      await overwriteFile(join(folder, 'file'), 'new');
      expect(syncs.splice(0)).toStrictEqual(['file', 'folder']);
      await overwriteFile(join(folder, 'file'), 'other');
      expect(syncs.splice(0)).toStrictEqual(['file']);
    }));

  it('that cannot be written leaves nothing behind, and what was there as it was', () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'taken'));
      await expect(replaceFile(join(folder, 'taken'), 'x')).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
      await expect(createFile(join(folder, 'none', 'file'), 'x')).rejects.toThrow(/ENOENT/);
      expect(await readdir(folder)).toStrictEqual(['taken']);
    }));

  it('is in folders that are made with it', () =>
    withFolder(async (folder) => {
      await Promise.all([
        createFolder(join(folder, 'a', 'b', 'c')),
        createFolder(join(folder, 'a', 'b', 'd')),
      ]);
      await createFolder(join(folder, 'a', 'b', 'c'));
      expect(await readdir(join(folder, 'a', 'b'))).toStrictEqual(['c', 'd']);
      await writeFile(join(folder, 'file'), '');
      await expect(createFolder(join(folder, 'file', 'a'))).rejects.toThrow(/ENOTDIR/);
      await expect(createFolder(join(folder, 'file'))).rejects.toThrow(/EEXIST/);
    }));
});

describe('the files of a store', () => {
  it('that never change cannot be written to, and can be deleted', () =>
    withFolder(async (folder) => {
      const store = new FolderStore(folder);
      await store.create('tile/0/000.p/1', new Uint8Array(32));
      await store.create('staging/0', new Uint8Array(1));
      await store.replace('checkpoint', new Uint8Array(1), undefined);
      expect((await modeOf(join(folder, 'tile/0/000.p/1'))) & 0o222).toBe(0);
      for (const path of ['staging/0', 'checkpoint'])
        expect((await modeOf(join(folder, path))) & 0o200).toBe(0o200);
      await store.delete(['tile/0/000.p/1']);
      expect(await store.stat('tile/0/000.p/1')).toBeUndefined();
    }));
});

describe('a key file', () => {
  it('is not there half: a process that dies while it writes leaves none', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'log.key');
      // The system ends a process that writes to a file beyond this limit: 0 bytes.
      const script = 'ulimit -f 0; exec "$@"';
      const keygen = [process.execPath, STELE, 'keygen', '--origin', 'log.example', '--key', file];
      const stderr = await new Promise<string>((resolve) => {
        execFile('sh', ['-c', script, 'sh', ...keygen], (error, _stdout, stderr) => {
          resolve(error === null ? 'it is made' : stderr);
        });
      });
      // It died without a word, or was told that there is no room.
      expect(stderr).toMatch(/^$|file too large/);
      expect((await readdir(folder)).filter((name) => name === 'log.key')).toStrictEqual([]);
      await LogKey.read((await LogKey.create(file), file));
    }));

  it('is for its owner alone, and not made where one is', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'log.key');
      await LogKey.create(file);
      expect(await modeOf(file)).toBe(0o600);
      const pem = await readFile(file, 'utf8');
      await expect(LogKey.create(file)).rejects.toThrow(
        `cannot make the key file ${file}: it already exists, and a key is never overwritten. Give --key another name`,
      );
      expect(await readFile(file, 'utf8')).toBe(pem);
    }));
});
