/**
 * Stele: a signature transparency log on static tiles. `stele/tiles-spec` has the formats, `stele/reader` the reader.
 * @module
 */
export * from './errors.js';
export * from './keys/log-key.js';
export * from './kinds/kind.js';
export * from './kinds/registry.js';
export * from './sigstore/transparency-log-entry.js';
export * from './sigstore/trust-files.js';
export * from './store/folder.js';
export * from './store/store.js';
