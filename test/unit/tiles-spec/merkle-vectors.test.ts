import { expect, it } from 'vitest';
import { decodeBase64, sha256, verifyConsistency, verifyInclusion } from '#tiles-spec/index.js';
import { describeWithVectors, listVectors, readVectorJsonExact } from '../../support/vectors.js';
import { refused } from '../../support/trees.js';

interface InclusionCase {
  readonly leafIdx: bigint;
  readonly treeSize: bigint;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface ConsistencyCase {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const LIMIT = 2n ** 53n;

/**
 * A good case whose equal roots are the 12 bytes "don't care 2". Ours refuses what is no hash; with hashes for roots
 * it accepts.
 */
const ROOTS_ARE_NO_HASHES = 'merkle/consistency/additional/sizes-are-equal-one-and-proof-is-empty.json';

describeWithVectors('transparency-dev/merkle', () => {
  it('inclusion: 98 cases, 6 good', () => {
    const cases = listVectors('merkle/inclusion').map((file) => ({
      file,
      ...(readVectorJsonExact(file) as InclusionCase),
    }));
    for (const { file, leafIdx, treeSize, root, leafHash, proof, wantErr } of cases) {
      const refusal = refused(() => {
        verifyInclusion(
          decodeBase64(leafHash),
          Number(leafIdx),
          Number(treeSize),
          (proof ?? []).map((hash) => decodeBase64(hash)),
          decodeBase64(root),
        );
      });
      expect(refusal, file).toBe(wantErr);
    }
    expect(cases.length).toBe(98);
    expect(cases.filter(({ wantErr }) => !wantErr).length).toBe(6);
    // Stele stops at 2^53 - 1, on purpose. That costs nothing here: no good case is over it.
    const over = cases.filter(({ leafIdx, treeSize }) => leafIdx >= LIMIT || treeSize >= LIMIT);
    expect(over.length).toBe(2);
    expect(over.every(({ wantErr }) => wantErr)).toBe(true);
  });

  it('consistency: 98 cases, 6 good', () => {
    const cases = listVectors('merkle/consistency').map((file) => ({
      file,
      ...(readVectorJsonExact(file) as ConsistencyCase),
    }));
    for (const { file, size1, size2, root1, root2, proof, wantErr } of cases) {
      const toHash = (root: string): Uint8Array =>
        file === ROOTS_ARE_NO_HASHES ? sha256(decodeBase64(root)) : decodeBase64(root);
      const refusal = refused(() => {
        verifyConsistency(
          Number(size1),
          toHash(root1),
          Number(size2),
          toHash(root2),
          (proof ?? []).map((hash) => decodeBase64(hash)),
        );
      });
      expect(refusal, file).toBe(wantErr);
      if (size1 === 0n) expect(refusal, file).toBe(true);
    }
    expect(cases.length).toBe(98);
    expect(cases.filter(({ wantErr }) => !wantErr).length).toBe(6);
    const strange = decodeBase64(cases.find(({ file }) => file === ROOTS_ARE_NO_HASHES)?.root1 ?? '');
    expect(
      refused(() => {
        verifyConsistency(1, strange, 1, strange, []);
      }),
    ).toBe(true);
    expect(cases.some(({ size1 }) => size1 === 0n)).toBe(true);
    expect(cases.filter(({ size1, size2 }) => size1 >= LIMIT || size2 >= LIMIT)).toEqual([]);
  });
});
