import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogReader, MemoryHeads, UnreachableError, type ReadObject } from '#reader/index.js';
import { nodeGunzip } from '#reader/node/index.js';
import { opensslSha256 } from '#src/node/openssl-sha256.js';
import {
  FormatError,
  leafHash,
  openCheckpoint,
  ProofError,
  verifyConsistency,
  verifyInclusion,
  type SignedCheckpoint,
} from '#tiles-spec/index.js';
import { refusal, TestLog, timeAt } from '../../support/reader.js';
import { NaiveTree } from '../../support/trees.js';

const EDGES = [
  0, 1, 2, 127, 128, 254, 255, 256, 257, 511, 512, 513, 1023, 1024, 1279, 1280, 1281, 1298, 1299,
];
const SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 1024, 1280, 1300];

let log: TestLog;
let trees: Map<number, SignedCheckpoint>;
let naive: NaiveTree;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  log = await TestLog.of([]);
  trees = new Map(SIZES.map((size) => [size, log.grow(size).checkpoint]));
  naive = new NaiveTree(log.bodies.map((body) => NaiveTree.leaf(body)));
});

afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

/** A reader of the log, whose objects `change` may alter, and the paths that it has read. */
function readerOf(
  change: (path: string, bytes: Uint8Array | undefined) => Uint8Array | undefined = (_, b) => b,
) {
  const reads: string[] = [];
  const read: ReadObject = async (path) => {
    await new Promise((resolve) => setImmediate(resolve));
    reads.push(path);
    return change(path, log.files.get(path));
  };
  return {
    reads,
    reader: new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip, sha: opensslSha256 }),
  };
}

function treeOf(size: number) {
  const checkpoint = trees.get(size);
  if (checkpoint === undefined) throw new Error(`no tree of ${size}`);
  return readerOf().reader.at(checkpoint);
}

async function expectNone(read: Promise<unknown>, what: string, size: number): Promise<void> {
  const error = await refusal(read);
  expect(error).toBeInstanceOf(FormatError);
  expect([error.message, error.path]).toEqual([`there is no ${what} in a tree of ${size}`, undefined]);
}

describe.each(SIZES)('the tree of %i entries', (size) => {
  const edges = EDGES.filter((index) => index < size);

  it('has its entries, times and leaf hashes', async () => {
    const tree = treeOf(size);
    expect(tree.entryBundleCount).toBe(Math.ceil(size / 256));
    for (const index of edges) {
      expect(await tree.entry(index)).toEqual({ index, body: Buffer.from(log.bodyAt(index)) });
      expect(Buffer.from(await tree.leafHash(index))).toEqual(Buffer.from(leafHash(log.bodyAt(index))));
      expect((await tree.times(index >> 8))[index % 256]).toBe(timeAt(index));
      expect(await tree.indexOf(leafHash(log.bodyAt(index)))).toBe(index);
    }
    const progress: number[] = [];
    expect(await tree.indexOf(leafHash(log.bodyAt(size)), (done) => progress.push(done))).toBeUndefined();
    expect(progress).toEqual(
      Array.from({ length: tree.entryBundleCount }, (_, i) => Math.min(size, (i + 1) * 256)),
    );
  });

  it('has its entries from any index on', async () => {
    for (const from of [...edges, size]) {
      let next = from;
      for await (const { index, body } of treeOf(size).entries(from)) {
        expect([index, Buffer.from(body).equals(log.bodyAt(index))]).toEqual([next, true]);
        next++;
      }
      expect(next).toBe(size);
    }
  });

  it('has its proofs', async () => {
    const tree = treeOf(size);
    for (const index of edges) {
      const proof = await tree.inclusionProof(index);
      expect(proof.map((hash) => Buffer.from(hash))).toEqual(naive.path(index, 0, size));
      verifyInclusion(leafHash(log.bodyAt(index)), index, size, proof, tree.tree.root);
    }
    for (const old of [...edges.filter((index) => index > 0), size]) {
      const proof = await tree.consistencyProof(old);
      expect(proof.map((hash) => Buffer.from(hash))).toEqual(naive.proof(old, size));
      verifyConsistency(old, naive.mth(0, old), size, tree.tree.root, proof);
      expect(Buffer.from(await tree.rootAt(old))).toEqual(naive.mth(0, old));
    }
  });

  it('has nothing beyond', async () => {
    const tree = treeOf(size);
    for (const index of [-1, 0.5, NaN, size, size + 1, 2 ** 53]) {
      for (const read of [tree.entry(index), tree.leafHash(index), tree.inclusionProof(index)])
        await expectNone(read, `entry ${index}`, size);
      if (index !== size) await expectNone(tree.entries(index).next(), `entry ${index}`, size);
    }
    for (const bundle of [-1, 0.5, NaN, tree.entryBundleCount, 2 ** 53]) {
      for (const read of [tree.entryBundle(bundle), tree.times(bundle)])
        await expectNone(read, `bundle ${bundle}`, size);
    }
    for (const old of [-1, 0.5, NaN, size + 1, 2 ** 53]) {
      await expectNone(tree.consistencyProof(old), `consistency proof from ${old}`, size);
      await expectNone(tree.rootAt(old), `root at ${old}`, size);
    }
    await expectNone(tree.consistencyProof(0), 'consistency proof from 0', size);
  });
});

