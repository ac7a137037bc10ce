/**
 * Entries that are in the log already: they count as in flight, cost no unneeded reads, and stop reading when their
 * submitters stop waiting.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { UnavailableError } from '#src/errors.js';
import { Patience } from '#writer/patience.js';
import { Gate } from '../support/gate.js';
import { entries, TestLog, type Opened, type OpenOptions } from '../support/test-log.js';
import type { Plan } from '../support/writer-process.js';

async function open(log: TestLog, plan: Plan, options?: OpenOptions): Promise<Opened & { state: 'open' }> {
  const opened = await log.open(plan, options);
  assert.equal(opened.state, 'open');
  return opened;
}

/** A store whose reads wait at a gate while it is down. */
function faultyReads() {
  const gate = new Gate();
  const state = { isDown: false };
  const plan: Plan = {
    before: async ({ name }) => {
      if (state.isDown && /^store\.read/.test(name)) await gate.opened;
    },
  };
  return { plan, gate, state };
}

it('of 445 repeats at once, at most 16 are read for when 16 may be pending', async () => {
  const log = await TestLog.of(1_025);
  const { plan, gate, state } = faultyReads();
  const { writer } = await open(log, plan, { maxPending: 16 });
  state.isDown = true;
  const answers = entries('before', 445).map((entry) =>
    writer.submit(entry).then(
      ({ index }) => index,
      (error: unknown) => error,
    ),
  );
  await sleep(50);
  expect(writer.pending).toBe(16);
  gate.open();
  const answered = await Promise.all(answers);
  expect(answered.filter((answer) => typeof answer === 'number')).toHaveLength(16);
  expect(answered.filter((answer) => answer instanceof UnavailableError)).toHaveLength(429);
  expect(writer.pending).toBe(0);
  await log.close(writer);
});

it('a repeat whose submitter has given up reads no more', async () => {
  // The tree has three levels of tiles, so that proving the entry takes several reads.
  const log = await TestLog.of(1_025);
  const { plan, gate, state } = faultyReads();
  const { writer, process } = await open(log, plan);
  state.isDown = true;
  const [entry] = entries('before', 1);
  assert(entry);
  await expect(writer.submit(entry, new Patience(50))).rejects.toBeInstanceOf(UnavailableError);
  expect(writer.pending).toBe(1);
  const reads = () => process.calls.filter(({ name }) => name.startsWith('store.read')).length;
  const before = reads();
  gate.open();
  await sleep(50);
  expect(writer.pending).toBe(0);
  expect(reads()).toBe(before);
  await log.close(writer);
});

it('a store that fails is not asked again for a repeat: its submitter is', async () => {
  const log = await TestLog.of(257);
  let failing = false;
  const { writer, process } = await open(log, {
    before: ({ name }) =>
      failing && name.startsWith('store.read') ? Promise.reject(new Error('injected')) : Promise.resolve(),
  });
  const [entry] = entries('before', 1);
  assert(entry);
  const reads = () => process.calls.filter(({ name }) => name.startsWith('store.read')).length;
  failing = true;
  const before = reads();
  await expect(writer.submit(entry)).rejects.toBeInstanceOf(UnavailableError);
  expect(reads() - before).toBeLessThanOrEqual(2);
  failing = false;
  expect((await log.submit(writer, entry)).index).toBe(0);
  await log.close(writer);
});

it('a tile is read once for all repeats, whatever is published meanwhile', async () => {
  const log = await TestLog.of(257);
  const { writer, process } = await open(log, {});
  const reads = () => process.calls.filter(({ name }) => name === 'store.read tile/0/000').length;
  const before = reads();
  for (const [i, entry] of entries('before', 8).entries()) {
    expect(await log.submit(writer, entry)).toMatchObject({ index: i, isRepeat: true });
    const [fresh] = entries(`new ${i}`, 1);
    assert(fresh);
    expect(await log.submit(writer, fresh)).toMatchObject({ index: 257 + i, isRepeat: false });
  }
  expect(reads() - before).toBe(1);
  await log.close(writer);
});

it('of equal entries at once, all but the first are repeats', async () => {
  const log = await TestLog.of(3);
  const { writer } = await open(log, {});
  const [entry] = entries('twice', 1);
  assert(entry);
  const answers = await log.submitAll(writer, [entry, entry, entry]);
  expect(answers.map(({ index, isRepeat }) => [index, isRepeat])).toEqual([
    [3, false],
    [3, true],
    [3, true],
  ]);
  await log.close(writer);
});
