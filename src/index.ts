/**
 * Stele: a signature transparency log on static tiles. `stele/tiles-spec` has the formats, `stele/reader` the reader,
 * `stele/kinds` the kinds of entry; this has what of them needs Node: keys, stores, and Sigstore's bundles.
 * @module
 */
export * from './errors.js';
export * from './keys/node/log-key.js';
export * from './kinds/index.js';
export type { DigestAlgorithm, DigestName } from './signatures/digests.js';
export * from './sigstore/verify/node/artifact-signature.js';
export * from './sigstore/trust/node/authorities.js';
export * from './sigstore/bundle/sigstore-bundle.js';
export * from './sigstore/bundle/bundle-of-entry.js';
export * from './sigstore/verify/certificate-identity.js';
export * from './sigstore/verify/entry-match.js';
export * from './sigstore/verify/entry-proof.js';
export type { VerifiedIdentity } from './sigstore/verify/node/identity.js';
export * from './sigstore/verify/node/name-pattern.js';
export * from './keys/node/public-key-file.js';
export * from './sigstore/bundle/transparency-log-entry.js';
export * from './sigstore/trust/trust-files.js';
export * from './sigstore/trust/trusted-root.js';
export * from './sigstore/verify/verify-bundle.js';
export * from './store/folder.js';
export * from './store/s3-place.js';
export * from './store/store.js';
