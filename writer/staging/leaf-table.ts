/**
 * Which index a leaf hash might have: an open-addressing table in memory, 8 bytes a slot, that holds 32 bits of each
 * hash. It answers "none" for certain, and otherwise with candidates, to be compared with the whole hashes on disk.
 * @module
 */

const EMPTY = 0;
const FIRST_SLOTS = 1 << 12;
const MAX_INDEX = 2 ** 32 - 2;

export class LeafTable {
  #count = 0;
  /** Two words a slot: 32 bits of the hash, and the index + 1 (0: empty). */
  #slots = new Uint32Array(2 * FIRST_SLOTS);

  /**
   * Makes room for `count` leaves, the last of index `last`, so that adding them cannot fail.
   * @throws RangeError beyond index 2^32 - 2.
   */
  reserve(count: number, last: number): void {
    if (last > MAX_INDEX)
      throw new RangeError(`index ${last} is over ${MAX_INDEX}, the most that one log's staging holds`);
    // At most three quarters full, so that runs of occupied slots stay short.
    while ((this.#count + count) * 4 > this.#slots.length * 1.5) this.#grow();
  }

  /** Adds a leaf; one that is there already is added again. Cannot fail where there is room. */
  add(hash: Uint8Array, index: number): void {
    this.reserve(1, index);
    this.#insert(tagOf(hash), index + 1);
    this.#count++;
  }

  /** The indices whose leaf hashes might be this one. */
  candidates(hash: Uint8Array): number[] {
    const tag = tagOf(hash);
    const found: number[] = [];
    for (let at = this.#home(tag); this.#slots[at + 1] !== EMPTY; at = this.#after(at)) {
      if (this.#slots[at] === tag) found.push((this.#slots[at + 1] ?? 0) - 1);
    }
    return found;
  }

  #insert(tag: number, value: number): void {
    let at = this.#home(tag);
    while (this.#slots[at + 1] !== EMPTY) at = this.#after(at);
    this.#slots[at] = tag;
    this.#slots[at + 1] = value;
  }

  /** A leaf's slot follows from its tag alone, so that the table grows without its hashes. */
  #home(tag: number): number {
    return 2 * (tag % (this.#slots.length / 2));
  }

  #after(at: number): number {
    return (at + 2) % this.#slots.length;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      const value = old[at + 1] ?? EMPTY;
      if (value !== EMPTY) this.#insert(old[at] ?? 0, value);
    }
  }
}

/** 32 bits of a hash: it is uniform, so any will do. */
function tagOf(hash: Uint8Array): number {
  return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0);
}
