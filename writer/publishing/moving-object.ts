/**
 * An object that moves forward by compare-and-swap, as a checkpoint does: one small object that its writers replace, and
 * that must never go back.
 * @module
 */
import type { ObjectStore } from '../../src/store/store.js';
import { equalBytes } from '../../tiles-spec/index.js';
import { isFinal, type Retrying } from '../retrying.js';

/** What the store holds, opened, and the tag to swap it by. */
export interface Stored<T> {
  readonly value: T;
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** What an object is, and which way is forward. */
export interface Movement<T> {
  /** Its path below the log's prefix. */
  readonly path: string;
  /** Verifies stored bytes. @throws DamagedStoreError when they are not the log's. */
  open(bytes: Uint8Array): T;
  /**
   * Refuses what the store shows after it has shown something else.
   * @throws DamagedStoreError where the two contradict each other; any other error where a later read may differ.
   */
  requireForward(seen: T, shown: T): void;
}

export class MovingObject<T> {
  readonly #store: Pick<ObjectStore, 'read' | 'create' | 'replace'>;
  readonly #retrying: Retrying;
  readonly #movement: Movement<T>;
  /** What was seen last: the store never goes back behind it. */
  #seen: Stored<T> | undefined;

  constructor(
    store: Pick<ObjectStore, 'read' | 'create' | 'replace'>,
    retrying: Retrying,
    movement: Movement<T>,
  ) {
    this.#store = store;
    this.#retrying = retrying;
    this.#movement = movement;
  }

  /** What the store holds now; undefined where there is none yet. Waits for a store that is away. One read. */
  read(): Promise<Stored<T> | undefined> {
    const { path } = this.#movement;
    return this.#retrying.run(`read ${path}`, async () => {
      const object = await this.#store.read(path);
      const seen = this.#seen;
      if (object === undefined) {
        if (seen !== undefined) throw new Error(`${path} is gone from the store`);
        return undefined;
      }
      if (seen?.etag !== object.etag || !equalBytes(seen.bytes, object.bytes)) {
        const value = this.#movement.open(object.bytes);
        if (seen !== undefined) this.#movement.requireForward(seen.value, value);
        this.#seen = { value, ...object };
      }
      return this.#seen;
    });
  }

  /**
   * Puts `bytes` in the place of `from`, or of nothing.
   * @returns what the store holds then: ours, or what another put in the place of `from` first. One write and one read.
   */
  async move(from: Stored<T> | undefined, bytes: Uint8Array): Promise<Stored<T>> {
    const { path } = this.#movement;
    let current = from;
    return this.#retrying.run(`swap ${path}`, async () => {
      if (current?.etag === from?.etag) {
        const swapped = await this.#swap(from, bytes).catch(asPassing);
        // The answer may be lost, or be of a swap that a retry on the way has done before: what the store holds counts.
        current = await this.read();
        if (current?.etag === from?.etag) {
          throw swapped instanceof Error ? swapped : new Error(`${path} is not swapped`);
        }
      }
      // A store that has shown an object, and shows none, is asked again by `read`.
      return current as Stored<T>;
    });
  }

  #swap(from: Stored<T> | undefined, bytes: Uint8Array): Promise<boolean> {
    const { path } = this.#movement;
    return from === undefined ? this.#store.create(path, bytes) : this.#store.replace(path, bytes, from.etag);
  }
}

/** The failure of a write that may have acted all the same, and is read back. @throws the error where it is final. */
export function asPassing(error: unknown): Error {
  if (isFinal(error)) throw error;
  return error instanceof Error ? error : new Error(String(error));
}
