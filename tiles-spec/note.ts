/**
 * Signed notes and verifier keys (c2sp.org/signed-note).
 * @module
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { concatBytes, decodeText, encodeHex, encodeText, equalBytes } from './bytes.js';
import { FormatError, ProofError } from './errors.js';
import { sha256 } from './merkle.js';

/** One signature line: who says it signed, with which key, and the signature itself. Not verified. */
export interface NoteSignature {
  readonly name: string;
  /** The key id: 4 bytes, big-endian. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A note's text, which ends in a newline, and its signature lines in their order. Not verified. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

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

/** Signature types of c2sp.org/signed-note that Stele verifies. */
export const ED25519 = 0x01;
export const ECDSA = 0x02;

/** The longest note, in bytes. */
export const MAX_NOTE_LENGTH = 1 << 20;
const MAX_SIGNATURES = 100;
const SIGNATURE_LINE = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/u;

/**
 * Parses a note of at most 1 MiB and 100 signatures.
 * @throws FormatError unless it is exactly a note.
 */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > MAX_NOTE_LENGTH)
    throw new FormatError(`note of ${bytes.length} bytes is over ${MAX_NOTE_LENGTH}`);
  const note = decodeText(bytes, 'note');
  requireNoControl(note);
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new FormatError('note has no blank line between its text and its signatures');
  if (!note.endsWith('\n')) throw new FormatError('note does not end in a newline');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new FormatError(`note has over ${MAX_SIGNATURES} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new FormatError(`note has ${JSON.stringify(line.slice(0, 80))} where a signature line belongs`);
  }
  requireKeyName(match[1]);
  const bytes = decodeBase64(match[2]);
  if (bytes.length < 5) throw new FormatError(`the signature of ${match[1]} is too short`);
  return { name: match[1], keyId: readKeyId(bytes), signature: bytes.subarray(4) };
}

/** Writes a note. `text` ends in a newline; there is at least one signature. */
export function formatNote({ text, signatures }: SignedNote): Uint8Array {
  if (!text.endsWith('\n')) throw new FormatError('the text of a note ends in a newline');
  requireNoControl(text);
  if (signatures.length === 0) throw new FormatError('a note has at least one signature');
  return encodeText(`${text}\n${signatures.map(formatSignatureLine).join('')}`);
}

function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  requireKeyName(name);
  return `— ${name} ${encodeBase64(concatBytes([keyIdBytes(keyId), signature]))}\n`;
}

/** Signs a text with one key. */
export function signNote(text: string, signer: NoteSigner): Uint8Array {
  const signature = signer.sign(encodeText(text));
  return formatNote({ text, signatures: [{ name: signer.name, keyId: signer.keyId, signature }] });
}

/**
 * The signatures of known keys, all verified; lines of unknown keys are ignored, and so are a key's later lines.
 * @throws ProofError when a known key's signature fails, or no known key signed.
 */
export function verifyNote(note: SignedNote, verifiers: readonly NoteVerifier[]): NoteSignature[] {
  const text = encodeText(note.text);
  const verified: NoteSignature[] = [];
  for (const verifier of verifiers) {
    const line = note.signatures.find(
      ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
    );
    if (line === undefined) continue;
    if (!verifier.verify(text, line.signature))
      throw new ProofError(`the signature of ${verifier.name} does not verify`);
    verified.push(line);
  }
  if (verified.length === 0) {
    const names = (keys: readonly Pick<NoteVerifier, 'name' | 'keyId'>[]) =>
      keys.map(({ name, keyId }) => `${name}+${encodeHex(keyIdBytes(keyId))}`).join(', ');
    throw new ProofError(
      `no signature of ${names(verifiers)}; signed by ${JSON.stringify(names(note.signatures)).slice(0, 200)}`,
    );
  }
  return verified;
}

/** A verifier key: what a reader is configured with to trust a log. */
export interface VerifierKey {
  readonly name: string;
  readonly type: typeof ED25519 | typeof ECDSA;
  /** Ed25519: the 32 bytes of RFC 8032. ECDSA: an uncompressed P-256 key as DER SPKI. */
  readonly publicKey: Uint8Array;
}

/**
 * The hash whose first 4 bytes are the key id, and which whole is a Sigstore log id. For ECDSA, as Rekor v1 has it, the hash of the SPKI alone.
 */
export function keyHash({ name, type, publicKey }: VerifierKey): Uint8Array {
  if (type === ECDSA) return sha256(publicKey);
  return sha256(concatBytes([encodeText(`${name}\n`), Uint8Array.of(type), publicKey]));
}

/** Writes a verifier key: `<name>+<key id in hex>+<base64 of type and key>`. */
export function formatVerifierKey(key: VerifierKey): string {
  requireKeyName(key.name);
  const id = encodeHex(keyHash(key).subarray(0, 4));
  return `${key.name}+${id}+${encodeBase64(concatBytes([Uint8Array.of(key.type), key.publicKey]))}`;
}

/**
 * Parses a verifier key.
 * @throws FormatError unless it is exactly one, of type Ed25519 or ECDSA, with its own key id.
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
  if (type === ECDSA) requireP256(publicKey);
  const key: VerifierKey = { name, type, publicKey };
  requireKeyName(name);
  if (encodeHex(keyHash(key).subarray(0, 4)) !== id)
    throw new FormatError(`verifier key has key id ${id}, which is not its key's`);
  return key;
}

/** What checks the signatures of a verifier key. About 3 ms a check. */
export function noteVerifier(key: VerifierKey): NoteVerifier {
  const keyId = readKeyId(keyHash(key));
  const verify = key.type === ED25519 ? verifyEd25519 : verifyEcdsa;
  return { name: key.name, keyId, verify: (text, signature) => verify(key.publicKey, text, signature) };
}

function verifyEd25519(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  // RFC 8032 as written, without ZIP 215's leniency to keys of small order.
  return signature.length === 64 && ed25519.verify(signature, text, publicKey, { zip215: false });
}

function verifyEcdsa(spki: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const point = spki.subarray(P256_SPKI_PREFIX.length);
  try {
    return p256.verify(signature, text, point, { format: 'der', lowS: false });
  } catch {
    // Noble throws on what is no DER signature.
    return false;
  }
}

/** DER up to the point: SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING }. */
const P256_SPKI_PREFIX = decodeBase64('MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=');

function requireP256(spki: Uint8Array): void {
  const prefix = spki.subarray(0, P256_SPKI_PREFIX.length);
  const point = spki.subarray(P256_SPKI_PREFIX.length);
  if (!equalBytes(prefix, P256_SPKI_PREFIX) || point.length !== 65 || point[0] !== 4) {
    throw new FormatError('an ECDSA verifier key is an uncompressed P-256 key as DER SPKI');
  }
}

function requireNoControl(text: string): void {
  // eslint-disable-next-line no-control-regex -- the format forbids just these
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new FormatError('note has a control character');
}

function requireKeyName(name: string): void {
  if (name === '' || /[\p{White_Space}+]/u.test(name)) {
    throw new FormatError(`key name ${JSON.stringify(name.slice(0, 80))} is empty or has a space or a plus`);
  }
}

/** The key id that a key hash, or the bytes of a signature line, begin with. */
export function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function keyIdBytes(keyId: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return bytes;
}