it('no entries are those of the empty tree', async () => {
  const empty = await TestLog.of([0]);
  const read: ReadObject = (path) => Promise.resolve(empty.files.get(path));
  const { checkpoint, tree } = await new LogReader({ read, verifier: empty.verifier }).latest();
  expect([checkpoint.size, tree.entryBundleCount]).toEqual([0, 0]);
  expect(await tree.entries().next()).toEqual({ done: true, value: undefined });
  expect(await tree.indexOf(leafHash(log.bodyAt(0)))).toBeUndefined();
  await expectNone(tree.entry(0), 'entry 0', 0);
  await expectNone(tree.entryBundle(0), 'bundle 0', 0);
});

describe('a server that refuses to say what is not there', () => {
  const refuse = (path: string) =>
    Promise.reject(new UnreachableError(`${path}: the server answers 403`, { code: 'refused' }));
  /** A reader of the log at 300 entries, without the files at `gone`, which are refused. */
  const readerWithout = (gone: RegExp) => {
    const checkpoint = log.signAt(300);
    const read: ReadObject = (path) =>
      gone.test(path) ? refuse(path) : Promise.resolve(log.files.get(path));
    const reader = new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip });
    return reader.at(openCheckpoint(checkpoint, log.verifier));
  };

  it('has full objects in the place of partial ones', async () => {
    const tree = readerWithout(/\.p\/44$/);
    expect((await tree.entry(299)).body).toEqual(Buffer.from(log.bodyAt(299)));
    expect(await tree.times(1)).toHaveLength(44);
  });

  it('is refused for what has no other', async () => {
    await expect(readerWithout(/^tile\/0\/000$/).entry(7)).rejects.toMatchObject({
      code: 'refused',
      message: 'tile/0/000: the server answers 403',
    });
    await expect(readerWithout(/^tile\/entries\/001/).entry(299)).rejects.toMatchObject({
      code: 'refused',
      message: 'tile/entries/001.p/44: the server answers 403',
    });
  });

  it('may be out of reach besides', async () => {
    const read: ReadObject = (path) =>
      path.endsWith('.p/44') ? refuse(path) : Promise.reject(new UnreachableError(path, { code: 'timeout' }));
    const tree = new LogReader({ read, verifier: log.verifier }).at({ size: 300, root: new Uint8Array(32) });
    await expect(tree.edge()).rejects.toMatchObject({ code: 'timeout' });
  });
});

