/**
 * A log's objects straight from an object store.
 * @module
 */
import { messageOf, UnreachableError } from '../src/errors.js';
import type { ObjectStore } from '../src/store/store.js';
import { FormatError } from '../tiles-spec/index.js';
import { UnexpectedAnswerError } from './errors.js';
import type { ReadObject } from './http-source.js';

/**
 * Reads the objects in a store.
 * @throws also FormatError for a file that cannot be read.
 */
export function storeSource(store: Pick<ObjectStore, 'readRange'>): ReadObject {
  return async (path, maxLength) => {
    let bytes;
    try {
      bytes = await store.readRange(path, 0, maxLength + 1);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError || error instanceof FormatError)
        throw error;
      if (error instanceof Error && 'syscall' in error)
        throw new FormatError(`${path}: cannot be read: ${messageOf(error)}`, path);
      throw new UnreachableError(`${path}: ${messageOf(error)}`, 'unreachable', { cause: error });
    }
    if (bytes !== undefined && bytes.length > maxLength) {
      throw new UnexpectedAnswerError(`${path} has over ${maxLength} bytes`, 'too-large', path);
    }
    return bytes;
  };
}
