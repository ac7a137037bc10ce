/**
 * What a logged entry says was signed, and with which key.
 * @module
 */
import type { DigestAlgorithm } from '../signatures/digests.js';

/** A digest as it is logged. */
export interface LoggedDigest {
  readonly algorithm: DigestAlgorithm;
  /** As long as the algorithm's digests are: 32, 48 or 64 bytes. */
  readonly digest: Uint8Array;
}

/** What a signature is verified with: a bare public key (DER SubjectPublicKeyInfo) or an X.509 certificate (DER). */
export interface SignerKey {
  readonly form: 'publicKey' | 'certificate';
  /** Not checked: another operator's log may hold bytes that are neither. */
  readonly der: Uint8Array;
}

/** A signer's key as it is logged. */
export interface LoggedVerifier extends SignerKey {
  /** A `PublicKeyDetails` label, such as `PKIX_ECDSA_P256_SHA_256`; entries of Rekor v1 have none. */
  readonly keyDetails?: string;
}

/** One signature of an entry. Nothing of it is verified by reading it. */
export interface LoggedStatement {
  readonly signature: Uint8Array;
  readonly verifier: LoggedVerifier;
  readonly digest: LoggedDigest;
  /**
   * What the digest is of: `message`, the bytes that were signed (an artifact, or the pre-authentication encoding of a
   * DSSE envelope); or `payload`, the payload of a DSSE envelope, whose signature is over the pre-authentication
   * encoding.
   */
  readonly digestOf: 'message' | 'payload';
}
