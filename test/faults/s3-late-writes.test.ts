/**
 * Writes that reach a real S3 server long after they were sent, when the log has gone on: through the same writer,
 * which has stopped waiting, or through another one.
 */
import assert from 'node:assert/strict';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ClaimLostError } from '#src/errors.js';
import type { Writer } from '#writer/writer.js';
import { describeWithS3 } from '../support/with-s3.js';
import { S3Logs, type S3Log } from '../support/s3-log.js';
import type { Call, Fault } from '../support/faulty-s3.js';
import { Gate } from '../support/gate.js';
import { entries, TestLog } from '../support/test-log.js';

vi.setConfig({ maxConcurrency: 16 });

/** The writer's time limit for an answer, in milliseconds. */
const TIMEOUT = 1_000;

/** Time limit for the deletion of a claim on a busy machine, in milliseconds. */
const LONGEST = 30_000;

const OURS = entries('ours', 5);
const THEIRS = entries('theirs', 4);
const at254 = await TestLog.of(254);

const SHAPES = [
  { name: 'a new log', base: undefined },
  { name: 'a log of 254', base: at254 },
];

/** Holds one call until it is let go. */
class Halt {
  readonly reached: Promise<Call>;
  #reach!: (call: Call) => void;
  readonly #name: string;
  readonly #when: 'before' | 'after';
  readonly #gate = new Gate();

  /** @param when before: the server does not see the call; after: the writer does not see the answer. */
  constructor(name: string, when: 'before' | 'after') {
    this.#name = name;
    this.#when = when;
    this.reached = new Promise((resolve) => (this.#reach = resolve));
  }

  letGo(): void {
    this.#gate.open();
  }

  readonly fault = (call: Call): Fault | undefined => {
    if (call.name !== this.#name) return undefined;
    this.#reach(call);
    return { acts: true, [this.#when]: this.#gate.opened };
  };
}

/** The server's answer to a write that arrives when the log has gone on. */
function lateStatus({ kind, path }: Call): number {
  if (kind === 'delete') return 204;
  // The claim was deleted, so a second one can be created. It does no harm: the checkpoint has passed its size.
  return path.startsWith('staging/') ? 200 : 412;
}

/** Runs `use` with a log of which one call is held. */
async function withHalt(
  logs: S3Logs,
  base: TestLog | undefined,
  halt: Halt,
  timeout: number | undefined,
  use: (s3: S3Log) => Promise<void>,
): Promise<void> {
  const s3 = await logs.log(base, halt.fault, timeout);
  try {
    await use(s3);
  } finally {
    halt.letGo();
    await s3.stop();
  }
}

/** Requires that a writer has stopped because another one won the claim. */
async function requireLost(writer: Writer): Promise<void> {
  expect(await writer.close()).toBeInstanceOf(ClaimLostError);
}

describeWithS3('a write that arrives late', async (server) => {
  const logs = await S3Logs.on(server);
  afterAll(() => {
    logs.close();
  });

  for (const { name, base } of SHAPES) {
    const reference = await logs.log(base);
    const writer = await reference.reopen();
    const opening = reference.proxy.calls.length;
    await reference.submitAll(writer, OURS);
    await reference.log.close(writer);
    await reference.stop();
    const { calls } = reference.proxy;

    describe.concurrent(`${name}, whose writer tried again and went on`, () => {
      for (const held of calls.filter(({ kind }) => kind !== 'read')) {
        it(held.name, async () => {
          const halt = new Halt(held.name, 'before');
          await withHalt(logs, base, halt, TIMEOUT, async (s3) => {
            const writer = await s3.reopen();
            await s3.submitAll(writer, OURS);
            await s3.submitAll(writer, entries('more', 2));
            await s3.log.close(writer);
            await s3.check();

            const call = await halt.reached;
            expect(call.status).toBeUndefined();
            halt.letGo();
            await call.done;
            expect(call.status).toBe(lateStatus(held));
            await s3.check();
            const next = await s3.reopen();
            const [proved] = await s3.submitAll(next, entries('next', 1));
            expect(proved?.index).toBe((base?.history.log.size ?? 0) + OURS.length + 2);
            await s3.log.close(next);
            await s3.check();
          });
        });
      }
    });

    if (base === undefined) continue;
    describe.concurrent(`${name}, on which another writer went on`, () => {
      // After the swap the other writer needs our staging.
      for (const held of calls.slice(opening).filter(({ kind }) => kind === 'create' || kind === 'swap')) {
        it(held.name, async () => {
          const halt = new Halt(held.name, 'before');
          await withHalt(logs, base, halt, undefined, async (s3) => {
            const ours = await s3.reopen();
            const submitted = Promise.allSettled([s3.submitAll(ours, OURS)]);
            const call = await halt.reached;
            const staging = base.staging.clone();
            const theirs = await s3.reopen(staging);
            await s3.submitAll(theirs, THEIRS);
            await vi.waitFor(() => {
              expect(s3.log.claims()).toEqual([]);
            }, LONGEST);
            halt.letGo();
            await call.done;
            expect(call.status).toBe(lateStatus(held));

            // If their claim was first, theirs was published; otherwise they have published ours.
            const isClaim = held.path.startsWith('staging/') && held.kind === 'create';
            const [end] = await submitted;
            expect(end.status).toBe(isClaim ? 'rejected' : 'fulfilled');
            if (!isClaim) await expect(s3.submitAll(ours, entries('ours later', 1))).rejects.toThrow();
            await requireLost(ours);
            const size = base.history.log.size + (isClaim ? 0 : OURS.length) + THEIRS.length;
            const [proved] = await s3.submitAll(theirs, entries('theirs later', 1));
            expect(proved?.index).toBe(size);
            expect(await theirs.close()).toBeUndefined();
            await s3.log.checkStaging(staging);
            await s3.check();
          });
        });
      }
    });
  }

  it('is not needed for two writers to meet: the second to claim stops', async () => {
    const halt = new Halt('create staging/254', 'after');
    await withHalt(logs, at254, halt, undefined, async (s3) => {
      const staging = at254.staging.clone();
      const [ours, theirs] = [await s3.reopen(), await s3.reopen(staging)];
      const submitted = s3.submitAll(ours, OURS);
      await (
        await halt.reached
      ).done;
      const [refused] = await Promise.allSettled(THEIRS.map((entry) => s3.log.submit(theirs, entry)));
      assert.equal(refused?.status, 'rejected');
      await requireLost(theirs);
      halt.letGo();
      expect((await submitted).map(({ index }) => index)).toEqual([254, 255, 256, 257, 258]);
      await s3.submitAll(ours, entries('ours later', 1));
      const again = await s3.open(staging);
      // Our writer has read the other's entries from the store.
      assert.equal(again.state, 'open');
      expect(again.writer.published.checkpoint.size).toBe(260);
      expect(await again.writer.close()).toBeUndefined();
      await s3.log.checkStaging(staging);
      await s3.log.close(ours);
      await s3.check();
    });
  });
});
