/**
 * Stele: a signature transparency log on static tiles. `stele/tiles-spec` has the formats, `stele/reader` the reader,
 * `stele/kinds` the kinds of entry; this has verdicts on Sigstore's bundles, and what else needs Node: trust files, keys
 * and stores.
 *
 * This list is the package's entry `stele`. What is not for users is imported from its own file.
 * @module
 */
export {
  ConfigurationError,
  DamagedStoreError,
  InvalidEntryError,
  StartRefusedError,
  SteleError,
  UnreachableError,
} from './errors.js';
export type { ErrorCode, UnreachableErrorOptions } from './errors.js';

export { LogKey } from './keys/node/log-key.js';
export { readPublicKeyFile } from './keys/node/public-key-file.js';
export type { PublicKeyFile } from './keys/node/public-key-file.js';

export { FolderStore } from './store/folder.js';
export type { FolderOwner } from './store/folder.js';
export type { ObjectRange, ObjectStat, ObjectStore, ReadableStore, StoreObject } from './store/store.js';

export { bundleOfEntry } from './sigstore/bundle/bundle-of-entry.js';
export { formatSigstoreBundle, parseSigstoreBundle } from './sigstore/bundle/sigstore-bundle.js';
export type { DigestAlgorithm, DigestName } from './signatures/digests.js';
export type {
  DsseEnvelope,
  MessageSignature,
  PublicKeyHint,
  SignerCertificate,
  SigstoreBundle,
} from './sigstore/bundle/sigstore-bundle.js';
export { parseTransparencyLogEntry } from './sigstore/bundle/transparency-log-entry.js';
export type {
  EntryProof,
  PublishedEntry,
  TransparencyLogEntry,
} from './sigstore/bundle/transparency-log-entry.js';

export { certificateLog, certifiedAuthority } from './sigstore/trust/node/authorities.js';
export {
  formatClientTrustConfig,
  formatSigningConfig,
  formatTrustedRoot,
  publicLogOf,
} from './sigstore/trust/trust-files.js';
export type {
  Authorities,
  CertificateLog,
  CertifiedAuthority,
  PublicLog,
} from './sigstore/trust/trust-files.js';
export { isTrustedLog, parseTrustedRoot, trustedLogFromVerifierKey } from './sigstore/trust/trusted-root.js';
export type {
  KnownLog,
  TimeRange,
  TrustedLog,
  TrustedRoot,
  VerbatimAuthorities,
} from './sigstore/trust/trusted-root.js';

export type { CertificateIdentity } from './sigstore/verify/node/certificate-identity.js';
export { verifyLoggedEntry } from './sigstore/verify/entry-proof.js';
export type { VerifiedEntry } from './sigstore/verify/entry-proof.js';
export { artifactOfBytes, artifactOfDigests } from './sigstore/verify/node/artifact-signature.js';
export type { Artifact } from './sigstore/verify/node/artifact-signature.js';
export type { VerifiedIdentity } from './sigstore/verify/node/identity.js';
export { namePattern } from './sigstore/verify/node/name-pattern.js';
export type { NamePattern } from './sigstore/verify/node/name-pattern.js';
export { verifyBundle } from './sigstore/verify/node/verify-bundle.js';
export type {
  CheckedBundle,
  IdentityPolicy,
  KeyPolicy,
  NotChecked,
  Signer,
  SignerPolicy,
  VerifyBundleOptions,
} from './sigstore/verify/node/verify-bundle.js';
