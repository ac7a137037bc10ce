/**
 * The formats of a Stele log: every byte in its bucket, and the mathematics to make and to check them. Pure, and
 * runs in a browser. README.md beside this file is the specification.
 * @module
 */
export * from './objects/authenticated-tiles.js';
export * from './base64.js';
export * from './objects/entry-bundle.js';
export * from './bytes.js';
export * from './certificates/certificate.js';
export * from './certificates/certificate-names.js';
export * from './note/checkpoint.js';
export * from './objects/claim.js';
export * from './decimal.js';
export * from './errors.js';
export * from './tree/merkle.js';
export * from './note/key-id.js';
export * from './note/note.js';
export * from './note/verifier-key.js';
export * from './objects/path.js';
export * from './objects/times.js';
export * from './tree/proof.js';
export * from './tree/right-edge.js';
export * from './tree/tile.js';
export * from './note/tlog-proof.js';
