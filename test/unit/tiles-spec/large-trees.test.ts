import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyRanges,
  inclusionRanges,
  largestPowerOfTwoBelow,
  subtreesOf,
  type EntryRange,
} from '#tiles-spec/tree/merkle.js';
import {
  consistencyProof,
  FormatError,
  HashTile,
  inclusionProof,
  partialTiles,
  RightEdge,
  rootAt,
  tileOf,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type HashReader,
} from '#tiles-spec/index.js';
import { flipped, nodeSha, refused } from '../../support/trees.js';

const LAST = Number.MAX_SAFE_INTEGER;

/**
 * A tree too large to build: the hashes of its right edge are invented, as if of real subtrees, and everything from
 * there on is real. The roots are computed a second time by RFC 6962's recursion, in bigint.
 */
class InventedTree implements HashReader {
  readonly start: number;
  readonly leaves: Hash[] = [];
  readonly edges: RightEdge[];
  readonly #tiles: HashTile[] = [];
  readonly #invented = new Map<string, Hash>();

  constructor(start: number) {
    this.start = start;
    const tiles = partialTiles(start).map(({ level, index, width }) => {
      const hashes = Array.from({ length: width }, (_, i) => {
        const at = BigInt(index) * 256n + BigInt(i);
        const hash = nodeSha(Buffer.from(`subtree ${at} of level ${8 * level}`));
        this.#invented.set(`${8 * level} ${at}`, hash);
        return hash;
      });
      return new HashTile(level, index, hashes, nodeSha);
    });
    this.#tiles.push(...tiles);
    this.edges = [RightEdge.of(start, tiles, nodeSha)];
  }

  get size(): number {
    return this.start + this.leaves.length;
  }

  append(count: number): void {
    const added = Array.from({ length: count }, (_, i) => nodeSha(Buffer.from(`leaf ${this.size + i}`)));
    const { edge, tiles } = (this.edges.at(-1) as RightEdge).append(added);
    this.leaves.push(...added);
    this.edges.push(edge);
    this.#tiles.push(...tiles);
  }

  hashes(subtrees: Parameters<HashReader['hashes']>[0]): Promise<Hash[]> {
    return Promise.resolve(
      subtrees.map((subtree) => {
        const { level, index, height, at } = tileOf(subtree);
        const tile = this.#tiles.find(
          (tile) => tile.level === level && tile.index === index && (at + 1) * 2 ** height <= tile.width,
        );
        if (tile === undefined) throw new Error(`nothing known of ${JSON.stringify(subtree)}`);
        return tile.subtree(height, at);
      }),
    );
  }

  /** MTH(D[start:end]) where every power-of-256 subtree left of the first size is as invented. */
  naiveRoot(start: bigint, end: bigint): Hash {
    const n = end - start;
    const level = n.toString(2).length - 1;
    if (n === 1n << BigInt(level)) {
      const invented = this.#invented.get(`${level} ${start / n}`);
      if (invented !== undefined) return invented;
    }
    if (n === 1n) return this.leaves[Number(start - BigInt(this.start))] as Hash;
    let k = 1n;
    while (k * 2n < n) k *= 2n;
    return nodeSha(
      Buffer.concat([Buffer.of(1), this.naiveRoot(start, start + k), this.naiveRoot(start + k, end)]),
    );
  }
}

async function checkTree(tree: InventedTree): Promise<void> {
  for (const edge of tree.edges) {
    expect(Buffer.from(tree.naiveRoot(0n, BigInt(edge.size))).equals(edge.root())).toBe(true);
    expect(await rootAt(tree, edge.size, nodeSha)).toEqual(edge.root());
    for (let index = tree.start; index < edge.size; index++) {
      const leaf = tree.leaves[index - tree.start] as Hash;
      const proof = await inclusionProof(tree, index, edge.size, nodeSha);
      verifyInclusion(leaf, index, edge.size, proof, edge.root(), nodeSha);
      const at = index % proof.length;
      const changed = proof.with(at, flipped(proof[at] as Hash, index % 32));
      expect(
        refused(() => {
          verifyInclusion(leaf, index, edge.size, changed, edge.root(), nodeSha);
        }),
      ).toBe(true);
    }
    for (const old of tree.edges.filter(({ size }) => size <= edge.size)) {
      const proof = await consistencyProof(tree, old.size, edge.size, nodeSha);
      verifyConsistency(old.size, old.root(), edge.size, edge.root(), proof, nodeSha);
      for (const [i, hash] of proof.entries()) {
        const changed = proof.with(i, flipped(hash, i % 32));
        expect(
          refused(() => {
            verifyConsistency(old.size, old.root(), edge.size, edge.root(), changed, nodeSha);
          }),
        ).toBe(true);
      }
    }
  }
}

