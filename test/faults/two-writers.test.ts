/**
 * Two writers with one key on one store, each with its own staging. At each size at most one batch is published, the
 * other writer stops, and the log always goes on.
 */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClaimLostError, DamagedStoreError, StartRefusedError } from '#src/errors.js';
import type { MemoryStaging } from '../support/memory-staging.js';
import { Gate } from '../support/gate.js';
import { entries, TestLog, type Opened } from '../support/test-log.js';
import { faultAt, type Call, type Fault, type Plan } from '../support/writer-process.js';

const OURS = entries('ours', 5);
const THEIRS = entries('theirs', 4);

/** Number of interleavings that are tried. */
const RUNS = 80;

const BASES = new Map(
  await Promise.all([0, 3, 254].map(async (size) => [size, await TestLog.of(size)] as const)),
);

function logOf(size: number): { log: TestLog; ours: MemoryStaging; theirs: MemoryStaging } {
  const log = BASES.get(size)?.clone();
  assert.ok(log);
  return { log, ours: log.staging, theirs: log.staging.clone() };
}

/** Whether an error is one with which a writer may stop because of the other. Any other error is a defect. */
function requireLost(error: unknown): void {
  if (!(error instanceof ClaimLostError || error instanceof StartRefusedError)) throw error;
}

/** Starts each writer again, alone. Requires that one of them goes on, and that the log is whole. Returns that one. */
async function goesOn(log: TestLog, stagings: readonly MemoryStaging[]): Promise<boolean[]> {
  const went: boolean[] = [];
  for (const [i, staging] of stagings.entries()) {
    const opened = await log.open({}, { staging });
    log.check();
    went.push(opened.state === 'open');
    if (opened.state === 'failed') {
      expect(opened.error).toBeInstanceOf(StartRefusedError);
    } else {
      assert.equal(opened.state, 'open');
      const size = log.history.log.size;
      const [proved] = await log.submitAll(opened.writer, entries(`afterwards ${i} at ${size}`, 1));
      expect(proved?.index).toBe(size);
      expect(await opened.writer.close()).toBeUndefined();
      log.check();
      await log.checkStaging(staging);
    }
  }
  expect(went).toContain(true);
  return went;
}

/** Holds one call until it is let go. */
class Halt {
  readonly #reached = new Gate();
  readonly #gate = new Gate();

  /** Settles when the call has been made. */
  get reached(): Promise<void> {
    return this.#reached.opened;
  }

  letGo(): void {
    this.#gate.open();
  }

  /** Holds the call that `is` picks, before the call is done or after. */
  plan(when: 'before' | 'after', is: (call: Call) => boolean): Plan {
    return {
      [when]: async (call: Call) => {
        if (!is(call)) return;
        this.#reached.open();
        await this.#gate.opened;
      },
    };
  }
}

/** The store calls of a batch of ours, and the number of calls of all kinds before them, during the start. */
async function callsOfBatch(size: number): Promise<{ first: number; calls: string[] }> {
  const { log } = logOf(size);
  const opened = await log.open();
  assert.equal(opened.state, 'open');
  const first = opened.process.calls.length;
  await log.submitAll(opened.writer, OURS);
  await log.close(opened.writer);
  const calls = opened.process.calls.slice(first).filter(({ of }) => of === 'store');
  return { first, calls: calls.map(({ name }) => name) };
}

/** Picks the `at`-th store call after `first` calls of any kind. */
function storeCall(first: number, at: number): (call: Call) => boolean {
  let [all, stores] = [0, 0];
  const seen = new Set<Call>();
  return (call) => {
    if (seen.has(call)) return false;
    seen.add(call);
    if (all++ < first || call.of !== 'store') return false;
    return stores++ === at;
  };
}

/** Starts the other writer, which publishes, and dies after its durable call `number`, if one is given. */
async function other(log: TestLog, staging: MemoryStaging, number: number): Promise<Opened> {
  const opened = await log.open(faultAt(number, 'crash after'), { staging });
  if (opened.state === 'failed') requireLost(opened.error);
  if (opened.state === 'open') {
    await log.trySubmit(opened, THEIRS);
    if (!opened.process.isDead) {
      // The answers come before the last calls of the batch, during which the process may still die.
      const error = await Promise.race([opened.writer.close(), opened.process.crashed]);
      if (error !== undefined) requireLost(error);
    }
  }
  log.check();
  return opened;
}

