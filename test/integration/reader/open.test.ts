/**
 * Opening a log by URL, folder and store; and the cache of its tiles.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchGet, httpSource, LogReader, type LogReaderOptions } from '#reader/index.js';
import { openLog, type OpenLogOptions } from '#reader/node/index.js';
import { ConfigurationError } from '#src/errors.js';
import { FolderStore } from '#src/store/folder.js';
import { verifyInclusion } from '#tiles-spec/index.js';
import { withFolder } from '../../support/daemon.js';
import { folderPlace, placeOf } from '../../support/log-place.js';
import { filesIn, refusal, serveFiles, sendFile, TestLog, type TestServer } from '../../support/reader.js';

let log: TestLog;
let server: TestServer;

beforeAll(async () => {
  log = await TestLog.of([700, 1300]);
  server = await serveFiles(() => log.files);
});

beforeEach(() => {
  server.fault = undefined;
  server.requests.length = 0;
});

afterAll(() => server.close());

/** Reads every entry, and proves one. Returns how many there were. */
async function readAll(reader: LogReader): Promise<number> {
  const { tree } = await reader.latest();
  let count = 0;
  for await (const { index, body } of tree.entries()) {
    if (index !== count || !Buffer.from(body).equals(log.bodyAt(index))) expect.fail(`entry ${index}`);
    count++;
  }
  const proof = await tree.inclusionProof(1000);
  verifyInclusion(await tree.leafHash(1000), 1000, tree.tree.size, proof, tree.tree.root);
  return count;
}

