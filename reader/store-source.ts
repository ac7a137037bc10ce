/**
 * Reads a log's objects straight from an object store.
 * @module
 */
import {
  isProgramFault,
  messageOf,
  SteleError,
  UnreachableError,
  WrongFileTypeError,
} from '../src/errors.js';
import { reasonOf } from '../src/node/system-error.js';
import { retry } from '../src/retry.js';
import { ObjectTooLongError, type ObjectRange, type ObjectStore } from '../src/store/store.js';
import { FormatError } from '../tiles-spec/index.js';
import { UnexpectedAnswerError } from './errors.js';
import type { ReadObject } from './http-source.js';

/**
 * Makes a function that reads the objects in a store.
 * @param retries further tries after one that failed. Default: 0.
 * @throws nothing itself. The function throws, beside the errors of every `ReadObject`, FormatError for a file that cannot
 *   be read; ConfigurationError; DamagedStoreError.
 * @example
 * const store = new FolderStore('a-log');
 * await store.create('tile/0/000.p/1', new Uint8Array(32));
 * const read = storeSource(store);
 * (await read('tile/0/000.p/1', 32)).length; // => 32
 * await read('checkpoint', 10_000); // => undefined
 */
export function storeSource(store: Pick<ObjectStore, 'readRange'>, retries = 0): ReadObject {
  return async (path, maxLength) => {
    const object = await retry(() => readOnce(store, path, maxLength), { retries });
    if (object !== undefined && object.size > maxLength) {
      throw new UnexpectedAnswerError(`${path} has over ${maxLength} bytes`, { code: 'too-large', path });
    }
    return object?.bytes;
  };
}

async function readOnce(
  store: Pick<ObjectStore, 'readRange'>,
  path: string,
  length: number,
): Promise<ObjectRange | undefined> {
  try {
    return await store.readRange(path, 0, length);
  } catch (error) {
    if (error instanceof WrongFileTypeError) throw new FormatError(`${path}: ${error.message}`, { path });
    if (error instanceof ObjectTooLongError)
      throw new UnexpectedAnswerError(error.message, { code: 'too-large', path });
    if (error instanceof SteleError || isProgramFault(error)) throw error;
    if (error instanceof Error && 'syscall' in error)
      throw new FormatError(`${path}: cannot be read: ${reasonOf(error)}`, { path });
    throw new UnreachableError(`${path}: ${messageOf(error)}`, { code: 'unreachable', cause: error, path });
  }
}