/** The durable calls after which the other dies, and undefined: it does not die. */
const DEATHS = new Map([
  [0, [0, 1, 2, 3, 4, 5, 6, 7, Infinity]],
  // For a larger batch it is enough to die after the claim, among the objects, and around the swap.
  [254, [1, 3, 8, 9, Infinity]],
]);

for (const [size, deaths] of DEATHS) {
  const { first, calls } = await callsOfBatch(size);
  describe(`another writer comes between, at ${size}`, () => {
    for (const [at, name] of calls.entries()) {
      for (const when of ['before', 'after'] as const) {
        it(`${when} ${name} (${at})`, async () => {
          for (const [i, number] of deaths.entries()) {
            const { log, ours, theirs } = logOf(size);
            const halt = new Halt();
            const opened = await log.open(halt.plan(when, storeCall(first, at)));
            assert.equal(opened.state, 'open');
            const submitted = log.trySubmit(opened, OURS);
            await halt.reached;
            await other(log, theirs, number);
            halt.letGo();
            const acknowledged = await submitted;
            const error = await opened.writer.close();
            if (error !== undefined) expect(error).toBeInstanceOf(ClaimLostError);
            log.check();
            // Either all of our entries are published or none, and only published entries are acknowledged.
            expect(acknowledged).toBe(error === undefined ? OURS.length : 0);
            await goesOn(log, i % 2 === 0 ? [ours, theirs] : [theirs, ours]);
          }
        });
      }
    }
  });
}

describe('another writer comes between while ours recovers', () => {
  for (const wreck of ['staging.sequence', 'store.create staging/3', 'store.create tile/0/000.p/8']) {
    for (const when of ['before', 'after'] as const) {
      it(`from a crash after ${wreck}: ${when} each of its calls`, async () => {
        for (let at = 0, isReached = true; isReached; at++) {
          for (const number of [1, Infinity]) {
            const { log, ours, theirs } = logOf(3);
            const dead = await log.open({
              fault: ({ name }) => (name === wreck ? 'crash after' : undefined),
            });
            assert.equal(dead.state, 'open');
            await log.trySubmit(dead, OURS);
            const halt = new Halt();
            const opening = log.open(halt.plan(when, storeCall(0, at)));
            isReached = await Promise.race([halt.reached.then(() => true), opening.then(() => false)]);
            if (isReached) await other(log, theirs, number);
            halt.letGo();
            const opened = await opening;
            if (opened.state === 'failed') requireLost(opened.error);
            else await runOn(log, opened);
            log.check();
            await goesOn(log, [ours, theirs]);
          }
        }
      });
    }
  }

  /** A writer that started beside another either goes on or has lost. */
  async function runOn(log: TestLog, opened: Opened): Promise<void> {
    assert.equal(opened.state, 'open');
    await log.trySubmit(opened, entries('after recovery', 2));
    const error = await opened.writer.close();
    if (error !== undefined) expect(error).toBeInstanceOf(ClaimLostError);
  }
});

