/**
 * Answers to requests for the log's files: their contents, and their reads of the store.
 */
import { describe, expect, it } from 'vitest';
import type { FileRequest } from '#reader/http/index.js';
import { StoredFiles } from '#reader/http/index.js';
import { UnavailableError } from '#src/errors.js';
import type { Answer, HeldBody } from '#src/http/answer.js';
import type { ObjectRange, ObjectStat, ReadableStore, StoreObject } from '#src/store/store.js';
import { encodeText } from '#tiles-spec/bytes.js';

const PIECE = 1_000;
const BUNDLE = 'tile/entries/000';
const LONG = Uint8Array.from({ length: 10_500 }, (_, i) => i % 251);

/** A store in memory that records its reads. */
class CountingStore implements ReadableStore {
  readonly files = new Map<string, Uint8Array>([
    [BUNDLE, LONG],
    ['tile/0/000.p/1', new Uint8Array(32)],
    ['checkpoint', encodeText('first checkpoint')],
    ['staging/0', encodeText('claim')],
  ]);
  readonly reads: string[] = [];

  stat(path: string): Promise<ObjectStat | undefined> {
    this.reads.push(`stat ${path}`);
    const bytes = this.files.get(path);
    return Promise.resolve(bytes && { size: bytes.length, etag: this.#etag(path) });
  }

  read(path: string): Promise<StoreObject | undefined> {
    this.reads.push(`read ${path}`);
    const bytes = this.files.get(path);
    return Promise.resolve(bytes && { bytes, etag: this.#etag(path) });
  }

  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    this.reads.push(`${path} ${start}-${end}`);
    const bytes = this.files.get(path);
    if (bytes === undefined) return Promise.resolve(undefined);
    return Promise.resolve({
      bytes: bytes.slice(start, end),
      size: bytes.length,
      etag: this.#etag(path),
    });
  }

  #etag(path: string): string {
    return path === 'checkpoint' ? String(this.files.get(path)?.length) : path;
  }
}

function setUp(maxHeld?: number) {
  const store = new CountingStore();
  const files = new StoredFiles(store, { pieceLength: PIECE, ...(maxHeld && { maxHeld }) });
  const ask = (path: string, request: Partial<FileRequest> = {}) =>
    files.answer({ method: 'GET', path, ...request });
  return { store, files, ask };
}

function bodyOf(answer: Answer): HeldBody {
  if (!('body' in answer) || typeof answer.body !== 'object') throw new Error(`no body: ${answer.status}`);
  return answer.body;
}

async function bytesOf({ content }: HeldBody): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a file that never changes', () => {
  it('is read no further than a range goes', async () => {
    const { store, ask } = setUp();
    const answer = await ask(BUNDLE, { range: 'bytes=5000-5099' });
    expect(answer.status).toBe(206);
    expect(answer.headers?.['content-range']).toBe('bytes 5000-5099/10500');
    expect(Buffer.from(await bytesOf(bodyOf(answer)))).toEqual(Buffer.from(LONG.subarray(5_000, 5_100)));
    expect(store.reads).toEqual([`${BUNDLE} 5000-5100`]);
  });

  it('is not read at all for HEAD, nor for a client that has it', async () => {
    const { store, files, ask } = setUp();
    const head = await ask(BUNDLE, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '10500' } });
    expect(head).not.toHaveProperty('body');
    const etag = head.headers?.['etag'] ?? '';
    expect(await ask(BUNDLE, { ifNoneMatch: `"x", W/${etag}` })).toMatchObject({ status: 304 });
    expect(store.reads).toEqual([`stat ${BUNDLE}`, `stat ${BUNDLE}`]);
    expect(files.held).toBe(0);
  });

  it('is read piece by piece, each when it is asked for', async () => {
    const { store, files, ask } = setUp();
    const body = bodyOf(await ask(BUNDLE));
    expect(body.length).toBe(10_500);
    expect(store.reads).toEqual([`${BUNDLE} 0-1000`]);
    expect(files.held).toBe(PIECE);
    if (body.content instanceof Uint8Array) throw new Error('all of it');
    await body.content.next();
    expect(store.reads).toHaveLength(1);
    await body.content.next();
    expect(store.reads).toHaveLength(2);
    const rest = await bytesOf(body);
    expect(Buffer.from(rest)).toEqual(Buffer.from(LONG.subarray(2_000)));
    expect(files.held).toBe(PIECE);
    body.close();
    expect(files.held).toBe(0);
  });

  it('is sent in part to a client that has the rest of it, and whole to one that has the rest of another', async () => {
    const { ask } = setUp();
    const etag = (await ask(BUNDLE)).headers?.['etag'];
    const resume = { range: 'bytes=10000-' };
    expect(await ask(BUNDLE, { ...resume, ifRange: etag })).toMatchObject({ status: 206 });
    expect(await ask(BUNDLE, { ...resume, ifRange: '"another"' })).toMatchObject({ status: 200 });
  });

  it('breaks off where it changes all the same', async () => {
    const { store, ask } = setUp();
    const body = bodyOf(await ask(BUNDLE));
    store.files.delete(BUNDLE);
    await expect(bytesOf(body)).rejects.toThrow(`${BUNDLE} changed while it was read`);
  });
});

