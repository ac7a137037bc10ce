/**
 * A store that shows an older `checkpoint` than it holds. The writer waits until the store shows the newest one that
 * the writer has seen, or refuses to start. It never goes on from the older one.
 */
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { StartRefusedError } from '#src/errors.js';
import { entries, TestLog, type Opened } from '../support/test-log.js';
import { faultAt, type Plan } from '../support/writer-process.js';

const BATCH = entries('batch', 5);

/** A log that has had some checkpoints. */
async function withPast(): Promise<TestLog> {
  const log = await TestLog.of(250);
  const writer = await log.reopen();
  await log.submitAll(writer, entries('later', 4));
  await log.close(writer);
  return log;
}

/** A copy of the log whose writer died after a call of its batch. */
async function after(base: TestLog, name: string): Promise<TestLog> {
  const log = base.clone();
  const opened = await log.open({ fault: (call) => (call.name === name ? 'crash after' : undefined) });
  assert.equal(opened.state, 'open');
  await log.trySubmit(opened, BATCH);
  assert.ok(opened.process.isDead);
  return log;
}

const past = await withPast();
const LOGS = [
  { name: 'a log at rest', log: past },
  { name: 'a batch sequenced', log: await after(past, 'staging.sequence') },
  { name: 'a batch claimed', log: await after(past, 'store.create staging/254') },
  { name: 'a batch in the store', log: await after(past, 'store.replace checkpoint') },
  { name: 'a claim left over', log: await after(past, 'staging.markPublished') },
];

/** Opens a writer, and submits a batch if the writer has started. */
async function run(log: TestLog, plan: Plan): Promise<Opened> {
  const opened = await log.open(plan);
  if (opened.state === 'open') {
    expect(await log.trySubmit(opened, BATCH)).toBe(BATCH.length);
    await log.submitAll(opened.writer, entries('more', 2));
    await log.close(opened.writer);
  }
  return opened;
}

/** Lets the reads `from` to `from + times` of `checkpoint` see the version `back` versions back. */
function staleAt(from: number, times: number, back: number): Plan {
  let reads = 0;
  return {
    stale: () => {
      const read = reads++;
      return read >= from && read < from + times ? back : undefined;
    },
  };
}

const isRead = ({ name }: { name: string }) => name === 'store.read checkpoint';

for (const { name, log: base } of LOGS) {
  const reads = (await run(base.clone(), {})).process.calls.filter(isRead).length;
  describe.concurrent(`${name}, and of its ${reads} reads of checkpoint`, () => {
    for (let read = 0; read < reads; read++) {
      for (const [times, back] of [
        [1, 1],
        [1, 2],
        [3, 1],
        [2, 3],
      ] as const) {
        it(`number ${read} is ${back} versions old, ${times} times`, async () => {
          const log = base.clone();
          const opened = await run(log, staleAt(read, times, back));
          log.check();
          if (opened.state === 'failed') {
            expect(opened.error).toBeInstanceOf(StartRefusedError);
            // Only a start can be refused: staging has then published more than the store shows.
            expect(opened.process.durable).toEqual([]);
          }
          await run(log, {});
        });
      }
    }
  });
}

it('a writer never takes an older checkpoint than it has seen', async () => {
  const log = past.clone();
  // The hot path reads `checkpoint` twice: after the claim, and after the swap.
  const opened = await log.open(faultAt(Infinity, 'not stored'));
  assert.equal(opened.state, 'open');
  const atStart = opened.process.calls.filter(isRead).length;
  await log.submitAll(opened.writer, BATCH);
  expect(opened.process.calls.filter(isRead).length - atStart).toBe(2);
  await log.close(opened.writer);
});
