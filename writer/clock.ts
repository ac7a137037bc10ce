/**
 * The time at which entries are sequenced. It never goes back, and is never taken from a clock that has jumped: since
 * the time never goes back, a single entry with a time in the future would hold the whole log at that time.
 * @module
 */
import { uptime } from 'node:os';

/** How far the clock may be from the expected time, in milliseconds. Beyond that nothing is sequenced by it. */
export const MAX_STEP = 10 * 60_000;

/** How long the last look at the clock counts as recent, in milliseconds. */
const RECENT = 50;

/** A jump of the clock: the time that it showed, and the time that was expected, both Unix milliseconds. */
export interface ClockStep {
  readonly shown: number;
  readonly expected: number;
}

/** What one process tells the next about the clock. */
export interface ClockMemory {
  /** A jump that no operator has accepted, and that the clock still shows. */
  readonly step?: ClockStep | undefined;
  /**
   * The time of the log's last entry when an operator accepted a clock that was behind it, Unix milliseconds; absent
   * once the clock has caught up.
   */
  readonly accepted?: number | undefined;
}

export interface ClockOptions {
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly last: number;
  /** The machine's clock, Unix milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds since a fixed moment, counting on while the machine is suspended. Default: from `os.uptime`. */
  readonly steady?: (() => number) | undefined;
  /** The time by a clock outside this machine, such as a bucket's server, Unix milliseconds; undefined if unknown. */
  readonly reference?: (() => number | undefined) | undefined;
  /** Whether the operator says that the machine's clock is right. */
  readonly accept?: boolean | undefined;
  /** The memory that an earlier process passed to `onChange` last. */
  readonly earlier?: ClockMemory | undefined;
  /** Called with the memory for the next process whenever it changes. */
  readonly onChange?: ((memory: ClockMemory) => void) | undefined;
  /** Called with a fault when it is first seen, and with undefined when it is over. */
  readonly onFault?: ((fault: string | undefined) => void) | undefined;
}

export class Clock {
  readonly #now: () => number;
  readonly #steady: () => number;
  readonly #reference: () => number | undefined;
  readonly #accept: boolean;
  readonly #onChange: (memory: ClockMemory) => void;
  readonly #onFault: (fault: string | undefined) => void;
  /**
   * The time up to which the operator lets the log be ahead of the clock, Unix milliseconds; 0 for none. Kept over
   * restarts until the clock has caught up with the log.
   */
  readonly #accepted: number;
  /** The result of the last look at the clock, and when that was, by `performance.now()`. */
  #known: { readonly at: number; readonly fault: string | undefined } = { at: -Infinity, fault: undefined };
  /** The time of the last entry, Unix milliseconds. */
  #last: number;
  /** The moment at which the clock was last found right, by the clock and by the steady time. */
  #anchor: { readonly now: number; readonly steady: number };
  /** The jump that the clock shows, seen by this process or an earlier one. */
  #step: ClockStep | undefined;
  /** Whether an earlier process saw that jump. This one has then never seen the clock right, and has no true anchor. */
  #isEarlier: boolean;

  constructor(options: ClockOptions) {
    this.#now = options.now ?? Date.now;
    this.#steady = options.steady ?? (() => uptime() * 1000);
    this.#reference = options.reference ?? (() => undefined);
    this.#accept = options.accept ?? false;
    this.#onChange = options.onChange ?? (() => undefined);
    this.#onFault = options.onFault ?? (() => undefined);
    this.#last = options.last;
    this.#anchor = { now: this.#now(), steady: this.#steady() };
    this.#step = options.earlier?.step;
    this.#isEarlier = this.#step !== undefined;
    this.#accepted = this.#accept ? this.#last : (options.earlier?.accepted ?? 0);
    if (this.#accept && this.#isAhead(this.#anchor.now)) this.#change(this.#step);
  }

  /**
   * The time of the next batch, Unix milliseconds: the clock's, or the last entry's where that is later. Call it only
   * while there is no fault.
   */
  next(): number {
    this.#last = Math.max(this.#last, this.#now());
    return this.#last;
  }

  /** The fault of the machine's clock and what an operator can do; undefined where there is none. Costs about 10 us. */
  fault(): string | undefined {
    const fault = this.#look();
    if ((fault === undefined) !== (this.#known.fault === undefined)) this.#onFault(fault);
    this.#known = { at: performance.now(), fault };
    return fault;
  }

  #look(): string | undefined {
    const now = this.#now();
    const step = this.#stepAt(now);
    if ((step === undefined) !== (this.#step === undefined)) this.#change(step);
    this.#step = step;
    if (step !== undefined) {
      return `this machine's clock has jumped to ${iso(step.shown)}, where ${iso(step.expected)} was expected: nothing is sequenced by it. Set the clock right; if it is right now, restart with --accept-clock`;
    }
    this.#right(now);
    if (this.#last <= this.#accepted || !this.#isAhead(now)) return undefined;
    return `the log's last entry is of ${iso(this.#last)}, and this machine's clock shows ${iso(now)}: it is behind, or an earlier one was ahead. Set the clock right; if it is right, restart with --accept-clock, and the log goes on with its last time`;
  }

  /** As `fault`, at most 50 ms old: cheap enough to be asked for each submission. */
  recentFault(): string | undefined {
    return performance.now() - this.#known.at > RECENT ? this.fault() : this.#known.fault;
  }

  /** Whether the log's last entry has a time more than `MAX_STEP` after `now`. */
  #isAhead(now: number): boolean {
    return this.#last - now > MAX_STEP;
  }

  #change(step: ClockStep | undefined): void {
    this.#onChange({ step, accepted: this.#isAhead(this.#now()) ? this.#accepted : undefined });
  }

  /** The jump that the clock shows at `now`; undefined where it shows none. */
  #stepAt(now: number): ClockStep | undefined {
    if (this.#isEarlier && this.#accept) this.#right(now);
    const reference = this.#accept ? undefined : this.#reference();
    if (reference !== undefined)
      return isFar(now, reference) ? { shown: now, expected: reference } : undefined;
    if (this.#isEarlier && this.#step !== undefined) {
      if (stillShows(now, this.#step)) return this.#step;
      this.#right(now);
    }
    const expected = this.#anchor.now + this.#steady() - this.#anchor.steady;
    return isFar(now, expected) ? { shown: now, expected } : undefined;
  }

  /** Takes the clock for right: later jumps are measured from this moment. */
  #right(now: number): void {
    this.#isEarlier = false;
    this.#anchor = { now, steady: this.#steady() };
  }
}

/**
 * Whether a clock that showed a jump still shows it, an unknown time later. A clock that was ahead does until it is set
 * back, and a clock that was behind until it is set forward.
 */
function stillShows(now: number, { shown, expected }: ClockStep): boolean {
  return shown > expected ? now > shown - MAX_STEP : now < expected - MAX_STEP;
}

function isFar(now: number, expected: number): boolean {
  return Math.abs(now - expected) > MAX_STEP;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
