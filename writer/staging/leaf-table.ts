/**
 * Which index a leaf hash might have: open-addressing tables in memory, 8 bytes a slot, that hold 32 bits of each hash.
 * They answer "none" for certain, and otherwise with candidates, to be compared with the whole hashes on disk.
 * @module
 */

const EMPTY = 0;
const MAX_INDEX = 2 ** 32 - 2;

/**
 * Tables that grow each by itself, so that no one growth moves more than a thousandth of the leaves: one table of all
 * would hold the log up for as long as it takes to move every leaf. A power of two, at most 2^16.
 */
const SHARDS = 1024;
const FIRST_SLOTS = 8;

/** By how much a full shard grows: a larger step would leave more slots empty than 24 bytes an entry allow. */
const GROWTH = 1.5;

/** Runs of occupied slots stay short while at most three quarters of a shard are in use. */
const LOAD = 0.75;

export class LeafTable {
  /** Of each shard two words a slot: 32 bits of the hash, and the index + 1 (0: empty). */
  readonly #shards: Uint32Array[] = Array.from({ length: SHARDS }, () => new Uint32Array(2 * FIRST_SLOTS));
  readonly #counts = new Uint32Array(SHARDS);

  /** Bytes that the slots take: 64 KiB, and 8 / 0.75 to 16 bytes a leaf. */
  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  /** @throws RangeError where `last` is beyond the last index that the table holds, 2^32 - 2. */
  static requireIndex(last: number): void {
    if (last > MAX_INDEX)
      throw new RangeError(`index ${last} is over ${MAX_INDEX}, the most that one log's staging holds`);
  }

  /**
   * Adds a leaf. The same leaf at the same index is there once, however often it is added; at another index it is there
   * twice. Costs well under a microsecond, and where its shard grows one move of that shard's leaves.
   * @throws RangeError beyond index 2^32 - 2.
   */
  add(hash: Uint8Array, index: number): void {
    LeafTable.requireIndex(index);
    const shard = shardOf(hash);
    let slots = this.#slotsOf(shard);
    const count = this.#counts[shard] ?? 0;
    if ((count + 1) * 2 > slots.length * LOAD) {
      slots = grown(slots);
      this.#shards[shard] = slots;
    }
    if (insert(slots, tagOf(hash), index + 1)) this.#counts[shard] = count + 1;
  }

  /** The indices whose leaf hashes might be this one. Another leaf is among them once in 2^42. */
  candidates(hash: Uint8Array): number[] {
    const slots = this.#slotsOf(shardOf(hash));
    const tag = tagOf(hash);
    const found: number[] = [];
    for (let at = home(slots, tag); slots[at + 1] !== EMPTY; at = after(slots, at)) {
      if (slots[at] === tag) found.push((slots[at + 1] ?? 0) - 1);
    }
    return found;
  }

  #slotsOf(shard: number): Uint32Array {
    return this.#shards[shard] as Uint32Array;
  }
}

/** Puts a leaf into its slot. False where it is there already. */
function insert(slots: Uint32Array, tag: number, value: number): boolean {
  let at = home(slots, tag);
  for (; slots[at + 1] !== EMPTY; at = after(slots, at)) {
    if (slots[at] === tag && slots[at + 1] === value) return false;
  }
  slots[at] = tag;
  slots[at + 1] = value;
  return true;
}

/** A leaf's slot follows from its tag alone, so that a shard grows without the hashes. */
function home(slots: Uint32Array, tag: number): number {
  return 2 * Math.floor((tag / 2 ** 32) * (slots.length / 2));
}

function after(slots: Uint32Array, at: number): number {
  return at + 2 === slots.length ? 0 : at + 2;
}

function grown(slots: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * Math.ceil((slots.length / 2) * GROWTH));
  for (let at = 0; at < slots.length; at += 2) {
    const value = slots[at + 1] ?? EMPTY;
    if (value !== EMPTY) insert(larger, slots[at] ?? 0, value);
  }
  return larger;
}

/** 32 bits of a hash: it is uniform, so any will do but those that choose the shard. */
function tagOf(hash: Uint8Array): number {
  return ((hash[0] ?? 0) * 2 ** 24 + ((hash[1] ?? 0) << 16) + ((hash[2] ?? 0) << 8) + (hash[3] ?? 0)) >>> 0;
}

function shardOf(hash: Uint8Array): number {
  return (((hash[4] ?? 0) << 8) | (hash[5] ?? 0)) & (SHARDS - 1);
}
