/**
 * A small object that its writers replace by compare-and-swap, and that must never go back. The checkpoint is one.
 * @module
 */
import type { ObjectStore } from '../../src/store/store.js';
import { errorOf } from '../../src/errors.js';
import { equalBytes } from '../../tiles-spec/index.js';
import { isFinal, type Retrying } from '../retrying.js';

/** An object as the store holds it. */
export interface Stored<T> {
  /** The parsed and verified bytes. */
  readonly value: T;
  readonly bytes: Uint8Array;
  /** The store's tag for these bytes, by which they can be replaced. */
  readonly etag: string;
}

/** How one kind of object is verified, and which way is forward for it. */
export interface Movement<T> {
  /** Its path below the log's prefix. */
  readonly path: string;
  /** Parses and verifies stored bytes. @throws DamagedStoreError when they are not this log's. */
  open(bytes: Uint8Array): T;
  /**
   * Requires that a value which the store shows now, `shown`, may follow the value that it showed before, `seen`.
   * @throws DamagedStoreError where the two contradict each other; any other error where the read is to be tried again.
   */
  requireForward(seen: T, shown: T): void;
}

export class MovingObject<T> {
  readonly #store: Pick<ObjectStore, 'read' | 'create' | 'replace'>;
  readonly #retrying: Retrying;
  readonly #movement: Movement<T>;
  /** The object as it was read last. Nothing that goes back behind it is accepted from the store. */
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

  /**
   * The object as the store holds it now; undefined where there is none yet. One read. Tries until the store answers.
   * @throws what `open` throws; DamagedStoreError of `requireForward`.
   */
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
   * Replaces `from` by `bytes`, or creates the object where `from` is undefined. One write and one read. Tries until
   * the store answers.
   * @returns what the store holds afterwards: `bytes`, or what another writer replaced `from` by.
   * @throws as `read` does.
   */
  async move(from: Stored<T> | undefined, bytes: Uint8Array): Promise<Stored<T>> {
    const { path } = this.#movement;
    let current = from;
    return this.#retrying.run(`swap ${path}`, async () => {
      if (current?.etag === from?.etag) {
        const swapped = await this.#swap(from, bytes).catch(passingError);
        // The answer may be lost, or be a refusal because an earlier try has succeeded already. Only what the store
        // holds now tells whether the swap was done.
        current = await this.read();
        if (current?.etag === from?.etag) {
          throw swapped instanceof Error ? swapped : new Error(`${path} is not swapped`);
        }
      }
      // Never undefined here: once `read` has seen an object, it does not accept that there is none.
      return current as Stored<T>;
    });
  }

  #swap(from: Stored<T> | undefined, bytes: Uint8Array): Promise<boolean> {
    const { path } = this.#movement;
    return from === undefined ? this.#store.create(path, bytes) : this.#store.replace(path, bytes, from.etag);
  }
}

/**
 * Handles the failure of a write, for a caller that then reads what the store holds: the write may have been done, and
 * its answer lost.
 * @returns the error. @throws the error where it is final, since reading would not help.
 */
export function passingError(error: unknown): Error {
  if (isFinal(error)) throw error;
  return errorOf(error);
}
