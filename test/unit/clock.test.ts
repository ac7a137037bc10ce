import { describe, expect, it } from 'vitest';
import { Clock, MAX_STEP, type ClockMemory, type ClockOptions } from '#writer/clock.js';

const START = Date.UTC(2026, 10, 30);
const DAY = 86_400_000;

/** A machine whose clock can be set, and whose time the test lets pass. */
class Machine {
  shown = START;
  steady = 0;
  readonly memories: ClockMemory[] = [];
  readonly faults: (string | undefined)[] = [];

  pass(milliseconds: number): void {
    this.shown += milliseconds;
    this.steady += milliseconds;
  }

  clock(options: Partial<ClockOptions> = {}): Clock {
    return new Clock({
      last: 0,
      now: () => this.shown,
      steady: () => this.steady,
      onChange: (memory) => this.memories.push(memory),
      onFault: (fault) => this.faults.push(fault),
      ...options,
    });
  }
}

describe('time in the log', () => {
  it('never goes back, and follows the clock otherwise', () => {
    const machine = new Machine();
    const clock = machine.clock({ last: START + 1_000 });
    expect(clock.fault()).toBeUndefined();
    expect(clock.next()).toBe(START + 1_000);
    machine.pass(5_000);
    expect(clock.next()).toBe(START + 5_000);
    machine.shown -= 4_000;
    expect(clock.fault()).toBeUndefined();
    expect(clock.next()).toBe(START + 5_000);
  });
});

describe('a clock that jumps', () => {
  it.each([
    ['forward by 400 days', 400 * DAY],
    ['back by an hour', -3_600_000],
    ['forward by a little over ten minutes', MAX_STEP + 1],
  ])('%s is a fault until it is set right', (_, jump) => {
    const machine = new Machine();
    const clock = machine.clock();
    expect(clock.fault()).toBeUndefined();
    machine.pass(DAY);
    machine.shown += jump;
    expect(clock.fault()).toContain(
      `jumped to ${new Date(START + DAY + jump).toISOString()}, where ${new Date(START + DAY).toISOString()} was expected`,
    );
    expect(clock.fault()).toContain('--accept-clock');
    machine.pass(DAY);
    expect(clock.fault()).toBeDefined();
    machine.shown -= jump;
    expect(clock.fault()).toBeUndefined();
    expect(machine.memories.map(({ step }) => step !== undefined)).toEqual([true, false]);
    expect(machine.faults.map((fault) => fault !== undefined)).toEqual([true, false]);
  });

  it('by ten minutes is none', () => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.shown += MAX_STEP;
    expect(clock.fault()).toBeUndefined();
    machine.shown -= MAX_STEP;
    expect(clock.fault()).toBeUndefined();
  });

  it('is told from a machine that slept', () => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.pass(30 * DAY);
    expect(clock.fault()).toBeUndefined();
  });

  it('stays a fault in the next process, until the clock is set right or accepted', () => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.shown += 400 * DAY;
    clock.fault();
    const [earlier] = machine.memories;
    machine.pass(1_000);
    expect(machine.clock({ earlier }).fault()).toContain('was expected');
    const accepting = machine.clock({ earlier, accept: true });
    expect(accepting.fault()).toBeUndefined();
    expect(machine.memories.at(-1)).toEqual({});
    const waiting = machine.clock({ earlier });
    expect(waiting.fault()).toBeDefined();
    machine.shown -= 400 * DAY;
    expect(waiting.fault()).toBeUndefined();
    // From here on, jumps of the clock are measured again.
    machine.shown += DAY;
    expect(waiting.fault()).toBeDefined();
  });

  it('that was accepted may jump again, which is a fault again', () => {
    const machine = new Machine();
    const clock = machine.clock({ accept: true });
    expect(clock.fault()).toBeUndefined();
    machine.shown += DAY;
    expect(clock.fault()).toBeDefined();
  });
});

describe('a log that is ahead of the clock', () => {
  it('takes nothing until its operator says that the clock is right, and goes on with its last time then', () => {
    const machine = new Machine();
    const last = START + 400 * DAY;
    expect(machine.clock({ last }).fault()).toContain(
      `the log's last entry is of ${new Date(last).toISOString()}`,
    );
    const clock = machine.clock({ last, accept: true });
    expect(clock.fault()).toBeUndefined();
    expect(clock.next()).toBe(last);
    machine.pass(1_000);
    expect(clock.next()).toBe(last);
  });

  it('goes on in the next process too, once it was accepted, until another entry is ahead', () => {
    const machine = new Machine();
    const last = START + 400 * DAY;
    machine.clock({ last, accept: true });
    const earlier = machine.memories.at(-1);
    expect(earlier).toEqual({ accepted: last });
    machine.pass(DAY);
    expect(machine.clock({ last, earlier }).fault()).toBeUndefined();
    expect(machine.clock({ last: last + 1, earlier }).fault()).toBeDefined();
    // Once the clock has caught up, the next process needs to know nothing.
    machine.pass(400 * DAY);
    machine.clock({ last, earlier, accept: true });
    expect(machine.memories).toHaveLength(1);
  });

  it('by up to ten minutes goes on by itself', () => {
    const clock = new Machine().clock({ last: START + MAX_STEP });
    expect(clock.fault()).toBeUndefined();
    expect(clock.next()).toBe(START + MAX_STEP);
  });
});

describe("a store's server that tells the time", () => {
  it('is believed against the machine, at a start too', () => {
    const machine = new Machine();
    machine.shown += DAY;
    let reference: number | undefined = START;
    const clock = machine.clock({ reference: () => reference });
    expect(clock.fault()).toContain(`where ${new Date(START).toISOString()} was expected`);
    reference = machine.shown - 1_000;
    expect(clock.fault()).toBeUndefined();
  });

  it('ends a fault when it agrees', () => {
    const machine = new Machine();
    let reference: number | undefined;
    const clock = machine.clock({ reference: () => reference });
    machine.shown += DAY;
    expect(clock.fault()).toBeDefined();
    reference = machine.shown;
    expect(clock.fault()).toBeUndefined();
    reference = undefined;
    expect(clock.fault()).toBeUndefined();
  });

  it('is not believed where the operator says that the machine is right', () => {
    const machine = new Machine();
    expect(machine.clock({ reference: () => START - DAY, accept: true }).fault()).toBeUndefined();
  });
});
