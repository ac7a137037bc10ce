/**
 * A store that answers late or not at all, and entries that are refused or joined meanwhile.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { UnavailableError } from '#src/errors.js';
import type { NewEntry } from '#writer/batch.js';
import { Gate } from '../support/gate.js';
import { entries, TestLog, type Opened, type OpenOptions } from '../support/test-log.js';
import type { Call, Plan } from '../support/writer-process.js';

/** Holds or fails all calls of a store while it is down. */
class Outage {
  isDown = false;
  #waiting: (() => void)[] = [];
  readonly #asError: boolean;

  constructor(asError: boolean) {
    this.#asError = asError;
  }

  readonly plan: Plan = {
    before: async ({ of }: Call) => {
      if (of === 'staging' || !this.isDown) return;
      if (this.#asError) throw new Error('injected: the store is down');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    },
  };

  end(): void {
    this.isDown = false;
    for (const go of this.#waiting.splice(0)) go();
  }
}

async function open(log: TestLog, plan: Plan, options?: OpenOptions): Promise<Opened & { state: 'open' }> {
  const opened = await log.open(plan, options);
  assert.equal(opened.state, 'open');
  return opened;
}

function one(label: string): NewEntry {
  return entries(label, 1)[0] ?? assert.fail();
}

/** Requires UnavailableError after four seconds from acceptance, with some more for a busy machine. */
async function requireUnavailableInTime(submitted: Promise<unknown>): Promise<void> {
  const start = performance.now();
  await expect(submitted).rejects.toBeInstanceOf(UnavailableError);
  const waited = performance.now() - start;
  expect(waited).toBeGreaterThan(3_800);
  expect(waited).toBeLessThan(9_000);
}

describe.concurrent('a store that is down for longer than submitters wait', () => {
  for (const asError of [false, true]) {
    it(`and ${asError ? 'says so' : 'says nothing'}: they are told in time, and a repeat joins`, async () => {
      const log = await TestLog.of(3);
      const outage = new Outage(asError);
      const { writer } = await open(log, outage.plan);
      outage.isDown = true;
      const entry = one('late');
      const submitted = log.submit(writer, entry);
      await requireUnavailableInTime(submitted);
      expect(writer.pending).toBe(1);
      log.check();
      expect(log.history.log.size).toBe(3);

      const repeated = log.submit(writer, entry);
      expect(writer.pending).toBe(1);
      outage.end();
      expect((await repeated).index).toBe(3);
      expect((await log.submit(writer, entry)).index).toBe(3);
      expect(writer.pending).toBe(0);
      await log.close(writer);
      expect(log.history.log.size).toBe(4);
    });
  }

  it('tells in time even those whose entries are in the log', async () => {
    // The first entry is in a full tile, which must be read to prove it.
    const log = await TestLog.of(257);
    const outage = new Outage(false);
    const { writer } = await open(log, outage.plan);
    outage.isDown = true;
    await requireUnavailableInTime(writer.submit(one('before')));
    outage.end();
    expect((await log.submit(writer, one('before'))).index).toBe(0);
    await log.close(writer);
  });

  it('is not healthy, and says so within the time that a probe waits', async () => {
    const log = await TestLog.of(3);
    const outage = new Outage(false);
    const { writer } = await open(log, outage.plan);
    expect(await writer.fault()).toBeUndefined();
    outage.isDown = true;
    const fault = await Promise.race([writer.fault(), sleep(5_000, 'no answer')]);
    expect(fault).toEqual({ code: 'unreachable', reason: 'the store has not answered for 4 s' });
    outage.end();
    expect(await writer.fault()).toBeUndefined();
    await log.close(writer);
  });
});

it('an entry that has waited too long is a fault', async () => {
  const log = await TestLog.of(3);
  const outage = new Outage(false);
  const { writer } = await open(log, outage.plan);
  outage.isDown = true;
  const submitted = log.submit(writer, one('late'));
  const now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 11_000);
  const fault = await writer.fault();
  clock.mockRestore();
  expect(fault).toEqual({ code: 'late', reason: 'an accepted entry has waited for 11 s' });
  outage.end();
  expect((await submitted).index).toBe(3);
  expect(await writer.fault()).toBeUndefined();
  await log.close(writer);
});

it('a full pool refuses at once, and changes nothing', async () => {
  const log = await TestLog.of(3);
  const outage = new Outage(false);
  const { writer, process } = await open(log, outage.plan, { maxPending: 2 });
  outage.isDown = true;
  const waiting = log.submitAll(writer, entries('waiting', 2));
  const state = async () => [log.store.writes.length, (await log.staging.tree()).size, process.calls.length];
  // Two batches are on their way into the store: wait until their calls hang.
  await vi.waitFor(async () => {
    expect(await log.staging.tree()).toMatchObject({ size: 5 });
  });
  await sleep(20);
  const before = await state();
  await expect(writer.submit(one('refused'))).rejects.toBeInstanceOf(UnavailableError);
  expect(await state()).toEqual(before);
  expect(writer.pending).toBe(2);
  // Entries in flight may still be joined.
  const joined = log.submit(writer, one('waiting'));
  outage.end();
  expect((await waiting).map(({ index }) => index)).toEqual([3, 4]);
  expect((await joined).index).toBe(3);
  expect(await log.staging.find(one('refused').leafHash)).toBeUndefined();
  expect((await log.submit(writer, one('refused'))).index).toBe(5);
  await log.close(writer);
});

it('equal entries at once become one', async () => {
  const log = await TestLog.of(3);
  const { writer } = await open(log, {});
  const entry = one('twice');
  const copy = { body: entry.body.slice(), leafHash: entry.leafHash.slice() };
  const proved = await log.submitAll(writer, [entry, copy, entry, one('another'), copy]);
  expect(proved.map(({ index }) => index)).toEqual([3, 3, 3, 4, 3]);
  await log.close(writer);
  expect(log.history.log.size).toBe(5);
});

it('a batch that cannot be sequenced stops the log after the one before it is published', async () => {
  const log = await TestLog.of(3);
  const gate = new Gate();
  const { writer } = await open(
    log,
    {
      before: async ({ name }) => {
        if (name === 'store.replace checkpoint') await gate.opened;
      },
      fault: ({ name, number }) => (name === 'staging.sequence' && number > 0 ? 'not stored' : undefined),
    },
    { batchSize: 2 },
  );
  const first = log.submitAll(writer, entries('first', 2));
  const second = writer.submit(one('second'));
  second.catch(() => undefined);
  await sleep(50);
  gate.open();
  expect((await first).map(({ index }) => index)).toEqual([3, 4]);
  await expect(second).rejects.toThrow('the log has stopped');
  expect((await writer.stopped)?.message).toContain('injected');
  const writes = log.store.writes.length;
  await sleep(50);
  expect(log.store.writes.length).toBe(writes);
  const next = await log.reopen();
  expect((await log.submit(next, one('second'))).index).toBe(5);
  await log.close(next);
});

it('the next batch is sequenced while one is on its way, and not claimed before that is published', async () => {
  const log = await TestLog.of(3);
  const gate = new Gate();
  const { writer } = await open(
    log,
    {
      before: async ({ name }) => {
        if (name === 'store.create tile/0/000.p/5') await gate.opened;
      },
    },
    { batchSize: 2 },
  );
  const submitted = log.submitAll(writer, entries('batch', 4));
  await vi.waitFor(async () => {
    expect(await log.staging.tree()).toMatchObject({ size: 7 });
  });
  await sleep(20);
  expect(log.claims()).toEqual([3]);
  gate.open();
  expect((await submitted).map(({ index }) => index)).toEqual([3, 4, 5, 6]);
  await log.close(writer);
  expect(log.history.logs.map(({ size }) => size)).toEqual([0, 3, 5, 7]);
});

it('a writer that is closed publishes what it has accepted, and then takes nothing', async () => {
  const log = await TestLog.of(3);
  const { writer } = await open(log, {}, { batchSize: 4 });
  const submitted = log.submitAll(writer, entries('accepted', 10));
  await sleep(0);
  const closed = writer.close();
  await expect(writer.submit(one('too late'))).rejects.toBeInstanceOf(UnavailableError);
  expect((await submitted).map(({ index }) => index)).toEqual([...Array(10).keys()].map((i) => 3 + i));
  expect(await closed).toBeUndefined();
  log.check();
  await log.checkStaging(log.staging);
  expect(log.history.log.size).toBe(13);
});
