/**
 * Every S3 call of a writer fails in every way: before the server has acted, afterwards, and with false answers. No
 * acknowledged entry is lost, no history forks, and the log goes on.
 */
import assert from 'node:assert/strict';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { DamagedStoreError, StartRefusedError } from '#src/errors.js';
import { encodeHex } from '#tiles-spec/index.js';
import type { NewEntry } from '#writer/batch.js';
import { describeWithS3 } from '../support/with-s3.js';
import { S3Logs } from '../support/s3-log.js';
import type { Call, Fault, Kind } from '../support/faulty-s3.js';
import { entries, TestLog } from '../support/test-log.js';

vi.setConfig({ maxConcurrency: 16 });

/** The writer's time limit for an answer, in milliseconds. */
const TIMEOUT = 1_000;

const STATUSES = [409, 412, 500, 503] as const;

const WRITE_FAULTS = new Map<string, Fault>([
  ['reset, not done', { acts: false, answer: 'reset' }],
  ['no answer, not done', { acts: false, answer: 'none' }],
  ['done, and reset', { acts: true, answer: 'reset' }],
  ['done, and half an answer', { acts: true, answer: 'half' }],
  ['done, and no answer', { acts: true, answer: 'none' }],
  ...STATUSES.flatMap((answer): [string, Fault][] => [
    [`${answer}, not done`, { acts: false, answer }],
    [`done, and ${answer}`, { acts: true, answer }],
  ]),
]);

const READ_FAULTS = new Map<string, Fault>([
  ['reset', { acts: false, answer: 'reset' }],
  ['no answer', { acts: false, answer: 'none' }],
  ['half an answer', { acts: true, answer: 'half' }],
  ['half a body, as if whole', { acts: true, answer: 'short' }],
  ['404', { acts: false, answer: 404 }],
  ['500', { acts: false, answer: 500 }],
  ['503', { acts: false, answer: 503 }],
]);

/** The ways in which each kind of call fails. A log makes no other kinds. */
const FAULTS: Readonly<Record<Kind, ReadonlyMap<string, Fault>>> = {
  create: WRITE_FAULTS,
  swap: WRITE_FAULTS,
  delete: WRITE_FAULTS,
  // Only the collector of partial objects deletes many, and it does not run here.
  'delete many': new Map(),
  read: READ_FAULTS,
  other: new Map(),
};

interface Shape {
  readonly name: string;
  /** Undefined where the writer has to make the log. */
  readonly base: TestLog | undefined;
  readonly batch: readonly NewEntry[];
}

const BATCH = entries('batch', 5);
const at254 = await TestLog.of(254);

/** A log whose writer died at a call of its batch. */
async function died(how: 'crash before' | 'crash after', name: string): Promise<TestLog> {
  const log = at254.clone();
  const opened = await log.open({ fault: (call) => (call.name === name ? how : undefined) });
  assert.equal(opened.state, 'open');
  await log.trySubmit(opened, BATCH);
  assert.ok(opened.process.isDead);
  return log;
}

const SHAPES: readonly Shape[] = [
  { name: 'a new log and its first entry', base: undefined, batch: entries('batch', 1) },
  { name: 'five entries after 254, in seven objects', base: at254, batch: BATCH },
  {
    name: 'a start that finds a claim and some of its objects',
    base: await died('crash before', 'store.create tile/entries/000'),
    batch: [],
  },
  {
    name: 'a start that finds a batch published and its claim left over',
    base: await died('crash after', 'store.replace checkpoint'),
    batch: [],
  },
];

/** A run without faults. */
interface Reference {
  readonly shape: Shape;
  readonly calls: readonly Call[];
}

async function record(logs: S3Logs, shape: Shape): Promise<Reference> {
  const s3 = await logs.log(shape.base);
  const writer = await s3.reopen();
  await s3.submitAll(writer, shape.batch);
  await s3.log.close(writer);
  await s3.check();
  await s3.stop();
  return { shape, calls: s3.proxy.calls };
}

type Stop = typeof DamagedStoreError | typeof StartRefusedError;

/**
 * The error that stops a writer after a fault; undefined where the writer goes on. It tries again after a missing
 * answer or an error, but believes an answer that says which objects the store has.
 */
function stopsWith({ shape, calls }: Reference, call: Call, { answer }: Fault): Stop | undefined {
  const earlier = calls.slice(0, calls.indexOf(call)).filter(({ path }) => path === call.path);
  if (call.kind !== 'read' || call.status === 404 || !(answer === 'short' || answer === 404))
    return undefined;
  if (call.path === 'checkpoint') {
    if (earlier.length === 0) return StartRefusedError;
    // The writer has seen the checkpoint, so it does not believe a 404.
    return answer === 'short' ? DamagedStoreError : undefined;
  }
  // A claim or an object that existed already is read back and compared.
  if (call.path.startsWith('staging/') || earlier.at(-1)?.status === 412)
    return answer === 'short' ? DamagedStoreError : undefined;
  // Tiles are read at the start. A full tile stands in for a partial one that is gone.
  const [full = '', width] = call.path.split('.p/');
  const hasFull = width !== undefined && shape.base?.store.peek(full) !== undefined;
  return answer === 404 && hasFull ? undefined : StartRefusedError;
}

