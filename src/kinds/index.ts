/**
 * The kinds of entry: from a request to the entry that it would become, and from an entry to what finds it. Runs in a
 * browser.
 * @module
 */
export * from './index-keys.js';
export * from './kind.js';
export * from './registry.js';
