/**
 * The limits on what is in flight: entries, their bytes, repeats while they are proved, and waiting submitters.
 */
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '#src/errors.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { leafHash } from '#tiles-spec/index.js';
import type { NewEntry } from '#writer/batch.js';
import { Patience } from '#writer/patience.js';
import { EntryPool, type ProvedPlace } from '#writer/pool.js';

function entry(name: string, length = name.length): NewEntry {
  const body = encodeText(name.padEnd(length));
  return { body, leafHash: leafHash(body) };
}

/** A pool whose look-ups end when the test ends them. */
function poolOf(maxPending: number) {
  const lookUps: { found: (repeat: ProvedPlace | undefined) => void; isAwaited: () => boolean }[] = [];
  const pool = new EntryPool({
    findRepeat: (_, isAwaited) =>
      new Promise((found) => {
        lookUps.push({ found, isAwaited });
      }),
    maxPending,
  });
  return { pool, lookUps };
}

const REPEAT = { index: 7, proof: [], checkpoint: undefined } as unknown as ProvedPlace;

describe('the pool', () => {
  it('counts a repeat until it is proved', async () => {
    const { pool, lookUps } = poolOf(2);
    const first = pool.submit(entry('a'), new Patience());
    const second = pool.submit(entry('b'), new Patience());
    await expect(pool.submit(entry('c'), new Patience())).rejects.toThrow(
      /^the log has 2 entries waiting already; try again$/,
    );
    expect([pool.pending, pool.full]).toEqual([2, true]);
    for (const { found } of lookUps) found(REPEAT);
    expect(await Promise.all([first, second])).toMatchObject([{ place: REPEAT }, { place: REPEAT }]);
    expect([pool.pending, pool.full]).toEqual([0, false]);
  });

  it('bounds those who wait for an entry that is in flight already', async () => {
    const { pool, lookUps } = poolOf(3);
    const waiting = Array.from({ length: 4 }, () => pool.submit(entry('a'), new Patience()));
    await expect(pool.submit(entry('a'), new Patience())).rejects.toBeInstanceOf(UnavailableError);
    lookUps[0]?.found(REPEAT);
    const answers = await Promise.all(waiting);
    expect(answers.map(({ isRepeat }) => isRepeat)).toEqual([true, true, true, true]);
    // Answered submitters make room for others.
    const again = Array.from({ length: 4 }, () => pool.submit(entry('a'), new Patience()));
    lookUps[1]?.found(REPEAT);
    expect(await Promise.all(again)).toHaveLength(4);
  });

  it('bounds the bytes of what is in flight: 64 MiB', async () => {
    const { pool, lookUps } = poolOf(4_096);
    const length = 1024 * 1024;
    const waiting = Array.from({ length: 64 }, (_, i) => pool.submit(entry(`${i} `, length), new Patience()));
    await expect(pool.submit(entry('one more'), new Patience())).rejects.toBeInstanceOf(UnavailableError);
    lookUps[0]?.found(REPEAT);
    await waiting[0];
    const more = pool.submit(entry('one more'), new Patience());
    for (const { found } of lookUps) found(REPEAT);
    expect(await Promise.all([...waiting, more])).toHaveLength(65);
  });

  it('keeps an entry whose submitter has given up, and tells the look-up that nobody waits', async () => {
    const { pool, lookUps } = poolOf(2);
    const patience = new Patience(20);
    await expect(pool.submit(entry('a'), patience)).rejects.toThrow(/^the entry is not published yet/);
    expect(pool.pending).toBe(1);
    expect(lookUps[0]?.isAwaited()).toBe(false);
    const joined = pool.submit(entry('a'), new Patience());
    expect(lookUps[0]?.isAwaited()).toBe(true);
    lookUps[0]?.found(REPEAT);
    expect(await joined).toMatchObject({ place: REPEAT, isRepeat: true });
  });
});
