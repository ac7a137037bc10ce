/**
 * The reader: fetch, authenticate, prove. Runs in a browser; what does not is under `node/`.
 * @module
 */
export * from './log-reader.js';
