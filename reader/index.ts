/**
 * The reader: fetch, authenticate, prove. Runs in a browser; what does not is under `node/`.
 * @module
 */
export * from './errors.js';
export * from './follow.js';
export * from './fsck.js';
export * from './gunzip.js';
export * from './heads.js';
export * from './http-source.js';
export * from './log-reader.js';
export * from './memory-cache.js';
export * from './store-source.js';
export * from './tree-reader.js';
