/**
 * The object store, in which the log's files are: a folder, or a bucket.
 * @module
 */
import { FormatError, maxLengthOf, parsePath } from '../../tiles-spec/index.js';
import { DamagedStoreError } from '../errors.js';

/** The size and tag of an object. */
export interface ObjectStat {
  /** Length in bytes, as stored. */
  readonly size: number;
  /** The tag that `replace` compares: printable ASCII without quotes or spaces. Other bytes have another tag. */
  readonly etag: string;
}

/** All bytes of an object, as stored, and its tag. */
export interface StoreObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Some bytes of an object, with the size of the whole. */
export interface ObjectRange extends StoreObject, ObjectStat {}

/**
 * A log's objects, by paths below its prefix (`formatPath`). A path also determines the object's headers and its
 * longest length.
 *
 * Every write is atomic, so that a reader sees all of it or nothing, and durable when it returns; so is the object that
 * made a create return false. Creates and replacements are linearizable. `read` and `stat` return the new content of a
 * mutable object only once it is durable. A write that throws may have happened or not: the caller reads the object
 * back before it goes on.
 *
 * A DamagedStoreError means that the store needs an operator; after one from a write, every later write throws it too.
 * A FormatError (for a path that is not a log's), a TypeError or a RangeError is a fault of the program. Any other
 * error may pass, and the call may be tried again: nothing is tried again here. A call to a bucket is one request,
 * limited in time, where its method does not say otherwise.
 */
export interface ObjectStore {
  /** Creates an object. False, and nothing changed, where the path has one already, whatever its bytes. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** The object's size and tag; undefined where there is none. Costs no more for a long object than for a short one. */
  stat(path: string): Promise<ObjectStat | undefined>;
  /**
   * The whole object; undefined where there is none. Holds at most `maxLengthOf` its name in memory.
   * @throws ObjectTooLongError where the object is longer; the bytes beyond are not read.
   */
  read(path: string): Promise<StoreObject | undefined>;
  /**
   * Bytes [start, end) of the object, 0 <= start <= end; fewer, or none, where the object ends before; undefined where
   * there is no object. Reads no other bytes, unless the object is mutable and the store a folder.
   * @param end bounds the memory used: the object's longest length does not.
   */
  readRange(path: string, start: number, end: number): Promise<ObjectRange | undefined>;
  /**
   * Compare-and-swap: replaces the object if its tag is `etag`; with `etag` undefined, creates it if there is none.
   * False, and nothing changed, otherwise.
   */
  replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean>;
  /**
   * Deletes the objects that exist. Costs a bucket one request for each thousand objects; one for each object, where
   * the server knows no other.
   * @throws the first failure; any of the objects may be deleted by then.
   */
  delete(paths: readonly string[]): Promise<void>;
}

/** The part of a store that only reads. */
export type ReadableStore = Pick<ObjectStore, 'stat' | 'read' | 'readRange'>;

/** An object is longer than `maxLengthOf` its name. */
export class ObjectTooLongError extends DamagedStoreError {
  override name = 'ObjectTooLongError';
  declare readonly path: string;

  constructor(path: string) {
    const what = `${path} has over ${maxLengthOf(parsePath(path))} bytes, the most that an object of its name can have`;
    super(`${what}. Something else writes to this store, or it is damaged: restore ${path} from a copy`, {
      cause: new FormatError(what, { path }),
      path,
    });
  }
}
