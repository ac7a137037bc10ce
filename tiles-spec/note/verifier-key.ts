/**
 * Verifier keys (c2sp.org/signed-note), and the two types of signature that Stele verifies.
 * @module
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { decodeBase64, encodeBase64 } from '../base64.js';
import { concatBytes, encodeHex, encodeText } from '../bytes.js';
import { FormatError } from '../errors.js';
import { p256Point } from '../spki.js';
import { sha256 } from '../tree/merkle.js';
import { readKeyId, requireKeyName, type NoteVerifier } from './key-id.js';

/** Signature types of c2sp.org/signed-note that Stele verifies. */
export const ED25519 = 0x01;
export const ECDSA = 0x02;

/** A verifier key: a reader is configured with it, and trusts the log for which it is the key. */
export interface VerifierKey {
  readonly name: string;
  readonly type: typeof ED25519 | typeof ECDSA;
  /** Ed25519: the 32 bytes of RFC 8032. ECDSA: an uncompressed P-256 key as DER SPKI. */
  readonly publicKey: Uint8Array;
}

/**
 * The SHA-256 of a key: its first 4 bytes are the key id, and all 32 are the log id in Sigstore's files. For ECDSA it
 * is the hash of the SPKI alone, as Rekor v1 has it; otherwise it covers the name and the type too.
 * @example
 * const vkey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
 * encodeHex(keyHash(parseVerifierKey(vkey)).subarray(0, 4)); // => '033de0ae'
 */
export function keyHash({ name, type, publicKey }: VerifierKey): Uint8Array {
  if (type === ECDSA) return sha256(publicKey);
  return sha256(concatBytes([encodeText(`${name}\n`), Uint8Array.of(type), publicKey]));
}

/**
 * Writes a verifier key: `<name>+<key id in hex>+<base64 of type and key>`.
 * @throws FormatError where the name is empty, or has a space or a plus. The key itself is not checked.
 * @example
 * const publicKey = decodeBase64('zjNy11rR7l7Nr4cnKT1LER2H6zdTHXyG1NMAPw64Cfw=');
 * const key = { name: 'sum.golang.org', type: ED25519, publicKey };
 * formatVerifierKey(key).slice(0, 24); // => 'sum.golang.org+033de0ae+'
 */
export function formatVerifierKey(key: VerifierKey): string {
  requireKeyName(key.name);
  const id = encodeHex(keyHash(key).subarray(0, 4));
  return `${key.name}+${id}+${encodeBase64(concatBytes([Uint8Array.of(key.type), key.publicKey]))}`;
}

/**
 * Parses a verifier key.
 * @throws FormatError unless the text is exactly a verifier key, of type Ed25519 or ECDSA, with the key id of its key.
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [name = '', id = '', ...rest] = text.split('+');
  if (rest.length === 0) throw new FormatError('verifier key is not <name>+<key id>+<key>');
  const bytes = decodeBase64(rest.join('+'));
  const type = bytes[0];
  const publicKey = bytes.subarray(1);
  if (type !== ED25519 && type !== ECDSA)
    throw new FormatError(`verifier key has type ${String(type)}, which Stele does not know`);
  if (type === ED25519 && publicKey.length !== 32)
    throw new FormatError(`an Ed25519 key has 32 bytes, not ${publicKey.length}`);
  if (type === ECDSA) uncompressedPoint(publicKey);
  const key: VerifierKey = { name, type, publicKey };
  requireKeyName(name);
  if (encodeHex(keyHash(key).subarray(0, 4)) !== id)
    throw new FormatError(`verifier key has key id ${id}, which is not its key's`);
  return key;
}

/**
 * Checks the signatures of a verifier key, in pure JavaScript: 3 ms each. `LogKey.verifier` is thirty times as fast.
 */
export function noteVerifier(key: VerifierKey): NoteVerifier {
  const keyId = readKeyId(keyHash(key));
  const verify = key.type === ED25519 ? verifyEd25519 : verifyEcdsa;
  return { name: key.name, keyId, verify: (text, signature) => verify(key.publicKey, text, signature) };
}

function verifyEd25519(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  // noble's `zip215: false` refuses keys of small order, for which one signature is good for many texts, and encodings
  // that are not canonical. RFC 8032 and Go take keys of small order.
  return signature.length === 64 && ed25519.verify(signature, text, publicKey, { zip215: false });
}

function verifyEcdsa(spki: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  try {
    return p256.verify(signature, text, uncompressedPoint(spki), { format: 'der', lowS: false });
  } catch {
    // Noble throws where the bytes are not a signature in DER.
    return false;
  }
}

function uncompressedPoint(spki: Uint8Array): Uint8Array {
  const point = p256Point(spki);
  if (point === undefined)
    throw new FormatError('an ECDSA verifier key is an uncompressed P-256 key as DER SPKI');
  return point;
}
