/**
 * Work of many clients in one queue. Each client gets an equal share of the workers' time, however much it asks for:
 * start-time fair queueing (Goyal, Vin, Cheng: SIGCOMM 1996). Each client has a clock of its own, which moves by the
 * cost of the client's work; the client whose clock is furthest behind is served next. Idling gains a client nothing:
 * on its return its clock is moved up to that of the client served last.
 * @module
 */

export interface QueuedWork {
  /** The expected cost, in milliseconds. */
  readonly cost: number;
  /** Whether nobody waits for the work any more: it is dropped when its turn comes. */
  readonly isOver: boolean;
}

/** One client: its waiting work, and its clock. */
export class Share<Work> {
  /** Milliseconds of service, on a clock that all shares of a queue have in common. */
  clock = 0;
  readonly waiting: Work[] = [];
  /** Its place in the queue's heap, while it has work waiting. */
  place = -1;
}

export class FairQueue<Work extends QueuedWork> {
  /** The shares with work waiting: a binary heap, the one whose clock is furthest behind first. */
  readonly #heap: Share<Work>[] = [];
  /** The clock of the share served last, as it was then. */
  #now = 0;
  #size = 0;

  /** How much work waits. */
  get size(): number {
    return this.#size;
  }

  /** Adds work behind the client's own. Returns whether the client's earlier work does not delay it. */
  add(share: Share<Work>, work: Work): boolean {
    const isIdle = share.waiting.push(work) === 1;
    const isNext = isIdle && share.clock <= this.#now;
    this.#size++;
    if (isIdle) {
      share.clock = Math.max(share.clock, this.#now);
      this.#heap.push(share);
      this.#rise(share, this.#heap.length - 1);
    }
    return isNext;
  }

  /** Takes the next work: at most `count` pieces that cost at most `cost` ms together, or one that costs more. */
  take(count: number, cost: number): Work[] {
    const taken: Work[] = [];
    let total = 0;
    for (let share = this.#heap[0]; share !== undefined; share = this.#heap[0]) {
      const [next] = share.waiting;
      if (next === undefined) throw new TypeError('a share in the heap has work');
      if (!next.isOver) {
        total += next.cost;
        if (taken.length === count || (total > cost && taken.length > 0)) break;
        taken.push(next);
        this.#now = share.clock;
        share.clock += next.cost;
      }
      share.waiting.shift();
      this.#size--;
      if (share.waiting.length > 0) this.#sink(share, 0);
      else this.#remove(share);
    }
    return taken;
  }

  /** Corrects a client's clock once its work is done: by `cost` ms over the expected cost, or under it if negative. */
  charge(share: Share<Work>, cost: number): void {
    share.clock += cost;
    if (share.place >= 0) this.#settle(share);
  }

  /** The share that has most work waiting. Linear in the number of shares. */
  longest(): Share<Work> | undefined {
    return this.#heap.reduce<Share<Work> | undefined>(
      (longest, share) => (share.waiting.length > (longest?.waiting.length ?? 0) ? share : longest),
      undefined,
    );
  }

  /** Takes the newest work of a share that has some waiting. */
  takeLast(share: Share<Work>): Work | undefined {
    const work = share.waiting.pop();
    this.#size--;
    if (share.waiting.length === 0) this.#remove(share);
    return work;
  }

  #remove(share: Share<Work>): void {
    const last = this.#heap.pop();
    if (last !== undefined && last !== share) {
      last.place = share.place;
      this.#heap[last.place] = last;
      this.#settle(last);
    }
    share.place = -1;
  }

  #settle(share: Share<Work>): void {
    this.#rise(share, share.place);
    this.#sink(share, share.place);
  }

  #rise(share: Share<Work>, from: number): void {
    let at = from;
    for (;;) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (at === 0 || parent === undefined || parent.clock <= share.clock) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(share, at);
  }

  #sink(share: Share<Work>, from: number): void {
    let at = from;
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      const child = right !== undefined && left !== undefined && right.clock < left.clock ? right : left;
      if (child === undefined || child.clock >= share.clock) break;
      const below = child.place;
      this.#put(child, at);
      at = below;
    }
    this.#put(share, at);
  }

  #put(share: Share<Work>, place: number): void {
    this.#heap[place] = share;
    share.place = place;
  }
}
