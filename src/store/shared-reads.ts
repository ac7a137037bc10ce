/**
 * Reads for everyone, from a store where each costs a request: those who ask for the same at the same time share one,
 * and there is an end to how many are under way.
 * @module
 */
import { isImmutable, parsePath } from '../../tiles-spec/index.js';
import { UnavailableError } from '../errors.js';
import type { ObjectRange, ObjectStat, ReadableStore, StoreObject } from './store.js';

/** Reads under way at a time. */
const MAX_UNDER_WAY = 256;

export class SharedReads implements ReadableStore {
  readonly #store: ReadableStore;
  /** By what is read: each value is what the key's own method promises. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Reads that begin when those under way have ended. */
  readonly #next = new Map<string, Promise<unknown>>();

  constructor(store: ReadableStore) {
    this.#store = store;
  }

  /**
   * The object, as it was at some time after it was asked for.
   * @throws UnavailableError where too many others are read; what the store throws.
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
    // An object that never changes may have been asked for before. Of one that changes that read may be older than what
    // this reader knows.
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
