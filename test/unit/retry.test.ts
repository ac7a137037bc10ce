import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DamagedStoreError, UnavailableError, UnreachableError } from '#src/errors.js';
import { askedPause, retry } from '#src/retry.js';

const AWAY = new UnreachableError('away', { code: 'unreachable' });
const STEADY = { first: 100, longest: 1_000 };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Fails `times` times with an error, and then gives the number of calls. */
function failing(times: number, error: unknown = AWAY): () => Promise<number> {
  let calls = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- others throw anything
  return () => (calls++ < times ? Promise.reject(error) : Promise.resolve(calls));
}

/** How a call ends, and the pauses that it made. */
async function outcomeOf(work: () => Promise<number>, options: Partial<Parameters<typeof retry>[1]> = {}) {
  const pauses: number[] = [];
  const onFailure = (_: unknown, pause: number) => pauses.push(pause);
  const running = retry(work, { retries: Infinity, pauses: STEADY, onFailure, ...options });
  const ended = running.then(
    (value): unknown => value,
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  return { end: await ended, pauses };
}

it('goes on for ever, with pauses that double up to the longest', async () => {
  const { end, pauses } = await outcomeOf(failing(2_000));
  expect(end).toBe(2_001);
  expect(pauses.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(pauses.at(-1)).toBe(1_000);
});

it('gives up after the last try, with its error', async () => {
  const { end, pauses } = await outcomeOf(failing(3), { retries: 2 });
  expect(end).toBe(AWAY);
  expect(pauses).toHaveLength(2);
});

it('spreads the pauses of many readers', async () => {
  const pauses = { ...STEADY, isSpread: true };
  const firsts = await Promise.all(
    Array.from({ length: 50 }, async () => (await outcomeOf(failing(1), { pauses })).pauses[0] ?? 0),
  );
  expect(Math.min(...firsts)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...firsts)).toBeLessThan(200);
  expect(new Set(firsts).size).toBeGreaterThan(25);
});

it.each([
  [300, 300],
  [50, 100],
  [999_000, 1_000],
])('grants a server that asks for %i ms a pause of %i ms', async (pause, granted) => {
  const busy = new UnreachableError('busy', { code: 'busy', pause });
  expect((await outcomeOf(failing(1, busy))).pauses).toEqual([granted]);
});

it.each([
  ['7', 7_000],
  ['0', 0],
  ['999', 999_000],
  ['1000', 0],
  ['-1', 0],
  ['1.5', 0],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['', 0],
  [undefined, 0],
])('takes Retry-After: %s for %i ms', (header, pause) => {
  expect(askedPause(header)).toBe(pause);
});

it.each<[string, unknown]>([
  ['is final', new DamagedStoreError('x')],
  ['is a refusal', new UnreachableError('x', { code: 'refused' })],
  ['is of a place without a log', new UnreachableError('x', { code: 'no-log' })],
  ['is none of ours', new Error('x')],
  ['is a fault in the code', new TypeError('x')],
  ['is no Error', 'text'],
])('does not try again after what %s', async (_, error) => {
  const { end, pauses } = await outcomeOf(failing(1, error));
  expect(end).toBe(error);
  expect(pauses).toEqual([]);
});

it.each<[string, unknown]>([
  ['may pass by itself', AWAY],
  ['says that the log is busy', new UnavailableError('x')],
  ['took too long', new UnreachableError('x', { code: 'timeout' })],
  ['broke off', new UnreachableError('x', { code: 'interrupted' })],
])('tries again after what %s', async (_, error) => {
  expect((await outcomeOf(failing(1, error))).end).toBe(2);
});

it('leaves to its caller what is final', async () => {
  const isFinal = (error: unknown) => error === AWAY;
  expect((await outcomeOf(failing(1), { isFinal })).end).toBe(AWAY);
  expect((await outcomeOf(failing(1, new Error('x')), { isFinal })).end).toBe(2);
});

it('ends with an error that its observer throws', async () => {
  const refusal = new Error('refused at a start');
  const onFailure = () => {
    throw refusal;
  };
  expect((await outcomeOf(failing(1), { onFailure })).end).toBe(refusal);
});

it.each<[string, () => Promise<number>]>([
  ['in a pause', failing(Infinity)],
  ['in a call that never returns', () => new Promise(() => undefined)],
])('ends at once with the signal, %s', async (_, work) => {
  const abort = new AbortController();
  const stopped = new Error('stopped');
  const running = retry(work, { retries: Infinity, pauses: STEADY, signal: abort.signal });
  const ended = expect(running).rejects.toBe(stopped);
  await vi.advanceTimersByTimeAsync(50);
  abort.abort(stopped);
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});

it('does nothing after the signal', async () => {
  const work = vi.fn(failing(0));
  const signal = AbortSignal.abort(new Error('stopped'));
  expect((await outcomeOf(work, { signal })).end).toBe(signal.reason);
  expect(work).not.toHaveBeenCalled();
});