describe('a claim that is won late', () => {
  const claim = (call: Call) => call.name === 'store.create staging/3';

  /** Our create arrives after their batch is claimed, published, and its claim deleted. */
  async function wonLate(recheck: boolean) {
    const { log, ours, theirs } = logOf(3);
    const halt = new Halt();
    let staleReads = 0;
    const stale = () => (staleReads-- > 0 ? 1 : undefined);
    const opened = await log.open({ ...halt.plan('before', claim), stale });
    assert.equal(opened.state, 'open');
    const submitted = Promise.allSettled(OURS.map((entry) => opened.writer.submit(entry)));
    await halt.reached;
    const between = await other(log, theirs, Infinity);
    assert.equal(between.state, 'open');
    expect(log.claims()).toEqual([]);
    const writes = log.store.writes.length;
    // The read after the claim shows the old checkpoint, as if it had not been made.
    staleReads = recheck ? 0 : 1;
    halt.letGo();
    const error = await opened.writer.stopped;
    const acknowledged = (await submitted).filter(({ status }) => status === 'fulfilled').length;
    expect(acknowledged).toBe(0);
    const written = log.store.writes.slice(writes);
    return { log, ours, theirs, error, written };
  }

  it('is given up once checkpoint is read again: no named object of it is stored', async () => {
    const { log, ours, theirs, error, written } = await wonLate(true);
    expect(error).toBeInstanceOf(ClaimLostError);
    expect(written.map(({ path, bytes }) => [path, bytes !== undefined])).toEqual([
      ['staging/3', true],
      ['staging/3', false],
    ]);
    log.check();
    // Our writer reads the other's entries from the store.
    expect(await goesOn(log, [ours, theirs])).toEqual([true, true]);
  });

  it('would brick the log without that read', async () => {
    const { log, theirs, error } = await wonLate(false);
    expect(error).toBeInstanceOf(DamagedStoreError);
    expect(() => {
      log.check();
    }).toThrow('no chosen claim has it');
    // The store now holds our object at 8, and the log would have another one there.
    const next = await log.open({}, { staging: theirs });
    assert.equal(next.state, 'open');
    await expect(next.writer.submit(entries('their next', 1)[0] ?? assert.fail())).rejects.toThrow();
    expect(await next.writer.stopped).toBeInstanceOf(DamagedStoreError);
  });
});

describe('a claim that is found late', () => {
  it('is left alone once checkpoint is read again: it is a second one for its size', async () => {
    const { log, theirs } = logOf(3);
    // One writer is about to claim; another starts, and is about to look for a claim.
    const claims = new Halt();
    const late = await log.open(claims.plan('before', ({ name }) => name === 'store.create staging/3'));
    assert.equal(late.state, 'open');
    const submitted = Promise.allSettled(OURS.map((entry) => late.writer.submit(entry)));
    await claims.reached;
    const looks = new Halt();
    const standby = log.staging.clone();
    await standby.discard(3);
    const starting = log.open(
      looks.plan('before', ({ name }) => name === 'store.read staging/3'),
      { staging: standby },
    );
    await looks.reached;
    // A third writer publishes from 3, and is done. Only then is the claim created again, and only now is it found.
    await other(log, theirs, Infinity);
    const found = log.store.writes.length;
    const answered = new Halt();
    late.process.plan.after = answered.plan('after', ({ name }) => name === 'store.create staging/3').after;
    claims.letGo();
    await answered.reached;
    looks.letGo();
    const started = await starting;
    // The writer reads the third one's entries, completes nothing of the stale claim, and deletes it.
    assert.equal(started.state, 'open');
    expect(started.writer.published.checkpoint.size).toBe(log.history.log.size);
    expect(await started.writer.close()).toBeUndefined();
    answered.letGo();
    expect(await late.writer.stopped).toBeInstanceOf(ClaimLostError);
    await submitted;
    log.check();
    const written = log.store.writes.slice(found).map(({ path }) => path);
    expect(new Set(written)).toEqual(new Set(['staging/3']));
    expect(log.claims()).toEqual([]);
    expect(await goesOn(log, [theirs])).toEqual([true]);
  });
});

describe('a claim whose create is answered late', () => {
  it('is the batch that the other writer has published: its entries are acknowledged, and known to both', async () => {
    const { log, ours, theirs } = logOf(3);
    const halt = new Halt();
    const opened = await log.open(halt.plan('after', (call) => call.name === 'store.create staging/3'));
    assert.equal(opened.state, 'open');
    const submitted = log.submitAll(opened.writer, OURS);
    await halt.reached;
    // The other writer starts, finds our claim, completes it, and goes on.
    const standby = await log.reopen({ staging: theirs });
    expect(log.history.log.size).toBe(3);
    log.check();
    expect(log.history.log.size).toBe(8);
    const repeated = await log.submitAll(standby, OURS);
    expect(repeated.map(({ index }) => index)).toEqual([3, 4, 5, 6, 7]);
    await log.submitAll(standby, THEIRS);
    expect(await standby.close()).toBeUndefined();
    halt.letGo();
    expect((await submitted).map(({ index }) => index)).toEqual([3, 4, 5, 6, 7]);
    await expect(opened.writer.submit(entries('more', 1)[0] ?? assert.fail())).rejects.toThrow(
      'another writer',
    );
    expect(await opened.writer.stopped).toBeInstanceOf(ClaimLostError);
    log.check();
    expect(log.history.log.size).toBe(12);
    // Our writer reads the other's entries from the store.
    expect(await goesOn(log, [ours, theirs])).toEqual([true, true]);
  });
});

