/**
 * What a format of keys and signatures is to a log: how its keys are read, and what must hold of its signatures.
 * @module
 */
import type { SearchKey } from '../kinds/kind.js';
import type { Algorithm } from '../signatures/algorithms.js';
import type { SignatureCheck, SignatureSuite } from '../signatures/suite.js';

/** What a signature is over. */
export interface SignedDigest {
  /** The algorithm that is claimed for the key; its hash made the digest. */
  readonly algorithm: Algorithm;
  readonly digest: Uint8Array;
}

/** A format of keys and signatures. Pure: what needs cryptography is in the suite that is passed. */
export interface KeyFormat<Key> {
  /** Such as `x509`. */
  readonly name: string;
  /**
   * Reads a key as it was submitted.
   * @throws InvalidEntryError when the bytes cannot be a key of the format.
   */
  parseKey(bytes: Uint8Array): Key;
  /**
   * What must hold for a signature by this key.
   * @throws InvalidEntryError when the key is none.
   */
  checks(key: Key, signature: Uint8Array, signed: SignedDigest, suite: SignatureSuite): SignatureCheck[];
  /** The one encoding of the key that is logged. */
  canonicalKey(key: Key): Uint8Array;
  /** The search keys that find the key's entries. Total. */
  fingerprints(key: Key): SearchKey[];
}