describe('reading entries', () => {
  it('asks for nothing more once the consumer stops', async () => {
    const { reads, reader } = readerOf();
    const { tree } = await reader.latest();
    for await (const { index } of tree.entries()) if (index === 10) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const bundles = reads.filter((path) => path.startsWith('tile/entries/'));
    expect(bundles).toHaveLength(4);
    expect(new Set(reads).size).toBe(reads.length);
  });

  it('does not wait for what hangs, once the consumer stops', async () => {
    const { reader } = readerOf();
    const read: ReadObject = (path, max) =>
      path === 'tile/entries/002' ? new Promise(() => undefined) : reader.options.read(path, max);
    const { tree } = await new LogReader({ ...reader.options, read }).latest();
    for await (const { index } of tree.entries()) if (index === 300) break;
  });

  it('yields everything before the first bundle that is wrong, and says which it is', async () => {
    const { reads, reader } = readerOf((path, bytes) =>
      path === 'tile/entries/002' || path === 'tile/entries/003' ? log.file('tile/entries/000') : bytes,
    );
    const { tree } = await reader.latest();
    let last = -1;
    const error = await refusal(
      (async () => {
        for await (const { index } of tree.entries()) last = index;
      })(),
    );
    expect(last).toBe(511);
    expect(error).toMatchObject({ name: 'ProofError', path: 'tile/entries/002' });
    // Once ahead, and once more when it was wanted.
    expect(reads.filter((path) => path === 'tile/entries/002')).toHaveLength(2);
  });

  it('reads long bundles when they are wanted, and not ahead', async () => {
    const limits = new Map<string, number[]>();
    const { reader } = readerOf();
    const read: ReadObject = (path, maxLength) => {
      limits.set(path, [...(limits.get(path) ?? []), maxLength]);
      return reader.options.read(path, maxLength);
    };
    const { tree } = await new LogReader({ ...reader.options, read }).latest();
    for await (const { index } of tree.entries()) expect(index).toBeLessThan(1300);
    expect(limits.get('tile/entries/000')?.[0]).toBeGreaterThan(2 ** 24);
    expect(limits.get('tile/entries/001')).toEqual([2 ** 21]);
  });

  it('goes on in its tree while the log grows, and its partial objects go', async () => {
    const growing = await TestLog.of([300], { key: log.key });
    const read: ReadObject = (path) => Promise.resolve(growing.files.get(path));
    const { tree } = await new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip }).latest();
    let count = 0;
    for await (const { body } of tree.entries()) {
      expect(Buffer.from(body).equals(growing.bodyAt(count))).toBe(true);
      if (count++ === 100) {
        growing.grow(700);
        for (const path of growing.files.keys()) if (path.includes('001.p/')) growing.files.delete(path);
      }
    }
    expect(count).toBe(300);
    expect(await tree.times(1)).toHaveLength(44);
    // A new reader, from which only the partial objects are missing: the first would not read its tiles again.
    const again = new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip }).at(tree.tree);
    expect((await again.entryBundle(1)).length).toBe(44);
    expect(await again.inclusionProof(299)).toEqual(await tree.inclusionProof(299));
  });
});

describe('a log that is read again and again', () => {
  it('is held against what was seen before, by several at once', async () => {
    const growing = await TestLog.of([1], { key: log.key });
    const heads = new MemoryHeads();
    const read: ReadObject = async (path) => {
      if (path === 'checkpoint') growing.grow(growing.size + 7);
      const bytes = growing.files.get(path);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return bytes;
    };
    const readers = Array.from({ length: 5 }, () => new LogReader({ read, verifier: log.verifier, heads }));
    await Promise.all(
      readers.map(async (reader) => {
        for (let i = 0; i < 5; i++) {
          const { checkpoint, seen } = await reader.latest();
          expect(checkpoint.size).toBeGreaterThan(seen?.size ?? 0);
        }
      }),
    );
    expect(heads.evidence).toEqual([]);
  });

  it('is refused once it goes back, with what shows it', async () => {
    const old = log.sign(1024, (trees.get(1024) as SignedCheckpoint).root);
    let checkpoint = log.file('checkpoint');
    const heads = new MemoryHeads();
    const read: ReadObject = (path) =>
      Promise.resolve(path === 'checkpoint' ? checkpoint : log.files.get(path));
    const reader = new LogReader({ read, verifier: log.verifier, heads });
    await reader.latest();
    checkpoint = old;
    await expect(reader.latest()).rejects.toMatchObject({ code: 'rolled-back', evidence: 'memory' });
    const seen = log.file('checkpoint');
    expect(heads.evidence).toEqual([{ seen, shown: old, code: 'rolled-back' }]);
    // A cache may stay behind: only the newest contradiction is kept.
    checkpoint = log.signAt(1023);
    for (let i = 0; i < 3; i++) await expect(reader.latest()).rejects.toMatchObject({ code: 'rolled-back' });
    expect(heads.evidence).toEqual([{ seen, shown: checkpoint, code: 'rolled-back' }]);
    const rolledBack = heads.evidence;
    checkpoint = log.sign(1023, new Uint8Array(32));
    for (let i = 0; i < 3; i++) await expect(reader.latest()).rejects.toMatchObject({ code: 'forked' });
    expect(heads.evidence).toEqual([...rolledBack, { seen, shown: checkpoint, code: 'forked' }]);
    expect(await heads.read()).toBe(seen);
  });

  it('reads no tile again while it has not grown', async () => {
    const { reads, reader } = readerOf();
    const first = await reader.latest();
    await first.tree.leafHash(7);
    expect(reads.length).toBeGreaterThan(1);
    reads.length = 0;
    const second = await reader.latest();
    await second.tree.leafHash(7);
    expect(reads).toEqual(['checkpoint']);
    expect([second.seen?.size, second.tree.tree.size]).toEqual([1300, 1300]);
  });

  it('tells trees of one size apart', async () => {
    const other = await TestLog.of([1300], { key: log.key, bodyAt: () => Buffer.from('other') });
    let shown: TestLog = log;
    const read: ReadObject = (path) => Promise.resolve(shown.files.get(path));
    const heads = new ForgetfulHeads();
    const reader = new LogReader({ read, verifier: log.verifier, heads, gunzip: nodeGunzip });
    await (await reader.latest()).tree.leafHash(7);
    shown = other;
    expect((await (await reader.latest()).tree.entry(7)).body).toEqual(Buffer.from('other'));
  });
});

