/**
 * The formats of a Stele log: every byte in its bucket, and the mathematics to make and to check them. Pure, and
 * runs in a browser. README.md beside this file is the specification.
 * @module
 */
export * from './authenticated-tiles.js';
export * from './base64.js';
export * from './bundle.js';
export * from './bytes.js';
export * from './certificate.js';
export * from './certificate-names.js';
export * from './checkpoint.js';
export * from './claim.js';
export * from './decimal.js';
export * from './errors.js';
export * from './merkle.js';
export * from './note.js';
export * from './path.js';
export * from './proof.js';
export * from './right-edge.js';
export * from './tile.js';
export * from './tlog-proof.js';
