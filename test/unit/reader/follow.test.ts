import { expect, it } from 'vitest';
import { follow, InconsistentLogError, LogReader, UnreachableError } from '#reader/index.js';
import { nodeGunzip } from '#reader/node/index.js';
import { refusal, TestLog } from '../../support/reader.js';

const POLL = 5;

function readerOf(log: TestLog, isAway: () => boolean = () => false): LogReader {
  const read = (path: string) =>
    isAway()
      ? Promise.reject(new UnreachableError('away', { code: 'unreachable' }))
      : Promise.resolve(log.files.get(path));
  return new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip });
}

it('yields each growth once, with entries from where the last one ended', async () => {
  const log = await TestLog.of([3]);
  const abort = new AbortController();
  const seen: [number, number][] = [];
  const bodies: string[] = [];
  for await (const { from, checkpoint, tree } of follow(readerOf(log), {
    from: 1,
    poll: POLL,
    signal: abort.signal,
  })) {
    seen.push([from, checkpoint.size]);
    for await (const { body } of tree.entries(from)) bodies.push(Buffer.from(body).toString());
    if (checkpoint.size === 3) setTimeout(() => log.grow(300), 3 * POLL);
    // The log grows twice while this growth is handled, which comes as one growth.
    if (checkpoint.size === 300) log.grow(301).grow(600);
    if (checkpoint.size === 600) abort.abort();
  }
  expect(seen).toEqual([
    [1, 3],
    [3, 300],
    [300, 600],
  ]);
  expect(bodies).toEqual(log.bodies.slice(1).map((body) => Buffer.from(body).toString()));
});

it('goes on when a log that was away is back', async () => {
  const log = await TestLog.of([1]);
  const abort = new AbortController();
  const failures: UnreachableError[] = [];
  const options = {
    ...{ from: 0, poll: POLL, signal: abort.signal },
    onUnreachable: (error: UnreachableError) => failures.push(error),
  };
  for await (const { checkpoint } of follow(
    readerOf(log, () => failures.length < 3),
    options,
  )) {
    expect(checkpoint.size).toBe(1);
    abort.abort();
  }
  expect(failures.map(({ code }) => code)).toEqual(['unreachable', 'unreachable', 'unreachable']);
});

it.each(['refused', 'no-log'] as const)(
  'ends with an answer of which no later one differs: %s',
  async (code) => {
    const log = await TestLog.of([1]);
    const read = () => Promise.reject(new UnreachableError('no', { code }));
    const reader = new LogReader({ read, verifier: log.verifier, gunzip: nodeGunzip });
    const options = { from: 0, poll: POLL, signal: AbortSignal.timeout(1_000) };
    expect(await refusal(follow(reader, options).next())).toMatchObject({ code });
  },
);

it('ends with its signal, before the first look and during a pause', async () => {
  const log = await TestLog.of([1]);
  const abort = new AbortController();
  setTimeout(() => {
    abort.abort();
  }, 20);
  const options = { from: 1, poll: 3_600_000, signal: abort.signal };
  expect((await follow(readerOf(log), options).next()).done).toBe(true);
  expect((await follow(readerOf(log), options).next()).done).toBe(true);
});

it('refuses a log that has fewer entries than its follower', async () => {
  const log = await TestLog.of([5]);
  const options = { from: 6, poll: POLL, signal: new AbortController().signal };
  const error = await refusal(follow(readerOf(log), options).next());
  expect(error.message).toContain('the log has 5 entries, and its follower has 6');
});

it('refuses a log that takes back what it has shown', async () => {
  const log = await TestLog.of([5]);
  const growths = follow(readerOf(log), { from: 0, poll: POLL, signal: new AbortController().signal });
  await growths.next();
  log.files.set('checkpoint', log.signAt(4));
  expect(await refusal(growths.next())).toBeInstanceOf(InconsistentLogError);
});
