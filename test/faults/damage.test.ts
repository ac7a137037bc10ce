/**
 * Stores with objects that no writer of this log has put there: forged claims, and tiles or bundles with other bytes.
 */
import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ClaimLostError, DamagedStoreError } from '#src/errors.js';
import { concatBytes, encodeText } from '#tiles-spec/bytes.js';
import {
  emptyRoot,
  encodeEntryBundle,
  encodeClaim,
  encodeTimes,
  formatCheckpoint,
  leafHash,
  openCheckpoint,
  RightEdge,
  signNote,
  type StoredObject,
} from '#tiles-spec/index.js';
import { buildBatch, type Batch, type LogTail, type NewEntry } from '#writer/batch.js';
import { entries, KEY, makeKey, ORIGIN, TestLog } from '../support/test-log.js';
import { faultAt } from '../support/writer-process.js';

const BEFORE = entries('before', 3);
const THEIRS = entries('theirs', 2);
const TIME = Date.now() + 1000;
const OTHER_KEY = await makeKey();
const signer = KEY.signer(ORIGIN);
const verifier = KEY.verifier(ORIGIN);

/** The tail of the log that holds `before`, in one batch. */
function tailOf(before: readonly NewEntry[], times: readonly number[]): LogTail {
  const { edge } = RightEdge.empty().append(before.map((entry) => entry.leafHash));
  return { edge, bodies: before.map(({ body }) => body), times };
}

async function timesIn(log: TestLog): Promise<number[]> {
  const times = await log.store.read('tile/times/000.p/3');
  assert.ok(times);
  const view = new DataView(times.bytes.buffer, times.bytes.byteOffset);
  return [0, 8, 16].map((at) => Number(view.getBigUint64(at)));
}

const BASE = await TestLog.of(3);
const TIMES = await timesIn(BASE);
const TAIL = tailOf(BEFORE, TIMES);

/** The batch that another writer of the log would have made of these entries. */
async function batchOf(tail: LogTail, batch: readonly NewEntry[], time = TIME): Promise<Batch> {
  return (await buildBatch(tail, batch, time, signer, verifier)).batch;
}

const GOOD = await batchOf(TAIL, THEIRS);
const PATHS = { tile: 'tile/0/000.p/5', entries: 'tile/entries/000.p/5', times: 'tile/times/000.p/5' };

/** A claim with the good batch's checkpoint and these objects. */
function withObjects(objects: readonly StoredObject[]): Uint8Array {
  return encodeClaim({ checkpoint: GOOD.checkpoint.bytes, objects });
}

function with_(path: string, bytes: Uint8Array): Uint8Array {
  assert.ok(GOOD.objects.some((object) => object.path === path));
  return withObjects(GOOD.objects.map((object) => (object.path === path ? { path, bytes } : object)));
}

