/**
 * Logs in memory for the tests of tiles-spec, and a second implementation of the tree. It is written from RFC 6962's
 * definitions, and shares no code with the first.
 * @module
 */
import { hash } from 'node:crypto';
import { expect } from 'vitest';
import {
  FormatError,
  formatPath,
  ProofError,
  type FetchTile,
  type Hash,
  type HashTile,
} from '#tiles-spec/index.js';

/** SHA-256 by OpenSSL: independent of the implementation under test, and faster. */
export function nodeSha(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/** A body that no other index has. */
export function bodyAt(index: number): Uint8Array {
  return Buffer.from(`entry ${index}`);
}

/** RFC 6962 section 2.1 over leaf hashes. Slow and plain; keeps the hashes that it has computed. */
export class NaiveTree {
  readonly #known = new Map<number, Hash>();
  readonly leaves: readonly Hash[];

  constructor(leaves: readonly Hash[]) {
    this.leaves = leaves;
  }

  static leaf(body: Uint8Array): Hash {
    return nodeSha(Buffer.concat([Buffer.of(0), body]));
  }

  /** The tree of `bodyAt(0)` to `bodyAt(size - 1)`. */
  static of(size: number): NaiveTree {
    return new NaiveTree(Array.from({ length: size }, (_, i) => NaiveTree.leaf(bodyAt(i))));
  }

  /** MTH(D[start:end]). */
  mth(start: number, end: number): Hash {
    const n = end - start;
    if (n === 0) return nodeSha(new Uint8Array(0));
    if (n === 1) return this.leaves[start] as Hash;
    const key = start * 2 ** 26 + end;
    let known = this.#known.get(key);
    if (known === undefined) {
      const k = split(n);
      known = nodeSha(
        Buffer.concat([Buffer.of(1), this.mth(start, start + k), this.mth(start + k, start + n)]),
      );
      this.#known.set(key, known);
    }
    return known;
  }

  /** PATH(m, D[start:end]), section 2.1.1. */
  path(m: number, start: number, end: number): Hash[] {
    const n = end - start;
    if (n === 1) return [];
    const k = split(n);
    return m < k
      ? [...this.path(m, start, start + k), this.mth(start + k, end)]
      : [...this.path(m - k, start + k, end), this.mth(start, start + k)];
  }

  /** PROOF(m, D[0:n]), section 2.1.2. */
  proof(m: number, n: number): Hash[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, start: number, end: number, whole: boolean): Hash[] {
    const n = end - start;
    if (m === n) return whole ? [] : [this.mth(start, end)];
    const k = split(n);
    return m <= k
      ? [...this.#subproof(m, start, start + k, whole), this.mth(start + k, end)]
      : [...this.#subproof(m - k, start + k, end, false), this.mth(start, start + k)];
  }

  /** A tile of the tree of `size` entries, as tlog-tiles defines it; undefined where there is none. */
  tile(size: number, level: number, index: number): Uint8Array | undefined {
    const span = 256 ** level;
    const hashes: Hash[] = [];
    for (let i = 0; i < 256; i++) {
      const start = (index * 256 + i) * span;
      if (start + span > size) break;
      hashes.push(this.mth(start, start + span));
    }
    return hashes.length === 0 ? undefined : Buffer.concat(hashes);
  }

  /** Path and bytes of every tile that a tree of `size` has. */
  tiles(size: number): Map<string, Uint8Array> {
    const tiles = new Map<string, Uint8Array>();
    for (let level = 0; ; level++) {
      for (let index = 0; ; index++) {
        const bytes = this.tile(size, level, index);
        if (bytes === undefined) {
          if (index === 0) return tiles;
          break;
        }
        const width = bytes.length / 32;
        tiles.set(`tile/${level}/${index}${width === 256 ? '' : `.p/${width}`}`, bytes);
      }
    }
  }
}

/** The largest power of two smaller than n, the k of RFC 6962. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** A tile's name as `NaiveTree.tiles` gives it. */
export function shortName({ level, index, width }: { level: number; index: number; width: number }): string {
  return `tile/${level}/${index}${width === 256 ? '' : `.p/${width}`}`;
}

/** Tiles kept by path, as a bucket keeps them. */
export class TileStore {
  readonly objects = new Map<string, Uint8Array>();
  fetched: string[] = [];

  put(tiles: readonly HashTile[]): void {
    for (const tile of tiles) {
      const path = formatPath({ kind: 'tile', level: tile.level, index: tile.index, width: tile.width });
      this.objects.set(path, tile.bytes);
    }
  }

  readonly fetch: FetchTile = ({ level, index, width }) => {
    const path = formatPath({ kind: 'tile', level, index, width });
    const bytes = this.objects.get(path);
    this.fetched.push(path);
    return bytes === undefined ? Promise.reject(new Error(`no ${path}`)) : Promise.resolve(bytes);
  };
}

/** `bytes` with one bit changed. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}

/** Whether `run` throws FormatError or ProofError. Any other error passes through. */
export function refused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof ProofError || error instanceof FormatError) return true;
    throw error;
  }
}

/** Expects a refusal with ProofError. */
export async function expectProofError(promise: Promise<unknown>): Promise<void> {
  await expect(promise).rejects.toBeInstanceOf(ProofError);
}
