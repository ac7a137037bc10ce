/**
 * Reads that share requests to a store.
 */
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '#src/errors.js';
import { SharedReads } from '#src/store/shared-reads.js';
import type { ObjectRange, ObjectStat, ReadableStore, StoreObject } from '#src/store/store.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { formatPath } from '#tiles-spec/index.js';

/** A store that answers when it is told to; `asked` is what it was asked for. */
class SlowStore implements ReadableStore {
  readonly asked: string[] = [];
  readonly #answers: { resolve: (object: ObjectRange) => void; reject: (error: Error) => void }[] = [];

  read(path: string): Promise<StoreObject | undefined> {
    return this.#ask(path);
  }

  stat(path: string): Promise<ObjectStat | undefined> {
    return this.#ask(`stat ${path}`);
  }

  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    return this.#ask(`${path} ${start} ${end}`);
  }

  #ask(what: string): Promise<ObjectRange | undefined> {
    this.asked.push(what);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
    });
  }

  answer(text: string): void {
    this.#answers.shift()?.resolve({ bytes: encodeText(text), size: text.length, etag: text });
  }

  fail(): void {
    this.#answers.shift()?.reject(new Error('away'));
  }
}

const etagOf = async (reading: Promise<StoreObject | undefined>) => (await reading)?.etag;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('SharedReads', () => {
  it('reads a tile once for all who ask meanwhile, and again for who asks later', async () => {
    const store = new SlowStore();
    const reads = new SharedReads(store);
    const all = [1, 2, 3].map(() => etagOf(reads.read('tile/0/000')));
    store.answer('a');
    expect(await Promise.all(all)).toEqual(['a', 'a', 'a']);
    const later = etagOf(reads.read('tile/0/000'));
    store.answer('b');
    expect(await later).toBe('b');
    expect(store.asked).toHaveLength(2);
  });

  it('gives nobody a checkpoint that was asked for before they asked, and reads one for all of them', async () => {
    const store = new SlowStore();
    const reads = new SharedReads(store);
    const first = etagOf(reads.read('checkpoint'));
    const later = [1, 2, 3].map(() => etagOf(reads.read('checkpoint')));
    expect(store.asked).toHaveLength(1);
    store.answer('old');
    expect(await first).toBe('old');
    await settled();
    expect(store.asked).toHaveLength(2);
    store.answer('new');
    expect(await Promise.all(later)).toEqual(['new', 'new', 'new']);
  });

  it('shares a read of the same part alone', async () => {
    const store = new SlowStore();
    const reads = new SharedReads(store);
    const path = 'tile/entries/000';
    const all = [
      ...[reads.readRange(path, 0, 5), reads.readRange(path, 0, 5)],
      ...[reads.readRange(path, 5, 10), reads.stat(path), reads.stat(path), reads.read(path)],
    ];
    expect(store.asked).toEqual([`${path} 0 5`, `${path} 5 10`, `stat ${path}`, path]);
    for (const text of ['a', 'b', 'c', 'd']) store.answer(text);
    expect((await Promise.all(all)).map((each) => each?.etag)).toEqual(['a', 'a', 'b', 'c', 'c', 'd']);
  });

  it('has a failure fail who asked for it, and nobody after', async () => {
    const store = new SlowStore();
    const reads = new SharedReads(store);
    const first = etagOf(reads.read('checkpoint'));
    const later = etagOf(reads.read('checkpoint'));
    store.fail();
    await expect(first).rejects.toThrow('away');
    await settled();
    store.answer('new');
    expect(await later).toBe('new');
  });

  it('reads 256 objects at a time, and tells others to come again', async () => {
    const store = new SlowStore();
    const reads = new SharedReads(store);
    const read = (index: number) =>
      etagOf(reads.read(formatPath({ kind: 'tile', level: 0, index, width: 256 })));
    const all = Array.from({ length: 256 }, (_, index) => read(index));
    await expect(read(256)).rejects.toThrow(UnavailableError);
    all.forEach(() => {
      store.answer('x');
    });
    await Promise.all(all);
    const again = read(256);
    store.answer('y');
    expect(await again).toBe('y');
  });
});
