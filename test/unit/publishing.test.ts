import { pino, type Logger } from 'pino';
import { describe, expect, it } from 'vitest';
import { DamagedStoreError, StartRefusedError, UnreachableError } from '#src/errors.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { formatPath } from '#tiles-spec/index.js';
import { outageOf, Outages } from '#writer/outage.js';
import { ImmutableObjects } from '#writer/publishing/immutable-objects.js';
import { MovingObject } from '#writer/publishing/moving-object.js';
import { Retrying } from '#writer/retrying.js';
import { MemoryStore } from '../support/memory-store.js';

/** A logger whose lines the test can read. */
function readableLog(): { log: Logger; lines: () => { level: number; msg: string }[] } {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  return { log, lines: () => lines.map((line) => JSON.parse(line) as { level: number; msg: string }) };
}

function retryingOf(signal = new AbortController().signal, log = pino({ level: 'silent' })) {
  const outages = new Outages(log);
  const retrying = new Retrying(log, outages, signal);
  return { outages, retrying };
}

function withCode(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** Fails the given number of times, and then succeeds. */
function failing<T>(times: number, error: Error, work: () => Promise<T>): () => Promise<T> {
  let left = times;
  return () => (left-- > 0 ? Promise.reject(error) : work());
}

describe('an outage', () => {
  it.each([
    ['ENOSPC', 'disk-full'],
    ['SQLITE_FULL', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EMFILE', 'too-many-files'],
    ['ENFILE', 'too-many-files'],
    ['EROFS', 'read-only'],
    ['SQLITE_READONLY', 'read-only'],
    ['EACCES', 'not-permitted'],
    ['EPERM', 'not-permitted'],
    ['SQLITE_CANTOPEN', 'not-permitted'],
  ])('%s is of %s', (code, expected) => {
    expect(outageOf(withCode(code))).toMatchObject({ code: expected, isLocal: true });
  });

  it('of a store that cannot be reached names no place', () => {
    const outage = outageOf(
      new UnreachableError('http://10.0.0.1/bucket: ECONNREFUSED', { code: 'unreachable' }),
    );
    expect(outage).toEqual({ code: 'unreachable', reason: 'the store does not answer', isLocal: false });
  });

  it('is not what else goes wrong', () => {
    for (const error of [withCode('EIO'), withCode('SQLITE_CORRUPT'), new TypeError('x'), 'text', undefined])
      expect(outageOf(error)).toBeUndefined();
  });

  it('is logged once when it begins and once when it is over, whatever the number of tries and of calls', async () => {
    const { log, lines } = readableLog();
    const { retrying } = retryingOf(undefined, log);
    retrying.started();
    const done = () => Promise.resolve('done');
    const results = await Promise.all([
      retrying.run('write a', failing(4, withCode('ENOSPC'), done)),
      retrying.run('write b', failing(3, withCode('ENOSPC'), done)),
    ]);
    expect(results).toEqual(['done', 'done']);
    expect(lines().map(({ level }) => level)).toEqual([40, 30]);
    expect(lines()[0]?.msg).toContain('trying again until it succeeds');
    expect(lines()[1]?.msg).toContain('the outage is over after');
  });
});

describe('trying again', () => {
  it('refuses at a start what an operator has to mend, and waits for it later', async () => {
    const { retrying } = retryingOf();
    const work = () => failing(2, withCode('EROFS'), () => Promise.resolve(1));
    await expect(retrying.run('create x', work())).rejects.toThrow(StartRefusedError);
    retrying.started();
    expect(await retrying.run('create x', work())).toBe(1);
  });

  it('waits at a start for a store that does not answer', async () => {
    const { retrying } = retryingOf();
    const away = new UnreachableError('away', { code: 'timeout' });
    expect(
      await retrying.run(
        'read x',
        failing(2, away, () => Promise.resolve(1)),
      ),
    ).toBe(1);
  });

  it.each<[string, Error]>([
    ['damage', new DamagedStoreError('x')],
    ['an I/O error', withCode('EIO')],
    ['a fault of the program', new TypeError('x')],
  ])('never cures %s', async (_, error) => {
    const { retrying } = retryingOf();
    retrying.started();
    await expect(
      retrying.run(
        'x',
        failing(1, error, () => Promise.resolve(1)),
      ),
    ).rejects.toBe(error);
  });

  it('in staging is for outages alone', async () => {
    const { retrying } = retryingOf();
    retrying.started();
    const full = failing(1, withCode('SQLITE_FULL'), () => Promise.resolve(1));
    expect(await retrying.run('x', full, { isStaging: true })).toBe(1);
    const other = withCode('SQLITE_IOERR');
    const work = failing(1, other, () => Promise.resolve(1));
    await expect(retrying.run('x', work, { isStaging: true })).rejects.toBe(other);
  });

  it('ends with the signal, also in a pause and in a call that never ends', async () => {
    for (const work of [() => Promise.reject(new Error('no')), () => new Promise(() => undefined)]) {
      const abort = new AbortController();
      const { retrying, outages } = retryingOf(abort.signal);
      const running = retrying.run('x', work);
      setTimeout(() => {
        abort.abort(new Error('stopped'));
      }, 120);
      await expect(running).rejects.toThrow('stopped');
      expect(outages.current).toBeUndefined();
    }
  });
});

describe('objects that never change', () => {
  const objects = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      path: formatPath({ kind: 'tile', level: 0, index, width: 1 }),
      bytes: encodeText(`tile ${index}`),
    }));

  it('are all stored, at most 32 at once', async () => {
    const store = new MemoryStore();
    let [underWay, most] = [0, 0];
    const slow = {
      read: (path: string) => store.read(path),
      create: async (path: string, bytes: Uint8Array) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 1));
        underWay--;
        return store.create(path, bytes);
      },
    };
    await new ImmutableObjects(slow, retryingOf().retrying).put(objects(100), new AbortController().signal);
    expect(most).toBe(32);
    expect(store.paths()).toHaveLength(100);
  });

  it('that are there already are compared: equal ones are fine, others stop everything', async () => {
    const store = new MemoryStore();
    const immutable = new ImmutableObjects(store, retryingOf().retrying);
    const { signal } = new AbortController();
    await immutable.put(objects(3), signal);
    await immutable.put(objects(5), signal);
    store.plant('tile/0/001.p/1', encodeText('another'));
    await expect(immutable.put(objects(5), signal)).rejects.toThrow(
      /^tile\/0\/001\.p\/1 holds other bytes than the log's/,
    );
  });

  it('are given up when one of them fails for good, though the store never answers for the others', async () => {
    const store = {
      read: () => Promise.resolve({ bytes: encodeText('another'), etag: 'x' }),
      create: (path: string) =>
        path === 'tile/0/050.p/1' ? Promise.resolve(false) : Promise.reject(new Error('away')),
    };
    const immutable = new ImmutableObjects(store, retryingOf().retrying);
    await expect(immutable.put(objects(8), AbortSignal.timeout(200))).rejects.toThrow(/timeout/i);
    await expect(
      immutable.put([...objects(8), ...objects(51).slice(50)], new AbortController().signal),
    ).rejects.toThrow(DamagedStoreError);
  });
});