describe('trees around a full tile of each level', () => {
  it.each([256, 65_536, 16_777_216, 2 ** 32, 2 ** 40, 2 ** 48, 2 ** 52])('%i entries', async (boundary) => {
    const tree = new InventedTree(boundary - 5);
    for (let i = 0; i < 10; i++) tree.append(1);
    await checkTree(tree);
    const jump = new InventedTree(boundary - 3);
    for (const count of [300, 1, 215]) jump.append(count);
    expect(
      Buffer.from(jump.naiveRoot(0n, BigInt(jump.size))).equals((jump.edges.at(-1) as RightEdge).root()),
    ).toBe(true);
  });

  it('2^53 - 1 entries, the last that count, and not one more', async () => {
    const tree = new InventedTree(LAST - 8);
    for (let i = 0; i < 8; i++) tree.append(1);
    expect(tree.size).toBe(LAST);
    await checkTree(tree);
    const last = tree.edges.at(-1) as RightEdge;
    expect(partialTiles(LAST).length).toBe(7);
    expect(() => last.append([nodeSha(new Uint8Array(1))])).toThrow(FormatError);
    expect(last.append([]).edge.root()).toEqual(last.root());
  });
});

/** RFC 6962's PATH as ranges, in bigint. */
function naivePath(m: bigint, start: bigint, end: bigint): [bigint, bigint][] {
  if (end - start === 1n) return [];
  let k = 1n;
  while (k * 2n < end - start) k *= 2n;
  return m < k
    ? [...naivePath(m, start, start + k), [start + k, end]]
    : [...naivePath(m - k, start + k, end), [start, start + k]];
}

/** RFC 6962's SUBPROOF as ranges, in bigint. */
function naiveSubproof(m: bigint, start: bigint, end: bigint, whole: boolean): [bigint, bigint][] {
  if (m === end - start) return whole ? [] : [[start, end]];
  let k = 1n;
  while (k * 2n < end - start) k *= 2n;
  return m <= k
    ? [...naiveSubproof(m, start, start + k, whole), [start + k, end]]
    : [...naiveSubproof(m - k, start + k, end, false), [start, start + k]];
}

describe('ranges', () => {
  const size = fc
    .oneof(
      fc.maxSafeNat(),
      fc.nat(2 ** 12),
      fc.nat(2 ** 12).map((below) => LAST - below),
      fc.tuple(fc.nat(52), fc.integer({ min: -2, max: 2 })).map(([k, d]) => 2 ** k + d),
    )
    .map((size) => Math.max(1, size));
  const within = fc.tuple(size, fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constant(LAST)));
  const exact = (ranges: readonly EntryRange[]): bigint[][] =>
    ranges.map(({ start, end }) => [BigInt(start), BigInt(end)]);

  it('of proofs are those of RFC 6962 up to 2^53 - 1', () => {
    fc.assert(
      fc.property(within, ([size, other]) => {
        const index = other % size;
        expect(exact(inclusionRanges(index, size))).toEqual(naivePath(BigInt(index), 0n, BigInt(size)));
        const old = (other % size) + 1;
        expect(exact(consistencyRanges(old, size))).toEqual(
          naiveSubproof(BigInt(old), 0n, BigInt(size), true),
        );
      }),
      { numRuns: 1500 },
    );
  });

  it('are cut into perfect subtrees, each twice as long as the next at least', () => {
    fc.assert(
      fc.property(within, ([size, other]) => {
        for (const range of [{ start: 0, end: size }, ...inclusionRanges(other % size, size)]) {
          let at = BigInt(range.start);
          let above = 53;
          for (const { level, index } of subtreesOf(range)) {
            if (level >= above || BigInt(index) << BigInt(level) !== at) expect.fail(JSON.stringify(range));
            at += 1n << BigInt(level);
            above = level;
          }
          expect(at).toBe(BigInt(range.end));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the largest power of two below n is exact', () => {
    for (let k = 1; k <= 52; k++) {
      expect(largestPowerOfTwoBelow(2 ** k)).toBe(2 ** (k - 1));
      if (k > 1) expect(largestPowerOfTwoBelow(2 ** k - 1)).toBe(2 ** (k - 1));
      expect(largestPowerOfTwoBelow(2 ** k + 1)).toBe(2 ** k);
    }
    expect(largestPowerOfTwoBelow(LAST)).toBe(2 ** 52);
  });

  it('sizes from 2^53 on are refused, never rounded', () => {
    const hash = nodeSha(new Uint8Array(0));
    for (const size of [2 ** 53, 2 ** 53 + 2, 2 ** 64, Infinity, NaN, 1.5, -1]) {
      expect(() => inclusionRanges(0, size)).toThrow(FormatError);
      expect(() => inclusionRanges(size, LAST)).toThrow(FormatError);
      expect(() => consistencyRanges(1, size)).toThrow(FormatError);
      expect(() => consistencyRanges(size, LAST)).toThrow(FormatError);
      expect(() => {
        verifyInclusion(hash, 0, size, [], hash);
      }).toThrow(FormatError);
      expect(() => {
        verifyInclusion(hash, size, LAST, [], hash);
      }).toThrow(FormatError);
      expect(() => {
        verifyConsistency(1, hash, size, hash, []);
      }).toThrow(FormatError);
      expect(() => {
        verifyConsistency(size, hash, LAST, hash, []);
      }).toThrow(FormatError);
      expect(() => RightEdge.of(size, [])).toThrow(FormatError);
    }
  });
});
