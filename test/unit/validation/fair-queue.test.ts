/**
 * Whose turn it is: clients share what is served, however much each asks for.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue, Share } from '#writer/validation/fair-queue.js';

interface Work {
  readonly of: number;
  readonly number: number;
  readonly cost: number;
  isOver: boolean;
}

const work = (of: number, number: number, cost: number): Work => ({ of, number, cost, isOver: false });

/** A queue, and shares in it by number. */
function queueOf(clients: number) {
  const queue = new FairQueue<Work>();
  const shares = Array.from({ length: clients }, () => new Share<Work>());
  const add = (of: number, number: number, cost: number) => {
    const share = shares[of] ?? new Share<Work>();
    return queue.add(share, work(of, number, cost));
  };
  return { queue, shares, add };
}

describe('a fair queue', () => {
  it('gives all that was added, each client its own in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ of: fc.nat(7), cost: fc.nat(50), take: fc.nat(3), charge: fc.nat(60) }), {
          maxLength: 200,
        }),
        (steps) => {
          const { queue, shares, add } = queueOf(8);
          const counts = Array<number>(8).fill(0);
          const taken: Work[] = [];
          for (const { of, cost, take, charge } of steps) {
            add(of, counts[of] ?? 0, cost);
            counts[of] = (counts[of] ?? 0) + 1;
            const now = queue.take(take, 100);
            for (const each of now) {
              const share = shares[each.of];
              if (share !== undefined) queue.charge(share, charge - each.cost);
            }
            taken.push(...now);
          }
          taken.push(...queue.take(Infinity, Infinity));
          expect(queue.size).toBe(0);
          for (const [of, count] of counts.entries()) {
            const own = taken.filter((each) => each.of === of).map(({ number }) => number);
            expect(own).toEqual(Array.from({ length: count }, (_, i) => i));
          }
        },
      ),
    );
  });

  it('serves clients that always have work equally, by cost', () => {
    const costs = [1, 3, 10, 40];
    const { queue, add } = queueOf(costs.length);
    const served = Array<number>(costs.length).fill(0);
    for (const [of, cost] of costs.entries()) for (let i = 0; i < 4_000; i++) add(of, i, cost);
    for (let i = 0; i < 1_000; i++) {
      for (const { of, cost } of queue.take(1, 1_000)) served[of] = (served[of] ?? 0) + cost;
    }
    // Of two that wait all the time, one is never ahead by more than what both were served last.
    expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(80);
  });

  it('puts one request before the rest of a burst', () => {
    const { queue, add } = queueOf(2);
    for (let i = 0; i < 100; i++) add(0, i, 1);
    expect(queue.take(10, 1_000)).toHaveLength(10);
    add(1, 0, 1);
    expect(queue.take(2, 1_000).map(({ of }) => of)).toContain(1);
  });

  it('charges what a request did cost to the client that sent it', () => {
    const { queue, shares, add } = queueOf(2);
    const [dear] = shares;
    for (let i = 0; i < 50; i++) for (const of of [0, 1]) add(of, i, 1);
    expect(queue.take(1, 1_000)).toMatchObject([{ of: 0 }]);
    // It cost thirty times what was thought.
    if (dear !== undefined) queue.charge(dear, 29);
    expect(queue.take(29, 1_000).map(({ of }) => of)).toEqual(Array(29).fill(1));
  });

  it('lets nobody save up for a burst by being idle', () => {
    const { queue, add } = queueOf(2);
    for (let i = 0; i < 1_000; i++) add(0, i, 1);
    queue.take(500, 1_000);
    for (let i = 0; i < 100; i++) add(1, i, 1);
    const next = queue.take(100, 1_000).filter(({ of }) => of === 1);
    expect(next.length).toBeGreaterThanOrEqual(49);
    expect(next.length).toBeLessThanOrEqual(51);
  });

  it('fills a message up to its cost, with one request at least', () => {
    const { queue, add } = queueOf(1);
    for (const [i, cost] of [30, 10, 10, 10].entries()) add(0, i, cost);
    const counts = [queue.take(128, 25), queue.take(128, 25), queue.take(128, 25)].map(
      ({ length }) => length,
    );
    expect(counts).toEqual([1, 2, 1]);
  });

  it('drops what nobody waits for, and charges nobody for it', () => {
    const { queue, shares } = queueOf(1);
    const [share] = shares;
    const over = { ...work(0, 0, 10), isOver: true };
    if (share !== undefined) queue.add(share, over);
    expect(queue.take(1, 1_000)).toEqual([]);
    expect(queue.size).toBe(0);
    expect(share?.clock).toBe(0);
  });

  it('names the client with most waiting, and gives up its newest', () => {
    const { queue, add } = queueOf(3);
    for (const [of, count] of [2, 5, 3].entries()) for (let i = 0; i < count; i++) add(of, i, 1);
    const longest = queue.longest();
    expect(longest?.waiting).toHaveLength(5);
    if (longest !== undefined) expect(queue.takeLast(longest)).toMatchObject({ of: 1, number: 4 });
    expect(queue.size).toBe(9);
    expect(new FairQueue<Work>().longest()).toBeUndefined();
  });
});
