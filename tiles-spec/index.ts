/**
 * The formats of a Stele log: every byte in its bucket, and the mathematics that makes and checks them. Pure, and runs
 * in a browser. README.md beside this file is the specification.
 *
 * This list is the package's entry `stele/tiles-spec`. What is not for users is imported from its own file.
 * @module
 */
export { FormatError, NewerVersionError, ProofError, SteleError } from './errors.js';
export type { ErrorCode, SteleErrorOptions } from './errors.js';

export { decodeBase64, encodeBase64 } from './base64.js';
export { decodeHex, encodeHex, equalBytes } from './bytes.js';

export { emptyRoot, HASH_LENGTH, leafHash, nodeHash, sha256 } from './tree/merkle.js';
export type { Hash, Sha256, Subtree } from './tree/merkle.js';
export {
  consistencyProof,
  inclusionProof,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from './tree/proof.js';
export type { HashReader } from './tree/proof.js';
export { partialTiles, RightEdge } from './tree/right-edge.js';
export { hashesAt, HashTile, TILE_HEIGHT, TILE_WIDTH, tileOf, widthAt } from './tree/tile.js';
export type { TileCoordinates } from './tree/tile.js';

export { formatCheckpoint, openCheckpoint, parseCheckpoint } from './note/checkpoint.js';
export type { Checkpoint, SignedCheckpoint } from './note/checkpoint.js';
export { readKeyId } from './note/key-id.js';
export type { NoteSigner, NoteVerifier } from './note/key-id.js';
export { formatNote, parseNote, signNote, verifyNote } from './note/note.js';
export type { NoteSignature, SignedNote } from './note/note.js';
export { formatTlogProof, parseTlogProof, verifyTlogProof } from './note/tlog-proof.js';
export type { TlogProof } from './note/tlog-proof.js';
export {
  ECDSA,
  ED25519,
  formatVerifierKey,
  keyHash,
  noteVerifier,
  parseVerifierKey,
} from './note/verifier-key.js';
export type { VerifierKey } from './note/verifier-key.js';

export { AuthenticatedTiles, readRightEdge } from './objects/authenticated-tiles.js';
export type { AuthenticatedTilesOptions, FetchTile, TileCache, Tree } from './objects/authenticated-tiles.js';
export { encodeClaim, parseClaim } from './objects/claim.js';
export type { Claim, StoredObject } from './objects/claim.js';
export {
  encodeEntryBundle,
  isGzip,
  MAX_ENTRY_LENGTH,
  maxEntryBundleLength,
  parseEntryBundle,
} from './objects/entry-bundle.js';
export { formatPath, headersOf, isImmutable, maxLengthOf, parsePath } from './objects/path.js';
export type { ObjectHeaders, ObjectName } from './objects/path.js';
export { encodeTimes, parseTimes } from './objects/times.js';

export { certificateNames, normalName } from './certificates/certificate-names.js';
export type { CertificateName, HashedName, TextName } from './certificates/certificate-names.js';