/** A claim with the good batch's objects and this checkpoint. */
function withCheckpoint(size: number, root: Uint8Array, key = KEY, origin = ORIGIN): Uint8Array {
  const text = formatCheckpoint({ origin, size, root, extensions: [] });
  return encodeClaim({ checkpoint: signNote(text, key.signer(origin)), objects: GOOD.objects });
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

function bytesOf(path: string): Uint8Array {
  return GOOD.objects.find((object) => object.path === path)?.bytes ?? assert.fail();
}

const bodies = [...BEFORE, ...THEIRS].map(({ body }) => body);
const [first = assert.fail(), ...others] = bodies;
const root = GOOD.checkpoint.root;

/** Objects that are no claims of this log: a writer that finds one stops. */
const NO_CLAIMS: Readonly<Record<string, Uint8Array>> = {
  'an empty object': new Uint8Array(0),
  garbage: encodeText('garbage'),
  'a claim cut short': GOOD.claim.subarray(0, -1),
  'a claim with a byte too many': concatBytes([GOOD.claim, Uint8Array.of(0)]),
  'a checkpoint and nothing of a claim': GOOD.checkpoint.bytes,
  "another key's claim": withCheckpoint(5, root, OTHER_KEY),
  "another log's claim": withCheckpoint(5, root, KEY, 'other.example'),
  'a checkpoint whose signature does not verify': encodeClaim({
    checkpoint: encodeText(Buffer.from(GOOD.checkpoint.bytes).toString().replace(/\n5\n/, '\n6\n')),
    objects: GOOD.objects,
  }),
  'a claim that would store a checkpoint': Buffer.from(
    Buffer.from(GOOD.claim).toString('latin1').replace(PATHS.times, 'checkpoint\0\0\0\0\0\0\0\0'),
    'latin1',
  ),
};

/** Claims with the log's signature whose objects are not those that their entries make. */
const WRONG_CLAIMS: Readonly<Record<string, Uint8Array>> = {
  'a root that is not of its entries': withCheckpoint(5, flipped(root, 0)),
  'a size that is not of its entries': withCheckpoint(6, root),
  'a size that the log has': withCheckpoint(3, TAIL.edge.root()),
  'a size that the log is past': withCheckpoint(0, emptyRoot()),
  'a batch of another log': (await batchOf(tailOf(entries('fork', 3), TIMES), THEIRS)).claim,
  'a batch from another size': (await batchOf(tailOf(BEFORE.slice(0, 2), TIMES.slice(0, 2)), THEIRS)).claim,
  'a batch that repeats an entry': (await batchOf(TAIL, BEFORE.slice(1, 2))).claim,
  'no objects': withObjects([]),
  'an object missing': withObjects(GOOD.objects.slice(1)),
  'an object too many': withObjects([...GOOD.objects, { path: 'tile/0/001.p/1', bytes: new Uint8Array(32) }]),
  'an object twice': withObjects([...GOOD.objects, ...GOOD.objects.slice(0, 1)]),
  'an object twice, the first time wrong': withObjects([
    { path: PATHS.tile, bytes: flipped(bytesOf(PATHS.tile), 0) },
    ...GOOD.objects,
  ]),
  'a tile that is another': with_(PATHS.tile, flipped(bytesOf(PATHS.tile), 150)),
  'a tile cut short': with_(PATHS.tile, bytesOf(PATHS.tile).subarray(32)),
  'a bundle that is no gzip': with_(PATHS.entries, encodeEntryBundle(bodies)),
  'a bundle cut short': with_(PATHS.entries, bytesOf(PATHS.entries).subarray(0, -4)),
  'a bundle of other entries': with_(
    PATHS.entries,
    gzipSync(encodeEntryBundle(entries('fork', 5).map(({ body }) => body))),
  ),
  'a bundle whose old entries are others': with_(
    PATHS.entries,
    gzipSync(encodeEntryBundle([...entries('fork', 3).map(({ body }) => body), ...bodies.slice(3)])),
  ),
  'a bundle of fewer entries': with_(PATHS.entries, gzipSync(encodeEntryBundle(others))),
  'a bundle of more entries': with_(PATHS.entries, gzipSync(encodeEntryBundle([...bodies, first]))),
  'a bundle that is a bomb': with_(PATHS.entries, gzipSync(new Uint8Array(5 * 65_537 + 1))),
  'times of which one is another': with_(PATHS.times, encodeTimes([...TIMES, TIME, TIME + 1])),
  'times whose old ones are others': with_(
    PATHS.times,
    encodeTimes([...TIMES.map((time) => time - 1), TIME, TIME]),
  ),
  'times that go back': with_(
    PATHS.times,
    concatBytes([bytesOf(PATHS.times).subarray(0, 24), encodeTimes([1, 1])]),
  ),
  'times cut short': with_(PATHS.times, bytesOf(PATHS.times).subarray(8)),
};

/** Requires that nothing was stored after the damage. */
function requireUntouched(log: TestLog, writes: number): void {
  expect(log.store.writes.slice(writes)).toEqual([]);
}

describe.concurrent('a claim that a start finds', () => {
  it('is completed where it is good', async () => {
    const log = BASE.clone();
    log.store.plant('staging/3', GOOD.claim);
    const writer = await log.reopen();
    const proved = await log.submitAll(writer, THEIRS);
    expect(proved.map(({ index }) => index)).toEqual([3, 4]);
    await log.close(writer);
    expect(log.history.log.size).toBe(5);
  });

  it('is completed where only its bundle is compressed otherwise', async () => {
    const log = BASE.clone();
    log.store.plant('staging/3', with_(PATHS.entries, gzipSync(encodeEntryBundle(bodies), { level: 9 })));
    await log.close(await log.reopen());
    expect(log.history.log.size).toBe(5);
  });

  for (const [name, claim] of [...Object.entries(NO_CLAIMS), ...Object.entries(WRONG_CLAIMS)]) {
    it(`is refused where it is ${name}`, async () => {
      const log = BASE.clone();
      log.store.plant('staging/3', claim);
      const writes = log.store.writes.length;
      const opened = await log.open();
      assert.equal(opened.state, 'failed');
      expect(opened.error).toBeInstanceOf(DamagedStoreError);
      expect(String(opened.error)).toMatch(/staging\/3|a leaf is in the log already/);
      requireUntouched(log, writes);
    });
  }
});

describe.concurrent('a claim that a batch finds', () => {
  for (const [name, claim, error] of [
    ...Object.entries(NO_CLAIMS).map(([name, claim]) => [name, claim, DamagedStoreError] as const),
    // A running writer stops at any claim that is not its own. The next start verifies the claim.
    ['good', GOOD.claim, ClaimLostError] as const,
    ['of another log', withCheckpoint(5, flipped(root, 0)), ClaimLostError] as const,
  ]) {
    it(`stops the log where it is ${name}`, async () => {
      const log = BASE.clone();
      const writer = await log.reopen();
      log.store.plant('staging/3', claim);
      const writes = log.store.writes.length;
      await expect(writer.submit(entries('ours', 1)[0] ?? assert.fail())).rejects.toThrow(
        'the log has stopped',
      );
      expect(await writer.stopped).toBeInstanceOf(error);
      requireUntouched(log, writes);
    });
  }
});

describe('a named object', () => {
  const OURS = entries('ours', 2);
  const object = (path: string, log: TestLog) => log.store.peek(path);

  for (const path of Object.values(PATHS)) {
    it(`${path} of other bytes stops the log, which goes on once it is gone`, async () => {
      const log = BASE.clone();
      const checkpoint = object('checkpoint', log);
      const writer = await log.reopen();
      log.store.plant(path, encodeText('other bytes'));
      await expect(log.submitAll(writer, OURS)).rejects.toThrow('the log has stopped');
      expect(await writer.stopped).toBeInstanceOf(DamagedStoreError);
      expect(String(await writer.stopped)).toContain(path);
      expect(object('checkpoint', log)).toEqual(checkpoint);
      // The next start refuses with the same message.
      const opened = await log.open();
      assert.equal(opened.state, 'failed');
      expect(opened.error).toBeInstanceOf(DamagedStoreError);
      expect(object('checkpoint', log)).toEqual(checkpoint);

      log.store.plant(path, undefined);
      const next = await log.reopen();
      const proved = await Promise.all(OURS.map((entry) => next.submit(entry)));
      expect(proved.map(({ index }) => index)).toEqual([3, 4]);
      expect(await next.close()).toBeUndefined();
    });
  }

  it('that is the bundle, compressed otherwise, is the bundle', async () => {
    const log = BASE.clone();
    const writer = await log.reopen();
    const stored = gzipSync(encodeEntryBundle([...BEFORE, ...OURS].map(({ body }) => body)), { level: 9 });
    log.store.plant(PATHS.entries, stored);
    await Promise.all(OURS.map((entry) => writer.submit(entry)));
    expect(await writer.close()).toBeUndefined();
    expect(Buffer.from(object(PATHS.entries, log) ?? [])).toEqual(stored);
    expect(gunzipSync(stored)).toEqual(
      Buffer.from(encodeEntryBundle([...BEFORE, ...OURS].map(({ body }) => body))),
    );
  });

  it('that is the bundle with another entry, or a bomb, is not', async () => {
    for (const wrong of [
      gzipSync(encodeEntryBundle(entries('fork', 5).map(({ body }) => body))),
      gzipSync(new Uint8Array(300 * 65_537)),
    ]) {
      const log = BASE.clone();
      const writer = await log.reopen();
      log.store.plant(PATHS.entries, wrong);
      await expect(log.submitAll(writer, OURS)).rejects.toThrow('the log has stopped');
      expect(await writer.stopped).toBeInstanceOf(DamagedStoreError);
    }
  });
});

describe('a checkpoint', () => {
  it('of the same size and another root, with the log’s signature, stops the log: a fork', async () => {
    const log = BASE.clone();
    const opened = await log.open();
    assert.equal(opened.state, 'open');
    const text = formatCheckpoint({ origin: ORIGIN, size: 3, root: leafHash(Buffer.of()), extensions: [] });
    const fork = signNote(text, signer);
    log.store.plant('checkpoint', fork);
    await expect(opened.writer.submit(entries('ours', 1)[0] ?? assert.fail())).rejects.toThrow(
      'the log has stopped',
    );
    expect(await opened.writer.stopped).toBeInstanceOf(DamagedStoreError);
    expect(log.store.peek('checkpoint')).toEqual(fork);
    expect(log.store.peek('tile/0/000.p/4')).toBeUndefined();
  });

  it.each([
    ['cut', (stored: Buffer) => stored.subarray(0, stored.length / 2)],
    ['not signed', (stored: Buffer) => stored.subarray(0, stored.indexOf('\n\n') + 2)],
  ])('that is %s stops the log, which says what is wrong, and where', async (_, damage) => {
    const log = BASE.clone();
    const writer = await log.reopen();
    log.store.plant('checkpoint', damage(Buffer.from(log.store.peek('checkpoint') ?? assert.fail())));
    await expect(log.submitAll(writer, entries('ours', 1))).rejects.toThrow('the log has stopped');
    const error = await writer.stopped;
    expect(error).toBeInstanceOf(DamagedStoreError);
    expect(error?.message).toMatch(/^the checkpoint in the store is not one of .*restore it from a copy$/);
  });

  it('with another’s signature line beside the log’s is the same checkpoint', async () => {
    const log = BASE.clone();
    const writer = await log.reopen();
    const stored = Buffer.from(log.store.peek('checkpoint') ?? assert.fail()).toString();
    const cosigned = signNote(
      stored.slice(0, stored.indexOf('\n\n') + 1),
      OTHER_KEY.signer('witness.example'),
    );
    log.store.plant(
      'checkpoint',
      encodeText(stored + (Buffer.from(cosigned).toString().split('\n\n')[1] ?? '')),
    );
    expect(
      openCheckpoint(log.store.peek('checkpoint') ?? assert.fail(), verifier).note.signatures,
    ).toHaveLength(2);
    await writer.submit(entries('ours', 1)[0] ?? assert.fail());
    expect(await writer.close()).toBeUndefined();
  });

  it('that is gone stops nothing for good', async () => {
    const log = BASE.clone();
    const stored = log.store.peek('checkpoint') ?? assert.fail();
    const opened = await log.open(faultAt(Infinity, 'not stored'));
    assert.equal(opened.state, 'open');
    log.store.plant('checkpoint', undefined);
    const submitted = opened.writer.submit(entries('ours', 1)[0] ?? assert.fail());
    expect((await opened.writer.fault())?.reason).toContain('no checkpoint');
    log.store.plant('checkpoint', stored);
    expect((await submitted).index).toBe(3);
    expect(await opened.writer.close()).toBeUndefined();
  });
});
