/**
 * Objects that never change. Each is created once; one that exists already is compared.
 * @module
 */
import { setMaxListeners } from 'node:events';
import { nodeGunzip } from '../../reader/node/gunzip.js';
import { DamagedStoreError } from '../../src/errors.js';
import type { ObjectStore } from '../../src/store/store.js';
import {
  equalBytes,
  isGzip,
  maxEntryBundleLength,
  TILE_WIDTH,
  type StoredObject,
} from '../../tiles-spec/index.js';
import type { Retrying } from '../retrying.js';

/** Most uploads at once. Each takes a connection and, in a client library, a copy of the object. */
const MAX_UPLOADS = 32;

export class ImmutableObjects {
  readonly #store: Pick<ObjectStore, 'create' | 'read'>;
  readonly #retrying: Retrying;

  constructor(store: Pick<ObjectStore, 'create' | 'read'>, retrying: Retrying) {
    this.#store = store;
    this.#retrying = retrying;
  }

  /**
   * Stores objects, at most 32 at once, in any order. All are durable when this returns. Costs one write an object, and
   * one read for each that exists already. Tries until the store answers.
   * @param signal ends the tries.
   * @throws DamagedStoreError where an object exists with other content; the signal's reason. Uploads that were under
   *   way may still succeed.
   */
  async put(objects: readonly StoredObject[], signal: AbortSignal): Promise<void> {
    // The first failure aborts the other uploads, which could otherwise be retried for ever.
    const failure = new AbortController();
    setMaxListeners(0, failure.signal);
    const abort = () => {
      failure.abort(signal.reason);
    };
    signal.addEventListener('abort', abort);
    try {
      signal.throwIfAborted();
      const waiting = [...objects];
      const upload = async () => {
        for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) {
          await this.#put(object, failure.signal);
        }
      };
      await Promise.all(
        Array.from({ length: MAX_UPLOADS }, () =>
          upload().catch((error: unknown) => {
            failure.abort(error);
          }),
        ),
      );
      failure.signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #put(object: StoredObject, signal: AbortSignal): Promise<void> {
    return this.#retrying.run(`create ${object.path}`, () => this.#create(object), { signal });
  }

  async #create({ path, bytes }: StoredObject): Promise<void> {
    if (await this.#store.create(path, bytes)) return;
    const found = await this.#store.read(path);
    if (found === undefined) throw new Error(`${path} is there and is not`);
    if (await sameContent(found.bytes, bytes)) return;
    throw new DamagedStoreError(
      `${path} holds other bytes than the log's. Something else writes to this store, or it is damaged: keep it as it is, and compare it with a copy`,
      { path },
    );
  }
}

/**
 * Whether stored bytes have the content of ours: they are equal, or both are gzip and equal once decompressed, since
 * two versions of zlib may compress the same bytes differently. Decompresses at most the longest entry bundle.
 */
export async function sameContent(stored: Uint8Array, ours: Uint8Array): Promise<boolean> {
  if (equalBytes(stored, ours)) return true;
  if (!isGzip(stored) || !isGzip(ours)) return false;
  const longest = maxEntryBundleLength(TILE_WIDTH);
  try {
    return equalBytes(await nodeGunzip(stored, longest), await nodeGunzip(ours, longest));
  } catch {
    return false;
  }
}
