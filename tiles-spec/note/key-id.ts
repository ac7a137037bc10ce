/**
 * The name and the id of a key, which notes and verifier keys have in common.
 * @module
 */
import { FormatError } from '../errors.js';

/** Checks the signatures of one key. `noteVerifier` makes one that runs anywhere. */
export interface NoteVerifier {
  readonly name: string;
  /** `readKeyId` of the key's hash. */
  readonly keyId: number;
  /** Whether the signature is the key's, over the UTF-8 of a note's text. Does not throw, whatever the bytes are. */
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

/** Makes the signatures of one key. */
export interface NoteSigner {
  readonly name: string;
  /** `readKeyId` of the key's hash. */
  readonly keyId: number;
  /** Signs the UTF-8 of a note's text. */
  sign(text: Uint8Array): Uint8Array;
}

/** @throws FormatError where a key's name is empty, or has a space or a plus: both separate it from what follows. */
export function requireKeyName(name: string): void {
  if (name === '' || /[\p{White_Space}+]/u.test(name)) {
    throw new FormatError(`key name ${JSON.stringify(name.slice(0, 80))} is empty or has a space or a plus`);
  }
}

/**
 * The key id: the first 4 bytes, big-endian, of a key hash or of the bytes in a signature line. From 0 to 2^32 - 1.
 * @param bytes at least 4.
 * @example
 * readKeyId(Uint8Array.of(0, 0, 1, 2, 99)); // => 258
 */
export function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

/** The 4 bytes of a key id, big-endian. */
export function keyIdBytes(keyId: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return bytes;
}
