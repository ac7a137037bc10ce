/**
 * A staging that is older than the store: it reads from the store what it lacks, in spite of faults, and every entry
 * keeps its index.
 */
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { StartRefusedError } from '#src/errors.js';
import { MemoryStaging } from '../support/memory-staging.js';
import { entries, makeKey, TestLog } from '../support/test-log.js';
import { FAULTS, faultAt } from '../support/writer-process.js';

/** Entries in each batch of the log. */
const BATCHES = [1, 2, 250, 3, 1, 300, 40];

/** A log, and copies of its staging from the start and after each batch. */
async function grow(): Promise<{ log: TestLog; copies: { size: number; staging: MemoryStaging }[] }> {
  const log = await TestLog.of(0);
  const copies = [{ size: 0, staging: log.staging.clone() }];
  for (const [i, count] of BATCHES.entries()) {
    const writer = await log.reopen();
    await log.submitAll(writer, entries(`batch ${i}`, count));
    await log.close(writer);
    copies.push({ size: log.history.log.size, staging: log.staging.clone() });
  }
  return { log, copies };
}

const { log: LOG, copies: COPIES } = await grow();

/** Starts on another staging, and submits every entry again, and a new one. */
async function goesOn(log: TestLog, staging: MemoryStaging): Promise<void> {
  const writer = await log.reopen({ staging });
  const { size } = log.history.log;
  log.check();
  await log.checkStaging(staging);
  for (const [i, count] of BATCHES.entries()) {
    const first = BATCHES.slice(0, i).reduce((sum, each) => sum + each, 0);
    const repeated = await log.submitAll(writer, entries(`batch ${i}`, count));
    expect(repeated.map(({ index }) => index)).toEqual(repeated.map((_, j) => first + j));
  }
  const [proved] = await log.submitAll(writer, entries(`new at ${size}`, 1));
  expect(proved?.index).toBe(size);
  expect(await writer.close()).toBeUndefined();
  log.check();
  await log.checkStaging(staging);
  expect(log.claims()).toEqual([]);
}

describe.concurrent('a copy of staging', () => {
  for (const { size, staging } of COPIES) {
    it(`of ${size} entries is brought up to the store`, () => goesOn(LOG.clone(), staging.clone()));

    if (size < LOG.history.log.size)
      for (const fault of FAULTS)
        it(`of ${size} entries is brought up after a fault in between: ${fault}`, async () => {
          const [log, copy] = [LOG.clone(), staging.clone()];
          const opened = await log.open(faultAt(0, fault), { staging: copy });
          expect(opened.process.durable[0]).toBe('staging.adopt');
          expect(opened.state).toBe(fault.startsWith('crash') ? 'crashed' : 'failed');
          await goesOn(log, copy);
        });

    it(`of ${size} entries takes back what another batch came before`, async () => {
      const [log, copy] = [LOG.clone(), staging.clone()];
      // The writer of this staging died with a batch that was never claimed, and the log went on without the batch.
      const root = Buffer.alloc(32, 7);
      const claim = Buffer.from('never shown');
      await copy.sequence(
        { oldSize: size, size: size + 9, root, time: 1, claim },
        entries('never shown', 9).map(({ leafHash }) => leafHash),
      );
      await goesOn(log, copy);
    });
  }

  it('of another log is refused', async () => {
    const other = await TestLog.of(4);
    const opened = await LOG.clone().open({}, { staging: other.staging });
    assert.equal(opened.state, 'failed');
    expect(opened.error).toBeInstanceOf(StartRefusedError);
    expect(String(opened.error)).toMatch(/a fork\. Keep the store and staging as they are/);
  });

  it('that is newer than the store is refused', async () => {
    const older = await TestLog.of(0);
    const opened = await older.open({}, { staging: LOG.staging.clone() });
    assert.equal(opened.state, 'failed');
    expect(String(opened.error)).toMatch(/the store was rolled back or emptied/);
  });

  it('of another key is refused', async () => {
    const opened = await LOG.clone().open({}, { key: await makeKey() });
    assert.equal(opened.state, 'failed');
    expect(opened.error).toBeInstanceOf(StartRefusedError);
  });

  it('that holds nothing is refused, as it is not known to be of this log', async () => {
    const opened = await LOG.clone().open({}, { staging: new MemoryStaging() });
    assert.equal(opened.state, 'failed');
    expect(String(opened.error)).toMatch(/staging\.sqlite is missing or empty, .* start once with --rebuild/);
  });
});
