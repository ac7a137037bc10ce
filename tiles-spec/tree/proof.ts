/**
 * Inclusion and consistency proofs (RFC 6962 section 2.1, RFC 9162 section 2.1): built from the hashes of subtrees,
 * and verified against a root.
 * @module
 */
import { equalBytes } from '../bytes.js';
import { requireExact } from '../decimal.js';
import { FormatError, ProofError } from '../errors.js';
import {
  consistencyRanges,
  emptyRoot,
  foldSubtrees,
  HASH_LENGTH,
  inclusionRanges,
  nodeHash,
  sha256,
  subtreesOf,
  type EntryRange,
  type Hash,
  type Sha256,
  type Subtree,
} from './merkle.js';

/** The source of a proof's hashes. */
export interface HashReader {
  /** The hashes of the subtrees, in the same order, each authenticated already. */
  hashes(subtrees: readonly Subtree[]): Promise<Hash[]>;
}

/**
 * The inclusion proof of entry `index` in the tree of `size` entries, from the leaf's sibling up: at most 53 hashes.
 * Costs one call of `reader`, for at most 53 subtrees.
 * @throws FormatError unless 0 <= index < size; what `reader` throws.
 */
export async function inclusionProof(
  reader: HashReader,
  index: number,
  size: number,
  sha: Sha256 = sha256,
): Promise<Hash[]> {
  return hashRanges(reader, inclusionRanges(index, size), sha);
}

/**
 * The consistency proof from the tree of `oldSize` entries to the tree of `size`. Costs one call of `reader`.
 * @throws FormatError unless 1 <= oldSize <= size; what `reader` throws.
 */
export async function consistencyProof(
  reader: HashReader,
  oldSize: number,
  size: number,
  sha: Sha256 = sha256,
): Promise<Hash[]> {
  return hashRanges(reader, consistencyRanges(oldSize, size), sha);
}

/** The inclusion proof of entry `index`, as `inclusionProof`, from hashes that are all in memory. */
export function inclusionProofFrom(
  hashOf: (subtree: Subtree) => Hash,
  index: number,
  size: number,
  sha: Sha256 = sha256,
): Hash[] {
  return inclusionRanges(index, size).map((range) => foldSubtrees(subtreesOf(range).map(hashOf), sha));
}

/** The root of the tree of the first `size` entries. Costs one call of `reader`. @throws what `reader` throws. */
export async function rootAt(reader: HashReader, size: number, sha: Sha256 = sha256): Promise<Hash> {
  requireExact(size, 'tree size');
  if (size === 0) return emptyRoot(sha);
  return foldSubtrees(await reader.hashes(subtreesOf({ start: 0, end: size })), sha);
}

/** The hash of each range, by one call of the reader for all. */
async function hashRanges(reader: HashReader, ranges: readonly EntryRange[], sha: Sha256): Promise<Hash[]> {
  const parts = ranges.map(subtreesOf);
  const hashes = await reader.hashes(parts.flat());
  let at = 0;
  return parts.map((part) => foldSubtrees(hashes.slice(at, (at += part.length)), sha));
}

/**
 * The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).
 * @throws ProofError when the proof has the wrong length for `index` and `size`, or `index` is not in the tree;
 *   FormatError when a number is out of range or a hash has not 32 bytes.
 */
export function rootFromInclusion(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  sha: Sha256 = sha256,
): Hash {
  requireExact(index, 'index');
  requireExact(size, 'tree size');
  if (index >= size) throw new ProofError(`index ${index} is not in a tree of ${size}`);
  requireHashes([leaf, ...proof]);
  const sides = siblingSides(index, size - 1);
  requireLength(proof, sides.length, `inclusion proof of entry ${index} in a tree of ${size}`);
  let hash = leaf;
  for (const [i, sibling] of proof.entries()) {
    hash = sides[i] === 'left' ? nodeHash(sibling, hash, sha) : nodeHash(hash, sibling, sha);
  }
  return hash;
}

