import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FormatError,
  hashesAt,
  HashTile,
  leafHash,
  partialTiles,
  RightEdge,
  tileOf,
  widthAt,
} from '#tiles-spec/index.js';
import { bodyAt, NaiveTree, nodeSha, shortName } from '../../support/trees.js';

const MAX_SIZE = 5000;
const naive = NaiveTree.of(MAX_SIZE);

const partialsOf = (edge: RightEdge): HashTile[] =>
  partialTiles(edge.size).map(({ level, index }) => edge.partial(level, index) as HashTile);

/** Adds tiles to what a bucket would hold; a name written twice must have the same bytes. */
function collect(kept: Map<string, Uint8Array>, tiles: readonly HashTile[]): void {
  for (const tile of tiles) {
    const name = shortName(tile);
    const before = kept.get(name);
    if (before !== undefined && !Buffer.from(before).equals(tile.bytes))
      expect.fail(`${name} has two contents`);
    kept.set(name, tile.bytes);
  }
}

describe('RightEdge', () => {
  it('grown by one entry at a time has the tiles of every size from 1 to 1,500', () => {
    let edge = RightEdge.empty(nodeSha);
    const kept = new Map<string, Uint8Array>();
    for (let size = 1; size <= 1500; size++) {
      const before = new Set(naive.tiles(size - 1).keys());
      const grown = edge.append(naive.leaves.slice(size - 1, size));
      edge = grown.edge;
      collect(kept, grown.tiles);
      const wanted = naive.tiles(size);
      for (const [name, bytes] of wanted) {
        if (!Buffer.from(bytes).equals(kept.get(name) ?? Buffer.of())) expect.fail(`${name} of ${size}`);
      }
      const added = [...wanted.keys()].filter((name) => !before.has(name));
      expect(grown.tiles.map(shortName).sort()).toEqual(added.sort());
      expect(partialTiles(size).map(shortName).sort()).toEqual(
        [...wanted.keys()].filter((name) => name.includes('.p/')).sort(),
      );
      expect(Buffer.from(naive.mth(0, size)).equals(edge.root())).toBe(true);
    }
  });

  it('in random batches gives the tiles, root and edge of building at once', () => {
    const wantedTiles = naive.tiles(MAX_SIZE);
    const batches = fc.array(fc.oneof(fc.nat(20), fc.nat(300), fc.constantFrom(0, 255, 256, 257, 1024)), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(batches, (sizes) => {
        let edge = RightEdge.empty(nodeSha);
        const kept = new Map<string, Uint8Array>();
        for (const count of sizes) {
          if (edge.size + count > MAX_SIZE) break;
          const grown = edge.append(naive.leaves.slice(edge.size, edge.size + count));
          expect(grown.tiles.length === 0).toBe(count === 0);
          collect(kept, grown.tiles);
          edge = grown.edge;
        }
        const size = edge.size;
        const once = RightEdge.empty(nodeSha).append(naive.leaves.slice(0, size));
        expect(Buffer.from(edge.root()).equals(naive.mth(0, size))).toBe(true);
        expect(once.edge.root()).toEqual(edge.root());
        expect(partialsOf(edge).map(({ bytes }) => bytes)).toEqual(
          partialsOf(once.edge).map(({ bytes }) => bytes),
        );
        expect(once.tiles.map(shortName).sort()).toEqual([...naive.tiles(size).keys()].sort());
        for (const tile of once.tiles) {
          expect(Buffer.from(tile.bytes).equals(kept.get(shortName(tile)) ?? Buffer.of())).toBe(true);
          if (tile.width === 256) {
            expect(Buffer.from(tile.bytes).equals(wantedTiles.get(shortName(tile)) ?? Buffer.of())).toBe(
              true,
            );
          }
        }
        const read = RightEdge.of(size, partialsOf(edge).reverse(), nodeSha);
        expect(read.root()).toEqual(edge.root());
      }),
      { numRuns: 40 },
    );
  });

  it('appending leaves the old edge as it was', () => {
    const { edge } = RightEdge.empty(nodeSha).append(naive.leaves.slice(0, 300));
    const root = edge.root();
    edge.append(naive.leaves.slice(300, 900));
    expect(edge.size).toBe(300);
    expect(edge.root()).toEqual(root);
  });

  it('crosses 65,536 with full tiles of two levels', () => {
    const tree = new NaiveTree(Array.from({ length: 66_000 }, (_, i) => leafHash(bodyAt(i), nodeSha)));
    const first = RightEdge.empty(nodeSha).append(tree.leaves.slice(0, 65_500));
    const second = first.edge.append(tree.leaves.slice(65_500, 65_536));
    const third = second.edge.append(tree.leaves.slice(65_536));
    expect(second.tiles.map(shortName)).toEqual(['tile/0/255', 'tile/1/0', 'tile/2/0.p/1']);
    expect(Buffer.from(third.edge.root()).equals(tree.mth(0, 66_000))).toBe(true);
    const kept = new Map<string, Uint8Array>();
    for (const { tiles } of [first, second, third]) collect(kept, tiles);
    for (const [name, bytes] of tree.tiles(66_000)) {
      if (!Buffer.from(bytes).equals(kept.get(name) ?? Buffer.of())) expect.fail(name);
    }
  });

  it('refuses tiles that a tree of its size has not', () => {
    const { edge } = RightEdge.empty(nodeSha).append(naive.leaves.slice(0, 700));
    const [low, high] = partialsOf(edge) as [HashTile, HashTile];
    const wider = new HashTile(0, 2, naive.leaves.slice(0, 189), nodeSha);
    const elsewhere = new HashTile(0, 3, low.hashes, nodeSha);
    for (const tiles of [[], [low], [low, high, high], [low, low], [wider, high], [elsewhere, high]]) {
      expect(() => RightEdge.of(700, tiles, nodeSha)).toThrow(FormatError);
    }
    expect(() => edge.subtree({ level: 0, index: 0 })).toThrow(FormatError);
    expect(() => edge.subtree({ level: 0, index: 700 })).toThrow(FormatError);
  });

  it('refuses leaf hashes that are not 32 bytes', () => {
    for (const length of [0, 31, 33]) {
      const leaves = [nodeSha(new Uint8Array(0)), new Uint8Array(length)];
      expect(() => RightEdge.empty().append(leaves)).toThrow(FormatError);
      expect(() => RightEdge.empty().append(leaves.reverse())).toThrow(FormatError);
    }
  });
});

