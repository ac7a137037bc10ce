/**
 * What notes and verifier keys have in common: a key's name and its id.
 * @module
 */
import { FormatError } from '../errors.js';

/** Checks the signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

/** Makes the signatures of one key. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(text: Uint8Array): Uint8Array;
}

/** @throws FormatError where a name is empty, or holds a space or a plus. */
export function requireKeyName(name: string): void {
  if (name === '' || /[\p{White_Space}+]/u.test(name)) {
    throw new FormatError(`key name ${JSON.stringify(name.slice(0, 80))} is empty or has a space or a plus`);
  }
}

/** The key id that a key hash, or the bytes of a signature line, begin with. */
export function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

/** The 4 bytes of a key id, big-endian. */
export function keyIdBytes(keyId: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return bytes;
}
