import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AuthenticatedTiles,
  consistencyProof,
  inclusionProof,
  leafHash,
  RightEdge,
  rootAt,
  verifyConsistency,
  verifyInclusion,
  type Hash,
} from '#tiles-spec/index.js';
import { bodyAt, flipped, NaiveTree, nodeSha, refused, TileStore } from '../../support/trees.js';

const MAX_SIZE = 128;
/** Up to this size a hash is dropped and added at every place of every proof; above, at one place of each. */
const ALL_PLACES = 64;

const naive = NaiveTree.of(MAX_SIZE);
const leaves = Array.from({ length: MAX_SIZE }, (_, i) => leafHash(bodyAt(i)));
const STRANGER = nodeSha(Buffer.from('no node of any tree'));

const join = (hashes: readonly Hash[]): Buffer => Buffer.concat(hashes);

/** Counts the changed proofs that are accepted: with each hash flipped, and with one dropped or added. */
function acceptedChanges(
  size: number,
  salt: number,
  proof: readonly Hash[],
  verify: (proof: readonly Hash[]) => void,
): number {
  let accepted = 0;
  const attempt = (changed: readonly Hash[]): void => {
    if (
      !refused(() => {
        verify(changed);
      })
    )
      accepted++;
  };
  for (const [i, hash] of proof.entries()) {
    attempt(proof.with(i, flipped(hash, (salt + i) % 32, (salt + i) % 8)));
  }
  const places = Array.from({ length: proof.length + 1 }, (_, i) => i);
  for (const i of size <= ALL_PLACES ? places : [salt % places.length]) {
    if (i < proof.length) attempt(proof.toSpliced(i, 1));
    attempt(proof.toSpliced(i, 0, i > 0 && salt % 2 === 0 ? (proof[i - 1] as Hash) : STRANGER));
  }
  return accepted;
}

describe('every tree of 1 to 128 entries', () => {
  const stackTraceLimit = Error.stackTraceLimit;
  // Over a hundred thousand refusals are made below, and nobody looks at where they came from.
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  const trees: { size: number; root: Hash; tiles: AuthenticatedTiles }[] = [];
  const store = new TileStore();
  let edge = RightEdge.empty();
  for (let size = 1; size <= MAX_SIZE; size++) {
    const grown = edge.append(leaves.slice(size - 1, size));
    edge = grown.edge;
    store.put(grown.tiles);
    const root = edge.root();
    trees.push({ size, root, tiles: new AuthenticatedTiles({ size, root }, store.fetch, { sha: nodeSha }) });
  }

  it('leaf hashes and roots are those of RFC 6962', async () => {
    expect(join(leaves).equals(join(naive.leaves))).toBe(true);
    for (const { size, root, tiles } of trees) {
      expect(Buffer.from(naive.mth(0, size)).equals(root), `root of ${size}`).toBe(true);
      expect(Buffer.from(root).equals(await rootAt(tiles, size))).toBe(true);
    }
  });

  it('inclusion of every entry: built, as RFC 6962 has it, verified, and refused when changed', async () => {
    let proofs = 0;
    for (const { size, root, tiles } of trees) {
      for (let index = 0; index < size; index++) {
        const leaf = leaves[index] as Hash;
        const proof = await inclusionProof(tiles, index, size, nodeSha);
        const wanted = naive.path(index, 0, size);
        if (!join(proof).equals(join(wanted))) expect.fail(`inclusion of ${index} in ${size}`);
        const verify = (changed: readonly Hash[]): void => {
          verifyInclusion(leaf, index, size, changed, root, nodeSha);
        };
        verify(proof);
        if (acceptedChanges(size, index, proof, verify) > 0)
          expect.fail(`a changed proof of ${index} in ${size} is accepted`);
        const asOther = (): void => {
          verifyInclusion(leaf, index - 1, size, proof, root, nodeSha);
        };
        if (!refused(asOther)) expect.fail(`the proof of ${index} in ${size} is accepted for another index`);
        proofs++;
      }
      expect(
        refused(() => {
          verifyInclusion(STRANGER, size, size, [], root);
        }),
      ).toBe(true);
      await expect(inclusionProof(tiles, size, size)).rejects.toThrow('is not in a tree');
    }
    expect(proofs).toBe((MAX_SIZE * (MAX_SIZE + 1)) / 2);
  });

  it('consistency with every older tree: built, as RFC 6962 has it, verified, and refused when changed', async () => {
    let proofs = 0;
    for (const { size, root, tiles } of trees) {
      for (let old = 1; old <= size; old++) {
        const oldRoot = trees[old - 1]?.root as Hash;
        const proof = await consistencyProof(tiles, old, size, nodeSha);
        if (!join(proof).equals(join(naive.proof(old, size)))) expect.fail(`consistency ${old} to ${size}`);
        const verify = (changed: readonly Hash[]): void => {
          verifyConsistency(old, oldRoot, size, root, changed, nodeSha);
        };
        verify(proof);
        if (acceptedChanges(size, old, proof, verify) > 0)
          expect.fail(`a changed proof from ${old} to ${size} is accepted`);
        // One root or the other.
        const wrongOld = old % 2 === 0 ? flipped(oldRoot, old % 32) : oldRoot;
        const wrongNew = old % 2 === 0 ? root : flipped(root, old % 32);
        const withWrongRoot = (): void => {
          verifyConsistency(old, wrongOld, size, wrongNew, proof, nodeSha);
        };
        if (!refused(withWrongRoot))
          expect.fail(`the proof from ${old} to ${size} is accepted for another root`);
        proofs++;
      }
      for (const old of [0, size + 1]) {
        expect(
          refused(() => {
            verifyConsistency(old, root, size, root, []);
          }),
        ).toBe(true);
        await expect(consistencyProof(tiles, old, size)).rejects.toThrow('no consistency proof');
      }
    }
    expect(proofs).toBe((MAX_SIZE * (MAX_SIZE + 1)) / 2);
  });
});
