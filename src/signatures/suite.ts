/**
 * The arithmetic of signatures as an interface, so that what asks for it runs anywhere: `node/suite.ts` is the suite of
 * Node, on OpenSSL.
 * @module
 */
import type { InvalidEntryError } from '../errors.js';
import type { Algorithm } from './algorithms.js';

/** A signature over a digest, and all that says whether it is good. */
export interface SignatureCheck {
  /** The public key: one DER SubjectPublicKeyInfo. */
  readonly key: Uint8Array;
  /** The algorithm that `keyDetails` claims for the key and the digest. */
  readonly algorithm: Algorithm;
  /** The digest of the message by the algorithm's hash. */
  readonly digest: Uint8Array;
  /** The signature: DER for ECDSA, PKCS #1 v1.5 for RSA, 64 bytes for Ed25519ph. */
  readonly signature: Uint8Array;
}

/** What a validator asks of cryptography. All of it is synchronous, so that a valid request costs no promise. */
export interface SignatureSuite {
  /** The digest of a message: 32, 48 or 64 bytes. */
  digest(name: Algorithm['digestName'], message: Uint8Array): Uint8Array;
  /**
   * The key of an X.509 certificate, which is not judged.
   * @returns its DER SubjectPublicKeyInfo; whether its algorithm is accepted is for `verify` to say.
   * @throws InvalidEntryError when `der` is not exactly one certificate.
   */
  certificateKey(der: Uint8Array): Uint8Array;
  /**
   * Verifies signatures. Many at once may cost less than one by one; no answer depends on what else is in the list.
   * @returns for each check, in order, undefined when the signature is good, or else the error that says why not. No
   *   bytes make it throw.
   */
  verify(checks: readonly SignatureCheck[]): (InvalidEntryError | undefined)[];
}
