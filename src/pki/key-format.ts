/**
 * What a format of keys and signatures is to a log: how its keys are read, and what must hold of its signatures.
 * @module
 */
import type { Check } from '../signatures/check.js';
import type { DigestName } from '../signatures/digests.js';
import type { SignatureSuite } from '../signatures/suite.js';

/** What a signature is over, as far as a request tells. A format takes what it signs: the message, or one digest. */
export interface SignedMessage {
  /** The whole message; undefined where the request gives no more than a digest of it. */
  readonly bytes?: Uint8Array;
  /** The digests that are known. Nothing is said of their lengths. */
  readonly digests: Readonly<Partial<Record<DigestName, Uint8Array>>>;
}

/** A format of keys and signatures. Pure: what needs cryptography is in the suite, or in a check that runs itself. */
export interface KeyFormat<Key> {
  /**
   * Reads a key as it was submitted.
   * @throws InvalidEntryError when the bytes cannot be a key of the format.
   */
  parseKey(bytes: Uint8Array): Key;
  /**
   * What must hold for a signature by this key, of which nothing is verified yet.
   * @throws InvalidEntryError when the key is none, or the format signs something of the message that is not known.
   */
  checks(key: Key, signature: Uint8Array, message: SignedMessage, suite: SignatureSuite): Check[];
  /** The one encoding of the key that is logged. */
  canonicalKey(key: Key): Uint8Array;
}