describe('a log is opened', () => {
  it.each<[string, (folder: string) => string]>([
    ['a folder', (folder) => folder],
    ['file:', (folder) => `file:${folder}`],
    ['file://', (folder) => `file://${folder}`],
    ['a path from here', (folder) => relative(process.cwd(), folder)],
    ['a path that ends in a slash', (folder) => `${folder}/`],
  ])('by %s', (_, place) =>
    withFolder(async (folder) => {
      await log.writeTo(folderPlace(folder));
      expect(await readAll(await openLog(place(folder), { verifierKey: log.vkey }))).toBe(1300);
      expect(await readAll(await openLog(place(folder), { verifierKey: `${log.vkey}\n` }))).toBe(1300);
      const error = await refusal(openLog(place(folder)));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).toMatch(/give the key$/);
    }),
  );

  it('by its data folder, which has the key', () =>
    withFolder(async (folder) => {
      await log.writeTo(folderPlace(join(folder, 'store')));
      await expect(openLog(folder)).rejects.toThrow(ConfigurationError);
      await writeFile(join(folder, 'log.vkey'), `${log.vkey}\n`);
      expect(await readAll(await openLog(folder))).toBe(1300);
      // A key that is given goes before it.
      const { vkey } = await TestLog.of([1]);
      await expect(readAll(await openLog(folder, { verifierKey: vkey }))).rejects.toThrow(/no signature of/);
      await writeFile(join(folder, 'log.vkey'), 'rubbish');
      await expect(openLog(folder)).rejects.toThrow(ConfigurationError);
    }));

  it('by its store', () =>
    withFolder(async (folder) => {
      const place = placeOf(folder);
      await log.writeTo(place);
      const reader = await openLog(place.store(), { verifierKey: log.vkey });
      expect(await readAll(reader)).toBe(1300);
    }));

  it('by its place, and there is none at another', () =>
    withFolder(async (folder) => {
      const place = placeOf(folder);
      await log.writeTo(place);
      const other = placeOf(join(folder, 'other'));
      if (other.folder !== undefined) await mkdir(other.folder, { recursive: true });
      expect(await readAll(await place.open({ verifierKey: log.vkey }))).toBe(1300);
      const refused = [
        openLog(place.name),
        other.open({ verifierKey: log.vkey }).then((log) => log.latest()),
      ].map(refusal);
      expect(await Promise.all(refused)).toMatchObject([
        { name: 'ConfigurationError', message: expect.stringMatching(/give the key$/) as string },
        { name: 'UnreachableError', code: 'no-log' },
      ]);
      if (place.url === undefined) return;
      for (const base of [place.url, `${place.url}/`])
        expect(await readAll(await openLog(base, { verifierKey: log.vkey }))).toBe(1300);
    }));

  it.each(['', '/'])('by its URL, with "%s" at the end', async (end) => {
    expect(await readAll(await openLog(server.url + end, { verifierKey: log.vkey }))).toBe(1300);
    expect(server.messages.every(({ method }) => method === 'GET')).toBe(true);
    expect(new Set(server.requests).size).toBe(server.requests.length);
  });

  it.each([
    'http://',
    'http://h/log?a',
    'http://h/log#a',
    'http://user:secret@h/',
    'https://[::/',
    'http://h:1:2/',
  ])('by no URL like %s', async (url) => {
    const error = await refusal(openLog(url, { verifierKey: log.vkey }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).not.toContain('secret');
  });

  it('and by nothing else', async () => {
    for (const place of ['/nowhere', 'ftp://127.0.0.1/', 'file:/nowhere']) {
      const error = await refusal(openLog(place, { verifierKey: log.vkey }));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).toMatch(/^there is no folder /);
    }
    const options = { verifierKey: log.vkey, retries: 0 };
    const reader = await openLog('http://127.0.0.1:1/', options);
    await expect(reader.latest()).rejects.toMatchObject({ name: 'UnreachableError', code: 'unreachable' });
  });

  it.each(['', 'a', 'a+b', 'a+00000000+AAAA'])('with no verifier key like "%s"', async (verifierKey) => {
    await expect(openLog(server.url, { verifierKey })).rejects.toBeInstanceOf(ConfigurationError);
  });

  it('whose file is a folder is refused with its path', () =>
    withFolder(async (folder) => {
      await log.writeTo(folderPlace(folder));
      const store = new FolderStore(folder);
      const reader = await openLog(store, { verifierKey: log.vkey });
      await store.delete(['tile/0/002']);
      await mkdir(join(folder, 'tile/0/002'));
      await expect(readAll(reader)).rejects.toMatchObject({ name: 'FormatError', path: 'tile/0/002' });
    }));

  it('with fetch alone, and read the same', async () => {
    const options: LogReaderOptions = {
      read: httpSource(server.url, { get: fetchGet(fetch) }),
      verifier: log.verifier,
    };
    expect(await readAll(new LogReader(options))).toBe(1300);
    for (const [at, message] of [
      [-20, /tile\/entries\/001/],
      [30, /tile\/entries\/001/],
    ] as const) {
      server.fault = (path, response) => {
        if (path !== 'tile/entries/001') return false;
        sendFile(new Map([[path, log.file(path).subarray(0, at)]]), path, response);
        return true;
      };
      const read = httpSource(server.url, { get: fetchGet(fetch), retries: 0 });
      const error = await refusal(readAll(new LogReader({ ...options, read })));
      expect(['FormatError', 'UnreachableError']).toContain(error.name);
      expect(error.message).toMatch(message);
    }
  });
});

