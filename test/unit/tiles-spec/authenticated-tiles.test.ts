import { beforeAll, describe, expect, it } from 'vitest';
import {
  AuthenticatedTiles,
  formatPath,
  HashTile,
  inclusionProof,
  leafHash,
  ProofError,
  readRightEdge,
  RightEdge,
  verifyInclusion,
  type FetchTile,
  type Hash,
  type ObjectName,
  type Tree,
} from '#tiles-spec/index.js';
import { bodyAt, expectProofError, flipped, nodeSha, TileStore } from '../../support/trees.js';

interface Log {
  readonly tree: Tree;
  readonly leaves: readonly Hash[];
  readonly store: TileStore;
  /** Every tile of the tree. */
  readonly names: Extract<ObjectName, { kind: 'tile' }>[];
}

function build(size: number): Log {
  const leaves = Array.from({ length: size }, (_, i) => leafHash(bodyAt(i), nodeSha));
  const { edge, tiles } = RightEdge.empty(nodeSha).append(leaves);
  const store = new TileStore();
  store.put(tiles);
  const names = tiles.map(({ level, index, width }) => ({ kind: 'tile' as const, level, index, width }));
  return { tree: { size, root: edge.root() }, leaves, store, names };
}

let built: Log | undefined;

/** A log of 70,000 entries, built once. */
function large(): Log {
  built ??= build(70_000);
  built.store.fetched = [];
  return built;
}

/** Fetches from the log, but one tile with a byte changed. */
const withByteChanged =
  ({ store }: Log, name: ObjectName, at: number): FetchTile =>
  async (tile) => {
    const bytes = await store.fetch(tile);
    return formatPath({ kind: 'tile', ...tile }) === formatPath(name) ? flipped(bytes, at, at % 8) : bytes;
  };

