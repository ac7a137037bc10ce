/**
 * The time at which entries are sequenced. It never goes back, and is not taken from a clock that has jumped: one entry
 * of a wrong clock would hold the log at that time for good.
 * @module
 */
import { uptime } from 'node:os';

/** How far the clock may be from where it should be, in milliseconds, before nothing is sequenced by it. */
export const MAX_STEP = 10 * 60_000;

/** How old an answer may be that costs nothing, in milliseconds. */
const RECENT = 50;

/** A jump of the clock: what it showed, and what was expected. Unix milliseconds. */
export interface ClockStep {
  readonly shown: number;
  readonly expected: number;
}

/** What outlives a process. */
export interface ClockMemory {
  /** A jump that nobody has accepted, and that the clock shows still. */
  readonly step?: ClockStep | undefined;
  /** The time of the log's last entry, where it was ahead of a clock that an operator has accepted. */
  readonly accepted?: number | undefined;
}

export interface ClockOptions {
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly last: number;
  /** The machine's clock, Unix milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds since some moment, the time of a suspended machine included. Default: by `os.uptime`. */
  readonly steady?: (() => number) | undefined;
  /** The time by a clock outside this machine, as a store's server tells it; undefined where none does. */
  readonly reference?: (() => number | undefined) | undefined;
  /** The operator says that the machine's clock is right. */
  readonly accept?: boolean | undefined;
  /** What an earlier process has left. */
  readonly earlier?: ClockMemory | undefined;
  /** Given what the next process has to know, whenever that changes. */
  readonly onChange?: ((memory: ClockMemory) => void) | undefined;
  /** Told of a fault when it is first seen, and of nothing when it is over. */
  readonly onFault?: ((fault: string | undefined) => void) | undefined;
}

export class Clock {
  readonly #now: () => number;
  readonly #steady: () => number;
  readonly #reference: () => number | undefined;
  readonly #accept: boolean;
  readonly #onChange: (memory: ClockMemory) => void;
  readonly #onFault: (fault: string | undefined) => void;
  /** The operator's word is kept until the clock has caught up with the log, over restarts. */
  readonly #accepted: number;
  /** The newest fault, if there was one, and when it was looked for. */
  #known: { readonly at: number; readonly fault: string | undefined } = { at: -Infinity, fault: undefined };
  #last: number;
  /** When the clock was last found right, by both. */
  #anchor: { readonly now: number; readonly steady: number };
  /** The jump that was met last, by this process or an earlier one, while the clock still shows it. */
  #step: ClockStep | undefined;
  /** Whether an earlier process has met it, so that this one has never seen the clock right. */
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

  /** The time of the next batch: the clock's, or the last entry's where that is later. Only where there is no fault. */
  next(): number {
    this.#last = Math.max(this.#last, this.#now());
    return this.#last;
  }

  /** What is wrong with the machine's clock, if anything, and what an operator can do. */
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

  /** What was wrong within the last 50 ms: for each submission, where asking the system anew would cost 10 us. */
  recentFault(): string | undefined {
    return performance.now() - this.#known.at > RECENT ? this.fault() : this.#known.fault;
  }

  /** Whether the log's last entry is of a time that the clock has not reached. */
  #isAhead(now: number): boolean {
    return this.#last - now > MAX_STEP;
  }

  #change(step: ClockStep | undefined): void {
    this.#onChange({ step, accepted: this.#isAhead(this.#now()) ? this.#accepted : undefined });
  }

  /** The jump that the clock shows, if it shows one. */
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

  /** The clock is right now: jumps are measured from here. */
  #right(now: number): void {
    this.#isEarlier = false;
    this.#anchor = { now, steady: this.#steady() };
  }
}

/**
 * Whether a clock that showed a jump shows it still, after an unknown time: one that was ahead has not been set back,
 * or one that was behind has not been set forward.
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
