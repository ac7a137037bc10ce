/**
 * Reads for everyone, from a store where each costs a request: who asks for the same at the same time shares one, and
 * there is an end to how many are under way.
 * @module
 */
import { headersOf, parsePath } from '../../tiles-spec/index.js';
import { UnavailableError } from '../errors.js';
import type { ObjectStore, StoreObject } from './store.js';

/** Objects that are read at a time. */
const MAX_UNDER_WAY = 256;

type Reading = Promise<StoreObject | undefined>;

export class SharedReads implements Pick<ObjectStore, 'read'> {
  readonly #store: Pick<ObjectStore, 'read'>;
  readonly #underWay = new Map<string, Reading>();
  /** Reads that begin when those under way have ended. */
  readonly #next = new Map<string, Reading>();

  constructor(store: Pick<ObjectStore, 'read'>) {
    this.#store = store;
  }

  /**
   * The object, as it was at some time after it was asked for.
   * @throws UnavailableError where too many others are read; what the store throws.
   */
  async read(path: string): Reading {
    const current = this.#underWay.get(path);
    if (current === undefined) return this.#start(path);
    // What never changes may have been asked for before. What does may be older than what its reader knows.
    if (headersOf(parsePath(path)).cacheControl !== 'no-cache') return current;
    const next =
      this.#next.get(path) ??
      current
        .catch(() => undefined)
        .then(() => {
          this.#next.delete(path);
          return this.#start(path);
        });
    this.#next.set(path, next);
    return next;
  }

  async #start(path: string): Reading {
    if (this.#underWay.size >= MAX_UNDER_WAY)
      throw new UnavailableError(
        'too many of the files are being read: try again, or read them from the store',
      );
    const reading = this.#store.read(path);
    this.#underWay.set(path, reading);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(path);
    }
  }
}