describe('the cache of full tiles', () => {
  const isFull = (path: string) => path.startsWith('tile/') && /^tile\/[0-9]\/[0-9]{3}$/.test(path);
  const fullTiles = () => [...log.files.keys()].filter(isFull).sort();

  function withCache<T>(use: (options: OpenLogOptions, folder: string) => Promise<T>): Promise<T> {
    return withFolder((folder) =>
      use({ verifierKey: log.vkey, cacheFolder: join(folder, 'cache'), retries: 0 }, join(folder, 'cache')),
    );
  }

  async function cached(folder: string): Promise<Map<string, Buffer>> {
    const files = await filesIn(folder);
    return new Map([...files].map(([path, bytes]) => [path.split('/').slice(1).join('/'), bytes]));
  }

  const honest = () => new Map(fullTiles().map((path) => [path, Buffer.from(log.file(path))]));

  it('holds the full tiles that were read and nothing else, and they are not asked for again', () =>
    withCache(async (options, folder) => {
      await readAll(await openLog(server.url, options));
      expect(await cached(folder)).toEqual(honest());
      server.requests.length = 0;
      expect(await readAll(await openLog(server.url, options))).toBe(1300);
      expect(server.requests.filter(isFull)).toEqual([]);
      expect(server.requests.filter((path) => path.startsWith('tile/entries/'))).toHaveLength(6);
    }));

  it('serves tiles that the server has no more', () =>
    withCache(async (options) => {
      await readAll(await openLog(server.url, options));
      server.fault = (path, response) => {
        if (!isFull(path)) return false;
        response.writeHead(500).end();
        return true;
      };
      expect(await readAll(await openLog(server.url, options))).toBe(1300);
    }));

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['damaged', (bytes) => bytes.with(100, (bytes[100] ?? 0) ^ 1)],
    ['cut off', (bytes) => bytes.subarray(0, 4096)],
    ['empty', () => new Uint8Array(0)],
    ['too long', (bytes) => Buffer.concat([bytes, bytes])],
  ])('is mended where a tile is %s', (_, spoil) =>
    withCache(async (options, folder) => {
      await readAll(await openLog(server.url, options));
      for (const [path, bytes] of await filesIn(folder)) await writeFile(join(folder, path), spoil(bytes));
      server.requests.length = 0;
      expect(await readAll(await openLog(server.url, options))).toBe(1300);
      expect(server.requests.filter(isFull).sort()).toEqual(fullTiles());
      expect(await cached(folder)).toEqual(honest());
    }),
  );

  it('costs fetches, and no answer, where it cannot be read or written', () =>
    withCache(async (options, folder) => {
      await writeFile(folder, 'a file');
      expect(await readAll(await openLog(server.url, options))).toBe(1300);
      expect(await readFile(folder, 'utf8')).toBe('a file');
    }));

  it('goes on where there is a folder in the place of a tile', () =>
    withCache(async (options, folder) => {
      await readAll(await openLog(server.url, options));
      const [name = ''] = await readdir(folder);
      expect(name).toMatch(/^reader\.example%2Flog\+[0-9a-f]{8}$/);
      await rm(join(folder, name, 'tile/0/002'));
      await mkdir(join(folder, name, 'tile/0/002'));
      expect(await readAll(await openLog(server.url, options))).toBe(1300);
      expect([...(await cached(folder)).keys()].some((path) => path.endsWith('.tmp'))).toBe(false);
    }));

  it('keeps the tiles of another key apart', () =>
    withCache(async (options, folder) => {
      await readAll(await openLog(server.url, options));
      const other = await TestLog.of([1300]);
      const elsewhere = await serveFiles(() => other.files);
      await readAll(await openLog(elsewhere.url, { ...options, verifierKey: other.vkey }));
      await elsewhere.close();
      expect(elsewhere.requests.filter(isFull).sort()).toEqual(fullTiles());
      expect(await readdir(folder)).toHaveLength(2);
    }));

  it('is for logs in a bucket too', () =>
    withCache((options, folder) =>
      withFolder(async (data) => {
        const place = placeOf(data);
        await log.writeTo(place);
        expect(await readAll(await place.open(options))).toBe(1300);
        expect(await cached(folder)).toEqual(place.folder === undefined ? honest() : new Map());
      }),
    ));

  it('is not for logs in a folder', () =>
    withCache((options, folder) =>
      withFolder(async (place) => {
        await log.writeTo(folderPlace(place));
        await readAll(await openLog(place, options));
        expect(await filesIn(folder)).toEqual(new Map());
      }),
    ));
});
