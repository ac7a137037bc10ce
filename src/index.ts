/**
 * Stele: a signature transparency log on static tiles. `stele/tiles-spec` has the formats, `stele/reader` the reader,
 * `stele/kinds` the kinds of entry; this has what of them needs Node: keys, stores, and Sigstore's bundles.
 * @module
 */
export * from './errors.js';
export * from './keys/log-key.js';
export * from './kinds/index.js';
export * from './sigstore/artifact-signature.js';
export * from './sigstore/authorities.js';
export * from './sigstore/bundle.js';
export * from './sigstore/bundle-of-entry.js';
export * from './sigstore/certificate-identity.js';
export * from './sigstore/entry-match.js';
export * from './sigstore/entry-proof.js';
export * from './sigstore/identity.js';
export * from './sigstore/name-pattern.js';
export * from './sigstore/public-key-file.js';
export * from './sigstore/transparency-log-entry.js';
export * from './sigstore/trust-files.js';
export * from './sigstore/trusted-root.js';
export * from './sigstore/verify-bundle.js';
export * from './store/folder.js';
export * from './store/s3-place.js';
export * from './store/store.js';
