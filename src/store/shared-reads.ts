/**
 * Reads on behalf of anyone, from a store where each costs a request: equal reads at the same time share one request,
 * and the number under way is bounded.
 * @module
 */
import { isImmutable, parsePath } from '../../tiles-spec/index.js';
import { UnavailableError } from '../errors.js';
import type { ObjectRange, ObjectStat, ReadableStore, StoreObject } from './store.js';

/** Reads under way at a time. Each may hold an object in memory, up to 16 MiB for an entry bundle. */
const MAX_UNDER_WAY = 256;

export class SharedReads implements ReadableStore {
  readonly #store: ReadableStore;
  /** By path and part. Each value has the type of the method that made it: the key names the method. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** By the same keys, reads that begin when the one under way has ended. */
  readonly #next = new Map<string, Promise<unknown>>();

  constructor(store: ReadableStore) {
    this.#store = store;
  }

  /**
   * The object, as it was at some time after this call.
   * @throws UnavailableError where 256 reads are under way already; what the store throws.
   */
  read(path: string): Promise<StoreObject | undefined> {
    return this.#share(path, 'all', () => this.#store.read(path));
  }

  /** @throws as `read`. */
  stat(path: string): Promise<ObjectStat | undefined> {
    return this.#share(path, 'stat', () => this.#store.stat(path));
  }

  /** @throws as `read`. */
  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    return this.#share(path, `${start}-${end}`, () => this.#store.readRange(path, start, end));
  }

  async #share<T>(path: string, part: string, read: () => Promise<T>): Promise<T> {
    const key = `${path} ${part}`;
    const current = this.#underWay.get(key) as Promise<T> | undefined;
    if (current === undefined) return this.#start(key, read);
    // For an immutable object it does not matter that the read began before this call. A mutable one may have changed
    // since, and the caller may know that: share the next read.
    if (isImmutable(parsePath(path))) return current;
    const next =
      (this.#next.get(key) as Promise<T> | undefined) ??
      current
        .catch(() => undefined)
        .then(() => {
          this.#next.delete(key);
          return this.#start(key, read);
        });
    this.#next.set(key, next);
    return next;
  }

  async #start<T>(key: string, read: () => Promise<T>): Promise<T> {
    if (this.#underWay.size >= MAX_UNDER_WAY)
      throw new UnavailableError(
        'too many of the files are being read: try again, or read them from the store',
      );
    const reading = read();
    this.#underWay.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(key);
    }
  }
}
