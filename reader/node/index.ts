/**
 * The reader under Node: logs by URL and by folder, what was seen of them in files.
 * @module
 */
export * from './folder-cache.js';
export * from './gunzip.js';
export * from './head-file.js';
export * from './open-log.js';
export * from './undici-get.js';
