/**
 * Every durable call of a batch fails in every way. Nothing acknowledged is lost, nothing forks, the log goes on.
 */
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { NewEntry } from '#writer/batch.js';
import { ACROSS_A_TILE, callsAfterSequencing } from '../support/batch-calls.js';
import { STAGING_METHODS } from '../support/faulty-staging.js';
import { STORE_METHODS } from '../support/faulty-store.js';
import { entries, TestLog, type Opened } from '../support/test-log.js';
import { FAULTS, faultAt, type Fault, type Plan } from '../support/writer-process.js';

interface Shape {
  readonly name: string;
  /** Undefined where the writer has to make the log. */
  readonly base: TestLog | undefined;
  readonly batch: readonly NewEntry[];
}

const SHAPES: readonly Shape[] = [
  { name: 'a new log and its first entry', base: undefined, batch: entries('batch', 1) },
  { name: 'one entry on an empty log', base: await TestLog.of(0), batch: entries('batch', 1) },
  { name: 'five entries after 254', base: await TestLog.of(254), batch: entries('batch', 5) },
  { name: 'entries that fill a bundle', base: await TestLog.of(250), batch: entries('batch', 6) },
];

interface Afterwards {
  readonly name: string;
  readonly submit: (batch: readonly NewEntry[]) => readonly NewEntry[];
}

const AFTERWARDS: readonly Afterwards[] = [
  { name: 'the same entries again', submit: (batch) => batch },
  { name: 'others', submit: () => entries('other', 2) },
];

/** Opens a writer with a plan, and submits a batch at once. */
async function run(log: TestLog, batch: readonly NewEntry[], plan: Plan): Promise<Opened> {
  const opened = await log.open(plan);
  if (opened.state === 'open') await log.trySubmit(opened, batch);
  return opened;
}

/** The durable calls of a run without faults. */
async function record({ base, batch }: Shape): Promise<string[]> {
  const log = base?.clone() ?? new TestLog();
  const opened = await run(log, batch, {});
  assert.equal(opened.state, 'open');
  await log.close(opened.writer);
  return opened.process.durable;
}

async function survive(shape: Shape, number: number, fault: Fault, afterwards: Afterwards): Promise<void> {
  const log = shape.base?.clone() ?? new TestLog();
  const opened = await run(log, shape.batch, faultAt(number, fault));
  // The claim is deleted after the submitters are answered, so the crash there comes after `run` has ended.
  if (fault.startsWith('crash')) await opened.process.crashed;
  expect(opened.process.durable.length).toBeGreaterThan(number);
  log.check();
  expect(opened.process.isDead).toBe(fault.startsWith('crash'));
  // Sequenced entries are published in spite of the fault, and no others are.
  const sequenced = (await log.staging.tree()).size - (shape.base?.history.log.size ?? 0);
  expect([0, shape.batch.length]).toContain(sequenced);
  if (opened.state === 'open' && !opened.process.isDead) await opened.writer.close();
  const before = shape.base?.history.log.size ?? 0;
  const writer = await log.reopen();
  log.check();
  expect(log.history.log.size).toBe(before + sequenced);
  expect(log.history.log.leaves.length).toBe(before + sequenced);

  const more = afterwards.submit(shape.batch);
  const proved = await log.submitAll(writer, more);
  await log.close(writer);
  const joined = more === shape.batch && sequenced > 0;
  expect(log.history.log.size).toBe(before + sequenced + (joined ? 0 : more.length));
  expect(proved.map(({ index }) => index)).toEqual(more.map((_, i) => before + (joined ? 0 : sequenced) + i));
  // The start has deleted a claim that outlived its batch.
  expect(log.claims()).toEqual([]);
}

describe('the kill points', () => {
  it('are these, in this order', async () => {
    const first = ['tile/0/000.p/1', 'tile/entries/000.p/1', 'tile/times/000.p/1'];
    const filling = ['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000', 'tile/times/000'];
    expect(await Promise.all(SHAPES.map(record))).toEqual([
      ['staging.create', 'store.create checkpoint', 'staging.sequence', ...callsAfterSequencing(0, first)],
      ['staging.sequence', ...callsAfterSequencing(0, first)],
      ['staging.sequence', ...callsAfterSequencing(254, ACROSS_A_TILE)],
      ['staging.sequence', ...callsAfterSequencing(250, filling)],
    ]);
  });

  it('are all that a writer calls, beside reads', async () => {
    const log = await TestLog.of(3);
    const opened = await run(log, entries('batch', 2), {});
    assert.equal(opened.state, 'open');
    await log.close(opened.writer);
    const declared = [
      ...Object.keys(STORE_METHODS).map((method) => `store.${method}`),
      ...Object.keys(STAGING_METHODS).map((method) => `staging.${method}`),
    ];
    for (const { name } of opened.process.calls) expect(declared).toContain(name.split(' ')[0]);
  });
});

for (const shape of SHAPES) {
  const calls = await record(shape);
  describe.concurrent(shape.name, () => {
    for (const [number, call] of calls.entries()) {
      for (const fault of FAULTS) {
        for (const afterwards of AFTERWARDS) {
          it(`${number} ${call}: ${fault}; then ${afterwards.name}`, () =>
            survive(shape, number, fault, afterwards));
        }
      }
    }
  });
}
