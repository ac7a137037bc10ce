/**
 * The object store: where the log's files are. A folder, or a bucket.
 * @module
 */

/** An object's bytes, as stored, and the tag that a compare-and-swap compares. */
export interface StoreObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/**
 * What the log needs of a store. Paths are those of tiles-spec, below the log's prefix; headers follow from them.
 * Every write is durable when it returns, and atomic: a reader sees all of it or nothing. Creates and swaps are
 * linearizable. A call that throws may or may not have acted: whoever made it reads back before going on. What is
 * read is durable. A TypeError or RangeError is a fault of the program, and everything else may pass.
 */
export interface ObjectStore {
  /** Creates an object. False, and nothing changed, where there is one of that name already. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** The object, or undefined where there is none. */
  read(path: string): Promise<StoreObject | undefined>;
  /** Bytes [start, end) of the object, or undefined where there is none; fewer where it is shorter. */
  readRange(path: string, start: number, end: number): Promise<Uint8Array | undefined>;
  /**
   * Compare-and-swap: replaces the object whose tag is `etag`, or creates it where `etag` is undefined. False, and
   * nothing changed, where the object is another by now.
   */
  replace(path: string, bytes: Uint8Array, etag: string | undefined): Promise<boolean>;
  /** Deletes the object, if there is one. */
  delete(path: string): Promise<void>;
}
