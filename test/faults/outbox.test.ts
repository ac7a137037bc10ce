/**
 * Batches in staging's outbox that differ from those that the writer put there: none is published, and the log goes on
 * without those that are damaged.
 */
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { NewerVersionError, RightEdge } from '#tiles-spec/index.js';
import { buildBatch, type LogTail, type NewEntry } from '#writer/batch.js';
import type { SequencedBatch } from '#writer/staging/staging.js';
import { entries, KEY, ORIGIN, TestLog } from '../support/test-log.js';
import { faultAt } from '../support/writer-process.js';

const BEFORE = entries('before', 254);
const BATCH = entries('batch', 5);

/** A log whose writer died once it had sequenced a batch. */
async function wreck(): Promise<TestLog> {
  const log = await TestLog.of(BEFORE.length);
  const opened = await log.open(faultAt(0, 'crash after'));
  assert.equal(opened.state, 'open');
  await log.trySubmit(opened, BATCH);
  assert.ok(opened.process.isDead);
  return log;
}

const WRECK = await wreck();
const [SEQUENCED = assert.fail()] = await WRECK.staging.unpublished();

/** A copy of the log with other batches in the outbox. */
async function withOutbox(batches: readonly SequencedBatch[]): Promise<TestLog> {
  const log = WRECK.clone();
  await log.staging.discard(BEFORE.length);
  for (const batch of batches) {
    const leaves = entries(`in ${batch.oldSize}`, batch.size - batch.oldSize);
    const own = batch.oldSize === BEFORE.length && batch.size === SEQUENCED.size;
    await log.staging.sequence(
      batch,
      (own ? BATCH : leaves).map(({ leafHash }) => leafHash),
    );
  }
  return log;
}

/** The next writer starts, and the batch's submitters try again. */
async function goesOn(log: TestLog): Promise<void> {
  const writer = await log.reopen();
  log.check();
  const proved = await log.submitAll(writer, BATCH);
  expect(proved.map(({ index }) => index)).toEqual(BATCH.map((_, i) => BEFORE.length + i));
  await log.close(writer);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

async function batchAfter(before: readonly NewEntry[], batch: readonly NewEntry[]): Promise<SequencedBatch> {
  const { edge } = RightEdge.empty().append(before.map(({ leafHash }) => leafHash));
  const tail: LogTail = { edge, bodies: before.map(({ body }) => body), times: before.map(() => 1) };
  const built = await buildBatch(tail, batch, 2, KEY.signer(ORIGIN), KEY.verifier(ORIGIN));
  const { size, root } = built.batch.checkpoint;
  return { oldSize: before.length, size, root, time: 2, claim: built.batch.claim };
}

describe.concurrent('an outbox with one bit flipped', () => {
  const bits = SEQUENCED.claim.length * 8;
  // The step is prime, so that each bit of a byte is flipped at some place.
  const step = Math.floor(bits / 120) | 1;
  for (let bit = 5; bit < bits; bit += step) {
    it(`bit ${bit} of its claim`, async () => {
      const log = await withOutbox([{ ...SEQUENCED, claim: flipped(SEQUENCED.claim, bit) }]);
      await goesOn(log);
      // The batch was published as it was made, or not at all.
      expect(log.history.log.size).toBe(BEFORE.length + BATCH.length);
    });
  }
});

describe('an outbox', () => {
  it('that is whole is published', async () => {
    const log = await withOutbox([SEQUENCED]);
    const writer = await log.reopen();
    log.check();
    expect(log.history.log.size).toBe(SEQUENCED.size);
    await log.close(writer);
  });

  it("with another log's batch, signed by this log's key, is not published", async () => {
    const log = await withOutbox([await batchAfter(entries('fork', BEFORE.length), BATCH)]);
    await goesOn(log);
  });

  it('with a claim of another batch than its row is not published', async () => {
    const other = await batchAfter(BEFORE, entries('other', 5));
    const log = await withOutbox([{ ...SEQUENCED, claim: other.claim }]);
    await goesOn(log);
  });

  it('is dropped from the first batch on that does not verify', async () => {
    const next = await batchAfter([...BEFORE, ...BATCH], entries('next', 3));
    const log = await withOutbox([{ ...SEQUENCED, claim: flipped(SEQUENCED.claim, 9_000) }, next]);
    await goesOn(log);
    expect(log.history.log.size).toBe(SEQUENCED.size);
  });

  it('with a claim of a newer version is left to that version, and the start refused', async () => {
    const newer = Buffer.from(SEQUENCED.claim);
    newer.write('2', 'stele claim v'.length);
    const log = await withOutbox([{ ...SEQUENCED, claim: newer }]);
    await expect(log.reopen()).rejects.toThrow(NewerVersionError);
    expect(await log.staging.unpublished()).toHaveLength(1);
    expect(log.claims()).toEqual([]);
  });
});