/** Lets store calls go on one at a time, in a chosen order. A call has two steps: it is done, and it is answered. */
class Scheduler {
  readonly #choices: readonly number[];
  readonly #running = new Set<string>();
  #waiting: { readonly actor: string; readonly go: () => void }[] = [];

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  plan(actor: string): Plan {
    const gate = (call: Call) =>
      call.of === 'staging'
        ? Promise.resolve()
        : new Promise<void>((go) => {
            this.#waiting.push({ actor, go });
          });
    return { before: gate, after: gate };
  }

  async run(actors: Readonly<Record<string, Promise<void>>>): Promise<void> {
    const all = Promise.all(
      Object.entries(actors).map(async ([actor, done]) => {
        this.#running.add(actor);
        await done.finally(() => this.#running.delete(actor));
      }),
    );
    all.catch(() => undefined);
    for (let step = 0; this.#running.size > 0; step++) {
      const isBusy = () =>
        [...this.#running].some((actor) => this.#waiting.every((held) => held.actor !== actor));
      do await setImmediate();
      while (isBusy());
      await setImmediate();
      const at = (this.#choices[step % this.#choices.length] ?? 0) % Math.max(1, this.#waiting.length);
      const [chosen] = this.#waiting.splice(at, 1);
      chosen?.go();
    }
    await all;
  }
}

/** The early end of a writer's life: the number of its store call, and the fault. */
interface End {
  readonly at: number;
  readonly fault: Fault;
}

/** A writer that is started again whenever it stops. Its submitters try again until they are answered. */
async function act(
  log: TestLog,
  name: string,
  staging: MemoryStaging,
  ends: readonly (End | undefined)[],
  scheduler: Scheduler,
): Promise<void> {
  const batches = [entries(`${name} first`, 2), entries('of both', 3), entries(`${name} last`, 1)];
  for (const end of ends) {
    let stores = 0;
    const fault = ({ of }: Call) => (of === 'store' && stores++ === end?.at ? end.fault : undefined);
    const opened = await log.open({ ...scheduler.plan(name), fault }, { staging });
    if (opened.state === 'failed') requireLost(opened.error);
    if (opened.state !== 'open') continue;
    for (const batch of batches) {
      if (!opened.process.isDead) await log.trySubmit(opened, batch);
    }
    if (opened.process.isDead) continue;
    const error = await Promise.race([opened.writer.close(), opened.process.crashed]);
    if (error !== undefined) expect(error).toBeInstanceOf(ClaimLostError);
    log.check();
  }
}

const anEnd = fc.option(
  fc.record({
    at: fc.nat(30),
    fault: fc.constantFrom<Fault>(
      'crash before',
      'crash before',
      'crash after',
      'crash after',
      'stored, but error',
    ),
  }),
  { nil: undefined },
);
const ends = fc.array(anEnd, { minLength: 1, maxLength: 3 });

it('any two writers, in any order of their calls, and with crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 3, 254),
      fc.array(fc.nat(11), { minLength: 1, maxLength: 150 }),
      ends,
      ends,
      async (size, choices, oursEnd, theirsEnd) => {
        const { log, ours, theirs } = logOf(size);
        const scheduler = new Scheduler(choices);
        await scheduler.run({
          ours: act(log, 'ours', ours, oursEnd, scheduler),
          theirs: act(log, 'theirs', theirs, theirsEnd, scheduler),
        });
        await goesOn(log, [ours, theirs]);
      },
    ),
    { numRuns: RUNS, seed: 20_240_807 },
  );
});
