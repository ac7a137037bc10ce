/**
 * The Merkle tree of RFC 6962: hashes, and the tree cut into perfect subtrees.
 *
 * The subtree `{ level, index }` is the perfect one over the 2^level entries from `index * 2^level` on. Each range of
 * entries that a root or a proof needs is a list of at most 53 subtrees, left to right, each of a lower level than the
 * one before.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';

/** 32 bytes: the SHA-256 of a leaf or of a node. */
export type Hash = Uint8Array;

/** SHA-256. It must not keep `data`: the caller writes over it for the next hash. Noble's is the default everywhere. */
export type Sha256 = (data: Uint8Array) => Hash;

export { sha256 };

/** Bytes in a hash. */
export const HASH_LENGTH = 32;

/**
 * A perfect subtree: entries [index * 2^level, (index + 1) * 2^level). `level` is 0 to 52; a tile level spans eight.
 * Neither number says that a tree has the subtree.
 */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** Entries [start, end), not empty, that are the leaves below one node of some tree. */
export interface EntryRange {
  readonly start: number;
  readonly end: number;
}

/** SHA-256(0x00 || body), RFC 6962 section 2.1. Costs a copy of the body beside the hash. */
export function leafHash(body: Uint8Array, sha: Sha256 = sha256): Hash {
  const data = new Uint8Array(body.length + 1);
  data.set(body, 1);
  return sha(data);
}

// One buffer serves every node: hashing is synchronous, and `Sha256` does not keep its argument.
const nodeData = new Uint8Array(1 + 2 * HASH_LENGTH);
nodeData[0] = 1;

/**
 * SHA-256(0x01 || left || right), RFC 6962 section 2.1.
 * @param left 32 bytes, as `right`. Neither length is checked.
 * @example
 * const [left, right] = ['a', 'b'].map((text) => leafHash(new TextEncoder().encode(text)));
 * encodeHex(nodeHash(left, right)).slice(0, 8); // => 'b137985f'
 */
export function nodeHash(left: Hash, right: Hash, sha: Sha256 = sha256): Hash {
  nodeData.set(left, 1);
  nodeData.set(right, 1 + HASH_LENGTH);
  return sha(nodeData);
}

/**
 * The root of the tree without entries: the SHA-256 of no bytes.
 * @example
 * encodeBase64(emptyRoot()); // => '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
 */
export function emptyRoot(sha: Sha256 = sha256): Hash {
  return sha(new Uint8Array(0));
}

/** The largest power of two less than `n`, which is from 2 to 2^53 - 1. `Math.log2` would round near powers of two. */
export function largestPowerOfTwoBelow(n: number): number {
  return 2 ** (bitLength(n - 1) - 1);
}

function bitLength(n: number): number {
  const high = Math.floor(n / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(n);
}

/**
 * The subtrees that make up a range, left to right; at most 53. The range must lie below one node of some tree: its
 * start is a multiple of the smallest power of two that is not less than its length.
 */
export function subtreesOf({ start, end }: EntryRange): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end;) {
    const level = bitLength(end - at) - 1;
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/**
 * The hash of a range of entries from the hashes of its subtrees, left to right.
 * @throws FormatError where there is none.
 */
export function foldSubtrees(hashes: readonly Hash[], sha: Sha256 = sha256): Hash {
  let folded = hashes.at(-1);
  if (folded === undefined) throw new FormatError('no subtree to hash');
  for (let i = hashes.length - 2; i >= 0; i--) folded = nodeHash(hashes[i] as Hash, folded, sha);
  return folded;
}

/**
 * The nodes of the inclusion proof of entry `index` in a tree of `size` entries, from the leaf's sibling to the root's
 * child.
 * @throws FormatError unless 0 <= index < size <= 2^53 - 1.
 */
export function inclusionRanges(index: number, size: number): EntryRange[] {
  requireExact(size, 'tree size');
  requireExact(index, 'index');
  if (index >= size) throw new FormatError(`index ${index} is not in a tree of ${size}`);
  const ranges: EntryRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + largestPowerOfTwoBelow(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * The nodes of the consistency proof between trees of `oldSize` and `size` entries, RFC 6962 section 2.1.2. Empty where
 * the sizes are equal. The empty tree is consistent with every other, and there is no proof of it.
 * @throws FormatError unless 1 <= oldSize <= size <= 2^53 - 1.
 */
export function consistencyRanges(oldSize: number, size: number): EntryRange[] {
  requireExact(size, 'tree size');
  requireExact(oldSize, 'old tree size');
  if (oldSize < 1 || oldSize > size)
    throw new FormatError(`no consistency proof from a tree of ${oldSize} to one of ${size}`);
  const ranges: EntryRange[] = [];
  let start = 0;
  let end = size;
  while (end !== oldSize) {
    const middle = start + largestPowerOfTwoBelow(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // If the old tree is itself a node of the new one, the verifier already has its hash, and the proof omits it.
  // Otherwise the proof has the old tree's last, smaller subtree.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}