/** Heads that never remember anything. */
class ForgetfulHeads extends MemoryHeads {
  override read(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override replace(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

describe('a checkpoint that came another way', () => {
  /** A reader that has seen the log at a size, or never. */
  async function readerThatSaw(size: number | undefined, source: TestLog = log) {
    const heads = new MemoryHeads();
    if (size !== undefined) await heads.replace(log.signAt(size), undefined);
    const reads: string[] = [];
    const read: ReadObject = (path) => (reads.push(path), Promise.resolve(source.files.get(path)));
    return {
      heads,
      reads,
      reader: new LogReader({ read, verifier: log.verifier, heads, gunzip: nodeGunzip }),
    };
  }

  const opened = (bytes: Uint8Array) => openCheckpoint(bytes, log.verifier);
  const sizeKept = async (heads: MemoryHeads) => opened((await heads.read()) as Uint8Array).size;

  it.each([
    ['the first', undefined, 300, 300],
    ['newer', 256, 1300, 1300],
    ['newer than the empty tree', 0, 300, 300],
    ['of the same size', 300, 300, 300],
    ['older', 1300, 300, 1300],
    ['older by one', 300, 299, 300],
    ['of the empty tree', 300, 0, 300],
  ])('is taken when it is %s', async (_, seen, size, kept) => {
    const { heads, reads, reader } = await readerThatSaw(seen);
    expect((await reader.see(opened(log.signAt(size))))?.size).toBe(seen);
    expect(await sizeKept(heads)).toBe(kept);
    expect(heads.evidence).toEqual([]);
    expect(reads).not.toContain('checkpoint');
    // The log has more entries, and still passes.
    expect((await reader.latest()).seen?.size).toBe(kept);
  });

  it.each([
    ['newer', 256, 1300],
    ['of the same size', 300, 300],
    ['older', 1300, 300],
    ['older by one', 300, 299],
  ])('is refused when it is of another history and %s', async (_, seen, size) => {
    const other = await TestLog.of([size], {
      key: log.key,
      bodyAt: (index) => Buffer.from(`other ${index}`),
    });
    // The comparison reads tiles of the larger of the two trees.
    const { heads, reader } = await readerThatSaw(seen, size > seen ? other : log);
    const shown = other.file('checkpoint');
    const head = await heads.read();
    await expect(reader.see(opened(shown))).rejects.toMatchObject({
      name: 'InconsistentLogError',
      code: 'forked',
      message: expect.stringContaining(`its tree of ${Math.min(seen, size)} is not the one`) as string,
    });
    expect(heads.evidence).toEqual([{ seen: head, shown, code: 'forked' }]);
    expect(await heads.read()).toBe(head);
  });

  it.each([
    ['newer', 256, 1300],
    ['older', 1300, 300],
  ])('is not decided about when it is %s and the log is out of reach', async (_, seen, size) => {
    const { heads, reader } = await readerThatSaw(seen);
    const read: ReadObject = () => Promise.reject(new UnreachableError('down', { code: 'unreachable' }));
    const offline = new LogReader({ ...reader.options, read });
    await expect(offline.see(opened(log.signAt(size)))).rejects.toMatchObject({ name: 'UnreachableError' });
    expect(await sizeKept(heads)).toBe(seen);
    expect(heads.evidence).toEqual([]);
  });

  it("is refused when it is another log's, or the empty tree with a root of some", async () => {
    const { heads, reader } = await readerThatSaw(undefined);
    const stranger = await TestLog.of([5]);
    await expect(reader.see(stranger.checkpoint)).rejects.toBeInstanceOf(ProofError);
    const empty = opened(log.sign(0, log.checkpoint.root));
    await expect(reader.see(empty)).rejects.toBeInstanceOf(ProofError);
    expect(await heads.read()).toBeUndefined();
  });

  it('is held against what others have seen meanwhile', async () => {
    const { heads, reader } = await readerThatSaw(256);
    const replace = heads.replace.bind(heads);
    heads.replace = async (checkpoint, expected) => {
      heads.replace = replace;
      await replace(log.file('checkpoint'), expected);
      return replace(checkpoint, expected);
    };
    expect((await reader.see(opened(log.signAt(300))))?.size).toBe(1300);
    expect(await sizeKept(heads)).toBe(1300);
  });
});

describe('a byte that is changed, anywhere', () => {
  /** Reads the whole of a log with one file changed. Returns its contents, or the typed error. */
  async function say(small: TestLog, path: string, bytes: Uint8Array): Promise<string[]> {
    const read: ReadObject = (wanted) => Promise.resolve(wanted === path ? bytes : small.files.get(wanted));
    const options = { read, verifier: small.verifier, gunzip: nodeGunzip, sha: opensslSha256 };
    const answers: (() => Promise<string>)[] = [
      async () => {
        const { size, root } = (await new LogReader(options).latest()).checkpoint;
        return `${size} ${Buffer.from(root).toString('hex')}`;
      },
      async () => {
        const bodies: string[] = [];
        for await (const { index, body } of new LogReader(options).at(small.checkpoint).entries())
          bodies.push(`${index} ${Buffer.from(body).toString('hex')}`);
        return bodies.join();
      },
      async () => {
        const proof = await new LogReader(options).at(small.checkpoint).inclusionProof(0);
        return proof.map((hash) => Buffer.from(hash).toString('hex')).join();
      },
    ];
    return Promise.all(
      answers.map(async (answer) => {
        try {
          return await answer();
        } catch (error) {
          if (error instanceof FormatError || error instanceof ProofError) return 'refused';
          throw error;
        }
      }),
    );
  }

  async function expectNoLie(small: TestLog, path: string, at: number, mask: number, truth: string[]) {
    const bytes = Uint8Array.from(small.file(path));
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    (await say(small, path, bytes)).forEach((said, i) => {
      if (said !== 'refused' && said !== truth[i])
        expect.fail(`byte ${at} of ${path}: ${said.slice(0, 200)}`);
    });
  }

  it('is refused or changes no answer: every byte of a log of 3', async () => {
    const small = await TestLog.of([3]);
    const truth = await say(small, '', new Uint8Array(0));
    expect(truth).not.toContain('refused');
    for (const [path, bytes] of small.files) {
      for (let at = 0; at < bytes.length; at++) {
        for (const mask of [1, 0x20, 0xff]) await expectNoLie(small, path, at, mask, truth);
      }
    }
  });

  it('is refused or changes no answer: some bytes of a log of 300', async () => {
    const small = await TestLog.of([300]);
    const truth = await say(small, '', new Uint8Array(0));
    const byte = fc
      .constantFrom(...small.files.keys())
      .chain((path) =>
        fc.tuple(fc.constant(path), fc.nat(small.file(path).length - 1), fc.integer({ min: 1, max: 255 })),
      );
    await fc.assert(
      fc.asyncProperty(byte, ([path, at, mask]) => expectNoLie(small, path, at, mask, truth)),
      { numRuns: 300 },
    );
  });
});
