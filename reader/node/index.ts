/**
 * The reader under Node: logs by URL, by bucket and by folder, and files that keep what was seen of them.
 *
 * This list is the package's entry `stele/reader/node`. What is not for users is imported from its own file.
 * @module
 */
export { FolderCache } from './folder-cache.js';
export { nodeGunzip } from './gunzip.js';
export { HeadFile } from './head-file.js';
export { openLog } from './open-log.js';
export type { OpenLogOptions } from './open-log.js';
export { undiciGet } from './undici-get.js';
export type { Bearer, UndiciGetOptions } from './undici-get.js';
export type { Network } from '../../src/node/network.js';
export type { S3Options } from '../../src/store/s3-place.js';
