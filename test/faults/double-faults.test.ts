/**
 * A crash at every durable call of a batch, and then a fault at every durable call of the recovery from it.
 */
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { NewEntry } from '#writer/batch.js';
import { ACROSS_A_TILE, callsAfterClaim, callsAfterSequencing } from '../support/batch-calls.js';
import type { MemoryStaging } from '../support/memory-staging.js';
import { entries, TestLog, type Opened } from '../support/test-log.js';
import { FAULTS, faultAt, type Fault } from '../support/writer-process.js';

/** A log whose writer is dead, and the durable calls of the next writer's recovery. */
interface Wreck {
  readonly name: string;
  readonly log: TestLog;
  readonly recovery: readonly string[];
  /** The log's size after the recovery. */
  readonly size: number;
}

const BATCHES = [
  { name: 'a new log', base: new TestLog(), batch: entries('batch', 1) },
  { name: 'five entries after 254', base: await TestLog.of(254), batch: entries('batch', 5) },
];

/** Starts a writer, and closes it if it has started. */
async function start(log: TestLog, number?: number, fault?: Fault): Promise<Opened> {
  const plan = number === undefined || fault === undefined ? {} : faultAt(number, fault);
  const opened = await log.open(plan);
  log.check();
  if (opened.state === 'open') await opened.writer.close();
  return opened;
}

async function wreckOf(name: string, log: TestLog): Promise<Wreck> {
  const copy = log.clone();
  const opened = await start(copy);
  assert.equal(opened.state, 'open', `${name}: ${opened.state === 'failed' ? String(opened.error) : ''}`);
  return { name, log, recovery: opened.process.durable, size: copy.history.log.size };
}

/**
 * The wrecks left by a crash after each durable call of a batch. A crash before a call leaves the one of the call
 * before.
 */
async function wrecksOf(base: TestLog, batch: readonly NewEntry[]): Promise<Wreck[]> {
  const wrecks: Wreck[] = [];
  for (let number = 0; ; number++) {
    const log = base.clone();
    const opened = await log.open(faultAt(number, 'crash after'));
    if (opened.state === 'open') {
      await log.trySubmit(opened, batch);
      // The answers come before the last calls of the batch.
      await Promise.race([opened.writer.close(), opened.process.crashed]);
    }
    if (!opened.process.isDead) return wrecks;
    wrecks.push(await wreckOf(`a crash after ${opened.process.durable.at(-1) ?? ''}`, log));
  }
}

/** A wreck with a sequenced batch of ours and another writer's claim, to which it must give way. */
async function takeOver(): Promise<Wreck> {
  const log = await TestLog.of(254);
  const standby: MemoryStaging = log.staging.clone();
  // Our batch is sequenced, and not yet claimed.
  const ours = await log.open(faultAt(0, 'crash after'));
  assert.equal(ours.state, 'open');
  await log.trySubmit(ours, entries('ours', 4));
  // Their batch is claimed, and its writer dies.
  const theirs = await log.open(faultAt(1, 'crash after'), { staging: standby });
  assert.equal(theirs.state, 'open');
  await log.trySubmit(theirs, entries('theirs', 5));
  return wreckOf("another's claim before a batch of ours", log);
}

async function survive(wreck: Wreck, number: number, fault: Fault): Promise<void> {
  const log = wreck.log.clone();
  const opened = await start(log, number, fault);
  expect(opened.process.durable.length).toBeGreaterThan(number);
  expect(opened.process.isDead).toBe(fault.startsWith('crash'));
  const writer = await log.reopen();
  log.check();
  expect(log.history.log.size).toBe(wreck.size);
  const proved = await log.submitAll(writer, entries('after', 3));
  expect(proved.map(({ index }) => index)).toEqual([0, 1, 2].map((i) => wreck.size + i));
  await log.close(writer);
}

const WRECKS = [
  await takeOver(),
  ...(
    await Promise.all(
      BATCHES.map(async ({ name, base, batch }) =>
        (await wrecksOf(base, batch)).map((wreck) => ({ ...wreck, name: `${name}: ${wreck.name}` })),
      ),
    )
  ).flat(),
];

it('recovery publishes a batch that was sequenced, by the same calls', () => {
  const name = 'five entries after 254: a crash after staging.sequence';
  expect(WRECKS.find((wreck) => wreck.name === name)?.recovery).toEqual(
    callsAfterSequencing(254, ACROSS_A_TILE),
  );
});

it("a take-over discards ours, and learns another's", () => {
  expect(WRECKS[0]?.recovery).toEqual([
    'staging.discard',
    'staging.sequence',
    ...callsAfterClaim(254, ACROSS_A_TILE),
  ]);
});

for (const wreck of WRECKS) {
  describe.concurrent(wreck.name, () => {
    it('recovers', async () => {
      const log = wreck.log.clone();
      const writer = await log.reopen();
      await log.close(writer);
    });
    for (const [number, call] of wreck.recovery.entries()) {
      // For the next writer, a crash before a call is a crash after the call before it, which is tried already.
      for (const fault of number === 0 ? FAULTS : FAULTS.filter((each) => each !== 'crash before'))
        it(`then ${number} ${call} of the recovery: ${fault}`, () => survive(wreck, number, fault));
    }
  });
}
