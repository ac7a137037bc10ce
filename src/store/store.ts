/**
 * The object store: where the log's files are. A folder, or a bucket.
 * @module
 */
import { FormatError, maxLengthOf, parsePath } from '../../tiles-spec/index.js';
import { DamagedStoreError } from '../errors.js';

/** What is known of an object without its bytes. */
export interface ObjectStat {
  /** Length in bytes, as stored. */
  readonly size: number;
  /** The tag that a compare-and-swap compares: printable ASCII without quotes or spaces. */
  readonly etag: string;
}

/** All bytes of an object, as stored, and its tag. */
export interface StoreObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Some bytes of an object; its size is that of the whole. */
export interface ObjectRange extends StoreObject, ObjectStat {}

/**
 * What the log needs of a store. Paths are those of tiles-spec, below the log's prefix; headers and the longest length
 * follow from them. Every write is durable when it returns, and atomic: a reader sees all of it or nothing. Creates and
 * swaps are linearizable. A call that throws may or may not have acted: its caller reads back before going on. What is
 * read is durable. A TypeError or RangeError is a fault of the program. A DamagedStoreError of a write is final: every
 * later write throws it too. Everything else may pass.
 */
export interface ObjectStore {
  /** Creates an object. False, and nothing changed, where there is one of that name already. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** The object's size and tag, or undefined where there is none. Costs one small request, however long it is. */
  stat(path: string): Promise<ObjectStat | undefined>;
  /**
   * The object, or undefined where there is none. All of it is in memory: at most `maxLengthOf` its name.
   * @throws DamagedStoreError where it is longer; the bytes behind that are not read.
   */
  read(path: string): Promise<StoreObject | undefined>;
  /**
   * Bytes [start, end) of the object, or undefined where there is none; fewer where it ends before. No other bytes are
   * read of an object that never changes.
   */
  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined>;
  /**
   * Compare-and-swap: replaces the object whose tag is `etag`, or creates it where `etag` is undefined. False, and
   * nothing changed, where the object is another by now.
   */
  replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean>;
  /**
   * Deletes the objects, as far as they are there. Costs one request for each thousand, where the store can.
   * @throws what the first failure is; the other objects may be deleted or not.
   */
  delete(paths: readonly string[]): Promise<void>;
}

/** The part of a store that only reads. */
export type ReadableStore = Pick<ObjectStore, 'stat' | 'read' | 'readRange'>;

/** The error of an object that is longer than one of its name can be. */
export function tooLong(path: string): DamagedStoreError {
  const what = `${path} has over ${maxLengthOf(parsePath(path))} bytes, the most that an object of its name can have`;
  return new DamagedStoreError(
    `${what}. Something else writes to this store, or it is damaged: restore ${path} from a copy`,
    { cause: new FormatError(what, path) },
  );
}