/** Makes a call of a writer fail, and requires that the log goes on. */
async function survive(logs: S3Logs, reference: Reference, { name }: Call, fault: Fault, stop?: Stop) {
  const { base, batch } = reference.shape;
  let failed = false;
  const failOnce = (call: Call) => {
    if (failed || call.name !== name) return undefined;
    failed = true;
    return fault;
  };
  const s3 = await logs.log(base, failOnce, fault.answer === 'none' ? TIMEOUT : undefined);
  try {
    let opened = await s3.open();
    if (opened.state === 'open') await s3.log.trySubmit(opened, batch);
    s3.log.check();
    if (stop !== undefined) {
      assert.ok(opened.state !== 'crashed');
      const error = opened.state === 'open' ? await opened.writer.close() : opened.error;
      expect(error).toBeInstanceOf(stop);
      opened = await s3.open();
    }
    if (opened.state === 'failed') throw opened.error;
    assert.equal(opened.state, 'open');
    const acknowledged = new Set(s3.log.acknowledged.map(({ leaf }) => leaf));
    const waiting = batch.filter(({ leafHash }) => !acknowledged.has(encodeHex(leafHash)));
    await s3.submitAll(opened.writer, waiting);
    const [more] = await s3.submitAll(opened.writer, entries('more', 1));
    const before = base === undefined ? 0 : (await base.staging.tree()).size;
    expect(more?.index).toBe(before + batch.length);
    await s3.log.close(opened.writer);
    await s3.check();
    expect(failed).toBe(true);
  } finally {
    await s3.stop();
  }
}

/** The names and answers of calls. Those for tiles, which run several at once, are sorted by name. */
function listed(calls: readonly Call[]): string[] {
  const all: string[][] = [];
  for (const [i, { path, name, status }] of calls.entries()) {
    const follows = path.startsWith('tile/') && calls[i - 1]?.path.startsWith('tile/');
    if (!follows) all.push([]);
    all.at(-1)?.push(`${name}: ${String(status)}`);
  }
  return all.flatMap((run) => run.sort());
}

describeWithS3('each S3 call', async (server) => {
  const logs = await S3Logs.on(server);
  afterAll(() => {
    logs.close();
  });
  const references: Reference[] = [];
  for (const shape of SHAPES) references.push(await record(logs, shape));

  it('is one of these', () => {
    expect(references.map(({ calls }) => listed(calls))).toEqual([
      [
        'read checkpoint: 404',
        'create checkpoint: 200',
        'read checkpoint (2): 200',
        'read checkpoint (3): 200',
        'read staging/0: 404',
        'create staging/0: 200',
        'read checkpoint (4): 200',
        'create tile/0/000.p/1: 200',
        'create tile/entries/000.p/1: 200',
        'create tile/times/000.p/1: 200',
        'swap checkpoint: 200',
        'read checkpoint (5): 200',
        'delete staging/0: 204',
      ],
      [
        'read checkpoint: 200',
        'read checkpoint (2): 200',
        'read tile/0/000.p/254: 200',
        'read staging/254: 404',
        'read tile/0/000.p/254 (2): 200',
        'read tile/entries/000.p/254: 200',
        'read tile/times/000.p/254: 200',
        'create staging/254: 200',
        'read checkpoint (3): 200',
        'create tile/0/000: 200',
        'create tile/0/001.p/3: 200',
        'create tile/1/000.p/1: 200',
        'create tile/entries/000: 200',
        'create tile/entries/001.p/3: 200',
        'create tile/times/000: 200',
        'create tile/times/001.p/3: 200',
        'swap checkpoint: 200',
        'read checkpoint (4): 200',
        'delete staging/254: 204',
      ],
      [
        'read checkpoint: 200',
        'read checkpoint (2): 200',
        'read tile/0/000.p/254: 200',
        'read staging/254: 200',
        'read checkpoint (3): 200',
        'create tile/0/000: 412',
        'create tile/0/001.p/3: 412',
        'create tile/1/000.p/1: 412',
        'create tile/entries/000: 200',
        'create tile/entries/001.p/3: 200',
        'create tile/times/000: 200',
        'create tile/times/001.p/3: 200',
        'read tile/0/000.p/254 (2): 200',
        'read tile/0/000: 200',
        'read tile/0/001.p/3: 200',
        'read tile/1/000.p/1: 200',
        'read tile/entries/000.p/254: 200',
        'read tile/times/000.p/254: 200',
        'swap checkpoint: 200',
        'read checkpoint (4): 200',
        'delete staging/254: 204',
        'read checkpoint (5): 200',
        'read tile/0/001.p/3 (2): 200',
        'read tile/1/000.p/1 (2): 200',
        'read staging/259: 404',
        'read tile/0/001.p/3 (3): 200',
        'read tile/1/000.p/1 (3): 200',
        'read tile/entries/001.p/3: 200',
        'read tile/times/001.p/3: 200',
      ],
      [
        'read checkpoint: 200',
        'read checkpoint (2): 200',
        'read tile/0/000: 200',
        'read tile/0/001.p/3: 200',
        'read tile/1/000.p/1: 200',
        'delete staging/254: 204',
        'read staging/259: 404',
        'read tile/0/001.p/3 (2): 200',
        'read tile/1/000.p/1 (2): 200',
        'read tile/entries/001.p/3: 200',
        'read tile/times/001.p/3: 200',
      ],
    ]);
  });

  for (const reference of references) {
    const { shape, calls } = reference;
    describe.concurrent(shape.name, () => {
      for (const call of calls) {
        for (const [faultName, fault] of FAULTS[call.kind]) {
          const stop = stopsWith(reference, call, fault);
          it(`${call.name}: ${faultName}${stop === undefined ? '' : ` (${stop.name})`}`, () =>
            survive(logs, reference, call, fault, stop));
        }
      }
    });
  }
});