/**
 * Checks that the entry with this leaf hash is at `index` in the tree with this size and root.
 * @param proof from the leaf's sibling up.
 * @throws ProofError when the proof does not hold; FormatError when a number is out of range or a hash has not 32
 *   bytes.
 */
export function verifyInclusion(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
  sha: Sha256 = sha256,
): void {
  if (!equalBytes(rootFromInclusion(leaf, index, size, proof, sha), root)) {
    throw new ProofError(
      `inclusion proof of entry ${index} does not lead to the root of the tree of ${size}`,
    );
  }
}

/**
 * Checks that the tree of `size` entries begins with the tree of `oldSize` (RFC 9162 section 2.1.4.2).
 * @param oldSize from 1 to `size`. Every tree begins with the empty one, so that there is nothing to check for 0.
 * @throws ProofError when the proof does not hold; FormatError when a number is out of range or a hash has not 32
 *   bytes.
 */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Hash,
  size: number,
  root: Hash,
  proof: readonly Hash[],
  sha: Sha256 = sha256,
): void {
  requireExact(oldSize, 'old tree size');
  requireExact(size, 'tree size');
  if (oldSize < 1 || oldSize > size)
    throw new ProofError(`a tree of ${size} does not extend one of ${oldSize}`);
  requireHashes([oldRoot, root, ...proof]);
  const between = `consistency proof from ${oldSize} to ${size}`;
  if (oldSize === size) {
    if (proof.length > 0) throw new ProofError(`${between} is not empty`);
    if (!equalBytes(oldRoot, root)) throw new ProofError(`two trees of ${size} have different roots`);
    return;
  }
  // The proof begins at the last complete subtree of the old tree: the hash of that subtree leads to both roots.
  let node = oldSize - 1;
  let last = size - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  // Where that subtree is the whole old tree, the proof omits its hash, which is the old root.
  const [first, ...siblings] = node === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) throw new ProofError(`${between} is empty`);
  const sides = siblingSides(node, last);
  requireLength(siblings, sides.length, between);
  let oldHash = first;
  let hash = first;
  for (const [i, sibling] of siblings.entries()) {
    if (sides[i] === 'left') {
      oldHash = nodeHash(sibling, oldHash, sha);
      hash = nodeHash(sibling, hash, sha);
    } else {
      // What stands to the right was appended later: the old tree does not have it.
      hash = nodeHash(hash, sibling, sha);
    }
  }
  if (!equalBytes(oldHash, oldRoot)) throw new ProofError(`${between} does not lead to the old root`);
  if (!equalBytes(hash, root)) throw new ProofError(`${between} does not lead to the new root`);
}

/**
 * On which side of a node its sibling stands, for the node and then for each of its ancestors up to the root's child. An
 * ancestor without a sibling is left out: it is the last node of its level, and its hash is that of its parent.
 * @param node the node's index in its level, from 0.
 * @param last the index of the last node of that level.
 */
function siblingSides(node: number, last: number): ('left' | 'right')[] {
  const sides: ('left' | 'right')[] = [];
  for (let [index, lastIndex] = [node, last]; lastIndex > 0;) {
    if (index % 2 === 1) sides.push('left');
    else if (index < lastIndex) sides.push('right');
    index = Math.floor(index / 2);
    lastIndex = Math.floor(lastIndex / 2);
  }
  return sides;
}

/** @throws ProofError, in which `what` names the proof, unless it has this many hashes. */
function requireLength(proof: readonly Hash[], length: number, what: string): void {
  if (proof.length === length) return;
  throw new ProofError(`${what} is too ${proof.length < length ? 'short' : 'long'}`);
}

function requireHashes(hashes: readonly Hash[]): void {
  for (const hash of hashes) {
    if (hash.length !== HASH_LENGTH)
      throw new FormatError(`a hash has ${hash.length} bytes, not ${HASH_LENGTH}`);
  }
}