describe('tile coordinates', () => {
  it('70,000 entries have the tiles that tlog-tiles names', () => {
    expect(partialTiles(70_000)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect([widthAt(70_000, 0, 272), widthAt(70_000, 0, 273), widthAt(70_000, 0, 274)]).toEqual([
      256, 112, 0,
    ]);
    expect([widthAt(70_000, 1, 0), widthAt(70_000, 1, 1), widthAt(70_000, 3, 0)]).toEqual([256, 17, 0]);
    expect(partialTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
    expect(partialTiles(0)).toEqual([]);
  });

  it('are exact up to 2^53 - 1, and refused above', () => {
    const size = fc.oneof(
      fc.maxSafeNat(),
      fc.nat(2 ** 20).map((below) => Number.MAX_SAFE_INTEGER - below),
      fc.tuple(fc.nat(52), fc.integer({ min: -2, max: 2 })).map(([k, d]) => Math.max(0, 2 ** k + d)),
    );
    fc.assert(
      fc.property(size, fc.nat(63), fc.nat(3), (size, level, back) => {
        const hashes = BigInt(size) >> BigInt(8 * level);
        expect(BigInt(hashesAt(size, level))).toBe(hashes);
        const index = (hashes >> 8n) - BigInt(back) + 1n;
        if (index < 0n) return;
        const left = hashes - index * 256n;
        const width = left < 0n ? 0n : left > 256n ? 256n : left;
        expect(BigInt(widthAt(size, level, Number(index)))).toBe(width);
      }),
      { numRuns: 2000 },
    );
    for (const size of [2 ** 53, 2 ** 60, -1, 0.5, NaN, Infinity]) {
      expect(() => hashesAt(size, 0)).toThrow(FormatError);
      expect(() => widthAt(size, 0, 0)).toThrow(FormatError);
      expect(() => partialTiles(size)).toThrow(FormatError);
    }
  });

  it('a subtree is found in its tile: bigint arithmetic agrees', () => {
    fc.assert(
      fc.property(fc.nat(52), fc.maxSafeNat(), (level, start) => {
        const index = Math.floor(start / 2 ** level);
        const tile = tileOf({ level, index });
        const height = BigInt(level % 8);
        expect(tile.level).toBe(Math.floor(level / 8));
        expect(BigInt(tile.height)).toBe(height);
        expect((BigInt(tile.index) << (8n - height)) + BigInt(tile.at)).toBe(BigInt(index));
        expect(tile.at).toBeLessThan(2 ** (8 - tile.height));
      }),
    );
  });
});
