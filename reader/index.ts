/**
 * The reader: fetch, authenticate, prove, follow. Runs in a browser; what does not is below `node/`.
 *
 * This list is the package's entry `stele/reader`. What is not for users is imported from its own file.
 * @module
 */
export {
  ConfigurationError,
  InconsistentLogError,
  MissingObjectError,
  StateError,
  SteleError,
  UnexpectedAnswerError,
  UnreachableError,
} from './errors.js';
export type { Contradiction, ErrorCode } from './errors.js';
export { follow } from './follow.js';
export type { FollowOptions, LogGrowth } from './follow.js';
export { fsck } from './fsck.js';
export type { FsckOptions, FsckReport } from './fsck.js';
export { browserGunzip } from './gunzip.js';
export type { Gunzip } from './gunzip.js';
export { MemoryHeads } from './heads.js';
export type { Heads } from './heads.js';
export { fetchGet, httpSource } from './http-source.js';
export type { HttpAnswer, HttpGet, HttpSourceOptions, ReadObject } from './http-source.js';
export { LogReader } from './log-reader.js';
export type { Latest, LogReaderOptions } from './log-reader.js';
export { MemoryCache } from './memory-cache.js';
export { storeSource } from './store-source.js';
export type { Entry, ReadOptions, TreeReader } from './tree-reader.js';