describe('an object that moves forward', () => {
  const movement = {
    path: 'checkpoint',
    open: (bytes: Uint8Array) => Number(Buffer.from(bytes).toString()),
    requireForward: (seen: number, shown: number) => {
      if (shown < seen) throw new Error('it went back');
    },
  };
  const of = (store: ConstructorParameters<typeof MovingObject>[0]) =>
    new MovingObject(store, retryingOf().retrying, movement);

  it('is made, read, and moved', async () => {
    const object = of(new MemoryStore());
    expect(await object.read()).toBeUndefined();
    const made = await object.move(undefined, encodeText('1'));
    expect(made.value).toBe(1);
    expect((await object.move(made, encodeText('2'))).value).toBe(2);
    expect((await object.read())?.value).toBe(2);
  });

  it('tells what another has put in its place first', async () => {
    const store = new MemoryStore();
    const [ours, theirs] = [of(store), of(store)];
    const from = await ours.move(undefined, encodeText('1'));
    await theirs.move(await theirs.read(), encodeText('7'));
    expect((await ours.move(from, encodeText('2'))).value).toBe(7);
    expect(Buffer.from(store.peek('checkpoint') ?? '').toString()).toBe('7');
  });

  it('is moved once though the answer is lost', async () => {
    const store = new MemoryStore();
    const from = await of(store).move(undefined, encodeText('1'));
    let lost = 0;
    const lossy = {
      read: (path: string) => store.read(path),
      create: () => Promise.reject(new Error('not here')),
      replace: async (path: string, bytes: Uint8Array, etag: string | undefined) => {
        await store.replace(path, bytes, etag);
        lost++;
        throw new Error('the answer is lost');
      },
    };
    expect((await of(lossy).move(from, encodeText('2'))).value).toBe(2);
    expect(lost).toBe(1);
  });

  it('is asked for again where the store shows it gone, or as it was before', async () => {
    const store = new MemoryStore();
    const object = of(store);
    await object.move(undefined, encodeText('5'));
    for (const wrong of [undefined, encodeText('4')]) {
      store.plant('checkpoint', wrong);
      const reading = object.read();
      setTimeout(() => {
        store.plant('checkpoint', encodeText('6'));
      }, 80);
      expect((await reading)?.value).toBe(6);
    }
  });
});
