/**
 * The time at which entries are sequenced. It never goes back.
 * @module
 */

/** How far the machine's clock may be behind the last entry, in milliseconds, before entries are refused. */
const TOLERANCE = 5_000;

export class Clock {
  readonly #now: () => number;
  #last: number;

  /** @param last when the last entry was sequenced. Both in Unix milliseconds. */
  constructor(last: number, now: () => number = Date.now) {
    this.#last = last;
    this.#now = now;
  }

  /** The time of the next batch. */
  next(): number {
    this.#last = Math.max(this.#last, this.#now());
    return this.#last;
  }

  /** What is wrong with the machine's clock, if anything. */
  fault(): string | undefined {
    const behind = this.#last - this.#now();
    return behind > TOLERANCE
      ? `the clock is ${Math.ceil(behind / 1000)} s behind the last entry`
      : undefined;
  }
}
