/**
 * The entries in flight: accepted, and not yet published. An entry that is submitted again joins itself here.
 * @module
 */
import { UnavailableError } from '../src/errors.js';
import type { Hash } from '../tiles-spec/index.js';
import { lengthOf, type BatchTree, type NewEntry } from './batch.js';

/** Where an entry stands, once a published checkpoint covers it. */
export interface Placement {
  readonly index: number;
  /** The tree of the batch that it was in; undefined for one that was in the log before. */
  readonly tree?: BatchTree;
}

/** An entry waiting for its batch to be published. */
export interface PendingEntry extends NewEntry {
  readonly acceptedAt: number;
  place(placement: Placement): void;
  fail(error: Error): void;
}

export class EntryPool {
  readonly #find: (leafHash: Hash) => Promise<number | undefined>;
  readonly #maxPending: number;
  /** By leaf hash, whether waiting to be sequenced or on its way into the store. */
  readonly #inFlight = new Map<string, { entry: PendingEntry; placement: Promise<Placement> }>();
  #queue: PendingEntry[] = [];
  #closed: Error | undefined;
  #wake: () => void = () => undefined;

  /** @param find the index of a leaf hash that is in the log. */
  constructor(find: (leafHash: Hash) => Promise<number | undefined>, maxPending: number) {
    this.#find = find;
    this.#maxPending = maxPending;
  }

  /**
   * Accepts an entry, or joins the same one in flight or in the log. Resolves when a published checkpoint covers it.
   * @throws UnavailableError when too many are in flight (nothing has changed), or the writer stops.
   */
  submit(entry: NewEntry): Promise<Placement> {
    const key = keyOf(entry.leafHash);
    const known = this.#inFlight.get(key);
    if (known !== undefined) return known.placement;
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.full) {
      return Promise.reject(
        new UnavailableError(`${this.#maxPending} entries are waiting already; try again`),
      );
    }
    let place!: (placement: Placement) => void;
    let fail!: (error: Error) => void;
    const placement = new Promise<Placement>((resolve, reject) => {
      place = resolve;
      fail = reject;
    });
    // A waiter may have given up by the time that this fails.
    placement.catch(() => undefined);
    const settle =
      <T>(then: (value: T) => void) =>
      (value: T) => {
        this.#inFlight.delete(key);
        then(value);
      };
    const pending = { ...entry, acceptedAt: performance.now(), place: settle(place), fail: settle(fail) };
    // In flight before the database is asked: of two equal entries, one must find the other.
    this.#inFlight.set(key, { entry: pending, placement });
    void this.#queueUnlessLogged(pending);
    return placement;
  }

  async #queueUnlessLogged(pending: PendingEntry): Promise<void> {
    try {
      const index = await this.#find(pending.leafHash);
      if (index !== undefined) {
        pending.place({ index });
      } else if (this.#closed !== undefined) {
        pending.fail(this.#closed);
      } else {
        this.#queue.push(pending);
        this.#wake();
      }
    } catch (error) {
      pending.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Whether an entry is in flight. */
  has(leafHash: Hash): boolean {
    return this.#inFlight.has(keyOf(leafHash));
  }

  /** Waits until `count` entries are queued, the pool closes, or `milliseconds` have passed. */
  async filled(count: number, milliseconds?: number): Promise<void> {
    if (this.#queue.length >= count || this.#closed !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (this.#queue.length < count && this.#closed === undefined) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  /**
   * Takes the longest queued entries: at most `count`, and of at most `bytes` together, but one at least where there
   * is one. They stay in flight until placed or failed.
   */
  take(count: number, bytes: number): PendingEntry[] {
    let total = 0;
    const over = this.#queue.findIndex((entry, i) => (total += lengthOf(entry)) > bytes && i > 0);
    return this.#queue.splice(0, Math.min(count, over < 0 ? count : over));
  }

  /** Refuses entries from here on; those queued already are still to be taken. */
  close(): void {
    this.#closed ??= new UnavailableError('the log is stopping; try again');
    this.#wake();
  }

  /** Fails every entry in flight, and refuses others. */
  abort(error: Error): void {
    this.#closed = error;
    this.#queue = [];
    for (const { entry } of this.#inFlight.values()) entry.fail(error);
    this.#wake();
  }

  /** Whether entries are refused from here on. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  get full(): boolean {
    return this.#inFlight.size >= this.#maxPending;
  }

  get pending(): number {
    return this.#inFlight.size;
  }

  /** When the oldest entry in flight was accepted, by `performance.now`. */
  get oldest(): number | undefined {
    return this.#inFlight.values().next().value?.entry.acceptedAt;
  }
}

/** A string of 32 characters, the cheapest map key that 32 bytes make. */
function keyOf(leafHash: Hash): string {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.byteLength).toString('latin1');
}