describe('every tile is authenticated', () => {
  const stackTraceLimit = Error.stackTraceLimit;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
    return () => {
      Error.stackTraceLimit = stackTraceLimit;
    };
  });

  it('a changed byte in any hash of any tile of 600 entries is refused', async () => {
    const log = build(600);
    for (const name of log.names) {
      for (let hash = 0; hash < name.width; hash++) {
        const fetch = withByteChanged(log, name, hash * 32 + (hash % 32));
        const read = new AuthenticatedTiles(log.tree, fetch, { sha: nodeSha }).tile(name.level, name.index);
        await expectProofError(read);
      }
    }
  });

  it('a changed byte in any tile of 70,000 entries is refused, each byte position once at least', async () => {
    const log = large();
    const seen = new Set<number>();
    for (const [i, name] of log.names.entries()) {
      const length = name.width * 32;
      const places = [0, length - 1, ...Array.from({ length: 31 }, (_, k) => (i * 31 + k) % length)];
      // What was read well, the tiles above, is kept between the reads; what was refused is not.
      let at = 0;
      const fetch: FetchTile = (tile) => withByteChanged(log, name, at)(tile);
      const tiles = new AuthenticatedTiles(log.tree, fetch, { sha: nodeSha });
      for (at of places) {
        await expectProofError(tiles.tile(name.level, name.index));
        seen.add(at);
      }
    }
    expect(seen.size).toBe(8192);
  });

  it('a full tile of another place, or of another tree, is refused', async () => {
    const log = build(1000);
    const swapped: FetchTile = (tile) =>
      log.store.fetch(tile.level === 0 && tile.index === 1 ? { ...tile, index: 2 } : tile);
    const tiles = new AuthenticatedTiles(log.tree, swapped, { sha: nodeSha });
    await expectProofError(tiles.tile(0, 1));
    expect((await tiles.tile(0, 2)).width).toBe(256);
    const other = build(999);
    await expectProofError(readRightEdge({ ...log.tree, root: other.tree.root }, log.store.fetch, nodeSha));
    await expectProofError(readRightEdge({ size: 0, root: other.tree.root }, log.store.fetch, nodeSha));
  });

  it('a tile that the tree has not is refused before it is fetched', async () => {
    const log = build(600);
    const tiles = new AuthenticatedTiles(log.tree, log.store.fetch, { sha: nodeSha });
    await expectProofError(tiles.tile(0, 3));
    await expectProofError(tiles.tile(2, 0));
    await expectProofError(tiles.hashes([{ level: 0, index: 768 }]));
    expect(log.store.fetched).toEqual([]);
    // In the tree's last tile, but past its end.
    await expect(tiles.hashes([{ level: 0, index: 600 }])).rejects.toThrow('has no subtree');
  });

  it('each tile is fetched once, in the number that the documentation says', async () => {
    const log = large();
    const tiles = new AuthenticatedTiles(log.tree, log.store.fetch, { sha: nodeSha });
    for (const index of [0, 1, 255, 60_000, 69_999]) {
      const proof = await inclusionProof(tiles, index, log.tree.size, nodeSha);
      verifyInclusion(log.leaves[index] as Hash, index, log.tree.size, proof, log.tree.root, nodeSha);
    }
    // Three partial tiles, one full of level 1, those of entries 0 to 255 and of entry 60,000.
    expect(log.store.fetched.length).toBe(6);
    expect(new Set(log.store.fetched).size).toBe(6);
  });

  it('a failed fetch is not kept: the next read tries again', async () => {
    const log = build(600);
    let failures = 4;
    const tiles = new AuthenticatedTiles(
      log.tree,
      (tile) => (failures-- > 0 ? Promise.reject(new Error('offline')) : log.store.fetch(tile)),
      { sha: nodeSha },
    );
    await expect(tiles.tile(0, 0)).rejects.toThrow('offline');
    failures = 0;
    expect((await tiles.tile(0, 0)).bytes).toEqual(log.store.objects.get('tile/0/000'));
  });

  it('keeps a bounded number of tiles, and reads a dropped one again', async () => {
    const log = large();
    const tiles = new AuthenticatedTiles(log.tree, log.store.fetch, { sha: nodeSha });
    for (let index = 0; index < 273; index++) await tiles.tile(0, index);
    const before = log.store.fetched.length;
    await tiles.tile(0, 272);
    expect(log.store.fetched.length).toBe(before);
    await tiles.tile(0, 0);
    // The one that is above it, which all the others needed too, is still kept.
    expect(log.store.fetched.slice(before)).toEqual(['tile/0/000']);
  });

  it('errors say which tile', async () => {
    const log = build(600);
    const full = new AuthenticatedTiles(
      log.tree,
      withByteChanged(log, { kind: 'tile', level: 0, index: 1, width: 256 }, 5),
      { sha: nodeSha },
    );
    await expect(full.tile(0, 1)).rejects.toThrow('tile/0/001 is not the tile of the tree of 600');
    const partial = new AuthenticatedTiles(
      log.tree,
      withByteChanged(log, { kind: 'tile', level: 1, index: 0, width: 2 }, 5),
      { sha: nodeSha },
    );
    await expect(partial.tile(0, 1)).rejects.toThrow('tile/0/002.p/88, tile/1/000.p/2');
    await expect(partial.edge()).rejects.toBeInstanceOf(ProofError);
  });

  it('a tile of the wrong length is refused', async () => {
    const log = build(600);
    for (const change of [-32, -1, 1, 32]) {
      const fetch: FetchTile = async (tile) => {
        const bytes = await log.store.fetch(tile);
        return change < 0
          ? bytes.subarray(0, bytes.length + change)
          : Buffer.concat([bytes, Buffer.alloc(change)]);
      };
      await expect(new AuthenticatedTiles(log.tree, fetch, { sha: nodeSha }).tile(0, 0)).rejects.toThrow(
        'bytes, not',
      );
    }
    expect(() => HashTile.parse({ level: 0, index: 0, width: 0 }, new Uint8Array(0))).toThrow('1 to 256');
    expect(() => HashTile.parse({ level: 0, index: 0, width: 257 }, new Uint8Array(257 * 32))).toThrow(
      '1 to 256',
    );
  });
});
