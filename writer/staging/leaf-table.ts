/**
 * Finds the index that a leaf hash might have, in hash tables in memory with open addressing. A slot has 8 bytes, and
 * holds 32 bits of a leaf hash. "None" is a certain answer; a candidate must be compared with the whole hash on disk.
 * @module
 */

const EMPTY = 0;
const MAX_INDEX = 2 ** 32 - 2;

/**
 * Number of tables, each of which grows by itself. A growth moves about a thousandth of the leaves; a single table
 * would stop the log for as long as it takes to move them all. A power of two, at most 2^16.
 */
const SHARDS = 1024;
const FIRST_SLOTS = 8;

/**
 * Factor by which a full shard grows. A larger one would leave so many slots empty that an entry took over 24 bytes.
 */
const GROWTH = 1.5;

/** Largest part of a shard's slots that may be in use: up to here, runs of occupied slots stay short. */
const LOAD = 0.75;

export class LeafTable {
  /** Each shard has two words a slot: 32 bits of the hash, and the index + 1, or 0 in an empty slot. */
  readonly #shards: Uint32Array[] = Array.from({ length: SHARDS }, () => new Uint32Array(2 * FIRST_SLOTS));
  readonly #counts = new Uint32Array(SHARDS);

  /** Bytes that the slots take: 64 KiB at first, and 11 to 16 bytes a leaf when the table has grown. */
  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  /** @throws RangeError where `last` is beyond the last index that the table holds, 2^32 - 2. */
  static requireIndex(last: number): void {
    if (last > MAX_INDEX)
      throw new RangeError(`index ${last} is over ${MAX_INDEX}, the most that one log's staging holds`);
  }

  /**
   * Adds a leaf. Adding the same leaf at the same index again has no effect; at another index it becomes a second
   * candidate. Costs well under a microsecond, and a move of the shard's leaves where the shard grows.
   * @throws RangeError for an index over 2^32 - 2.
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

  /** The indices that might have this leaf hash. An index of another leaf is among them with probability 2^-42. */
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

/** Puts a leaf into the first free slot from its home on. Returns false where it is there already. */
function insert(slots: Uint32Array, tag: number, value: number): boolean {
  let at = home(slots, tag);
  for (; slots[at + 1] !== EMPTY; at = after(slots, at)) {
    if (slots[at] === tag && slots[at + 1] === value) return false;
  }
  slots[at] = tag;
  slots[at + 1] = value;
  return true;
}

/** The slot where a leaf is looked for first. It depends on the tag alone, so a shard can grow without the hashes. */
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

/** The 32 bits of a hash that a slot holds. They must not overlap the bits that choose the shard. */
function tagOf(hash: Uint8Array): number {
  return ((hash[0] ?? 0) * 2 ** 24 + ((hash[1] ?? 0) << 16) + ((hash[2] ?? 0) << 8) + (hash[3] ?? 0)) >>> 0;
}

function shardOf(hash: Uint8Array): number {
  return (((hash[4] ?? 0) << 8) | (hash[5] ?? 0)) & (SHARDS - 1);
}
