/**
 * A store whose calls pass through the model of a writer's process, which can fail them.
 */
import type { ObjectRange, ObjectStat, ObjectStore, StoreObject } from '#src/store/store.js';
import type { MemoryStore } from './memory-store.js';
import type { Kind, WriterProcess } from './writer-process.js';

/** Every method of the interface. The type check fails for a method that is missing here. */
export const STORE_METHODS = {
  create: 'durable',
  replace: 'durable',
  delete: 'durable',
  stat: 'read',
  read: 'read',
  readRange: 'read',
} as const satisfies Record<keyof ObjectStore, Kind>;

export class FaultyStore implements ObjectStore {
  readonly #store: MemoryStore;
  readonly #process: WriterProcess;

  constructor(store: MemoryStore, process: WriterProcess) {
    this.#store = store;
    this.#process = process;
  }

  create(path: string, bytes: Uint8Array): Promise<boolean> {
    return this.#call('create', path, () => this.#store.create(path, bytes));
  }

  replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean> {
    return this.#call('replace', path, () => this.#store.replace(path, bytes, etag));
  }

  delete(paths: readonly string[]): Promise<void> {
    return this.#call('delete', paths.join(' '), () => this.#store.delete(paths));
  }

  stat(path: string): Promise<ObjectStat | undefined> {
    return this.#call('stat', path, () => this.#store.stat(path));
  }

  read(path: string): Promise<StoreObject | undefined> {
    const what = { name: `store.read ${path}`, of: 'store', kind: STORE_METHODS.read } as const;
    return this.#process.call(what, (call) => {
      const stale = path === 'checkpoint' ? this.#process.plan.stale?.(call) : undefined;
      if (stale === undefined) return this.#store.read(path);
      return Promise.resolve(this.#store.versions(path).at(-1 - stale));
    });
  }

  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined> {
    return this.#call('readRange', path, () => this.#store.readRange(path, start, end));
  }

  #call<T>(method: keyof ObjectStore, path: string, work: () => Promise<T>): Promise<T> {
    return this.#process.call(
      { name: `store.${method} ${path}`, of: 'store', kind: STORE_METHODS[method] },
      work,
    );
  }
}