describe('a file that changes', () => {
  it('is of one version in each answer: read once, whatever is asked', async () => {
    const { store, ask } = setUp();
    for (const request of [{}, { method: 'HEAD' }, { ifNoneMatch: '"5"' }, { range: 'bytes=-5' }] as const) {
      store.reads.length = 0;
      const answer = await ask('checkpoint', request);
      expect(store.reads).toEqual(['read checkpoint']);
      expect(answer.headers?.['etag']).toBe('"16"');
      store.files.set('checkpoint', encodeText('x'.repeat(20)));
      if ('body' in answer)
        expect('first checkpoint').toContain(Buffer.from(await bytesOf(bodyOf(answer))).toString());
      store.files.set('checkpoint', encodeText('first checkpoint'));
    }
  });
});

describe('all answers together', () => {
  it('hold no more than their bound; others are told to come again, and can when one is closed', async () => {
    const { files, ask } = setUp(3 * PIECE);
    const bodies = [bodyOf(await ask(BUNDLE)), bodyOf(await ask(BUNDLE)), bodyOf(await ask(BUNDLE))];
    expect(files.held).toBe(3 * PIECE);
    await expect(ask(BUNDLE)).rejects.toThrow(UnavailableError);
    await expect(ask('tile/0/000.p/1')).rejects.toThrow(UnavailableError);
    // Requests that need no bytes are answered all the same.
    expect((await ask(BUNDLE, { method: 'HEAD' })).status).toBe(200);
    bodies[0]?.close();
    expect((await ask(BUNDLE)).status).toBe(200);
    expect(files.held).toBe(3 * PIECE);
  });

  it('hold what they send, and nothing where they send nothing', async () => {
    const { store, files, ask } = setUp();
    const answers = [
      await ask('tile/0/000.p/1'),
      await ask(BUNDLE, { range: 'bytes=0-9' }),
      await ask('checkpoint'),
    ];
    expect(files.held).toBe(32 + 10 + 16);
    for (const answer of answers) bodyOf(answer).close();
    expect(files.held).toBe(0);
    const missing = 'tile/entries/009';
    expect((await ask(missing)).status).toBe(404);
    expect((await ask(BUNDLE, { range: 'bytes=10500-' })).status).toBe(416);
    expect((await ask(BUNDLE, { range: 'bytes=-0' })).status).toBe(416);
    store.readRange = () => Promise.reject(new Error('away'));
    await expect(ask(BUNDLE)).rejects.toThrow('away');
    expect(files.held).toBe(0);
  });
});

it('nothing but the names of the log is read, and of those no claim', async () => {
  const { store, ask } = setUp();
  for (const path of ['staging/0', '.lock.sqlite', '../log.key', '', 'tile/0/0'])
    expect(await ask(path)).toMatchObject({ status: 404, headers: {} });
  expect(store.reads).toEqual([]);
});
