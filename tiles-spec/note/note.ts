/**
 * Signed notes (c2sp.org/signed-note).
 * @module
 */
import { decodeBase64, encodeBase64 } from '../base64.js';
import { concatBytes, decodeText, encodeHex, encodeText } from '../bytes.js';
import { FormatError, ProofError } from '../errors.js';
import { keyIdBytes, readKeyId, requireKeyName, type NoteSigner, type NoteVerifier } from './key-id.js';

/** One signature line: the name and id of the key that it says it is by, and the signature. Not verified. */
export interface NoteSignature {
  readonly name: string;
  /** From 0 to 2^32 - 1. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A note's text, which ends in a newline, and its signature lines in their order. Not verified. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** The longest note, in bytes. */
export const MAX_NOTE_LENGTH = 1 << 20;
const MAX_SIGNATURES = 100;
const SIGNATURE_LINE = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/u;

/**
 * Parses a note of at most 1 MiB and 100 signatures. Nothing is verified.
 * @throws FormatError unless the bytes are exactly a note.
 * @example
 * const note = new TextEncoder().encode('a text\n\n— a-name AAECA2U=\n');
 * parseNote(note).signatures; // => [ { name: 'a-name', keyId: 66051, signature: Uint8Array(1) [ 101 ] } ]
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

/**
 * Writes a note.
 * @throws FormatError where the text does not end in a newline or has another control character, there is no signature,
 *   or the name of a key is not valid.
 * @example
 * const signatures = [{ name: 'a-name', keyId: 66051, signature: Uint8Array.of(101) }];
 * new TextDecoder().decode(formatNote({ text: 'a text\n', signatures })); // => 'a text\n\n— a-name AAECA2U=\n'
 */
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

/**
 * Signs a text with one key, and writes the note.
 * @param text ends in a newline.
 * @throws FormatError as `formatNote`.
 * @example
 * const key = await LogKey.create('log.key');
 * const note = signNote('a text\n', key.signer('log.example.com'));
 * verifyNote(parseNote(note), [key.verifier('log.example.com')]).length; // => 1
 */
export function signNote(text: string, signer: NoteSigner): Uint8Array {
  const signature = signer.sign(encodeText(text));
  return formatNote({ text, signatures: [{ name: signer.name, keyId: signer.keyId, signature }] });
}

/**
 * Verifies the signatures of the keys that the caller knows. Lines by other keys are ignored, and so is every line of a
 * key but its first.
 * @returns the verified lines, at least one, in the order of `verifiers`.
 * @throws ProofError when the signature of a known key fails, or none of them signed.
 * @example
 * const key = await LogKey.create('log.key');
 * const note = parseNote(signNote('a text\n', key.signer('log.example.com')));
 * const [line] = verifyNote(note, [key.verifier('log.example.com')]);
 * line.name; // => 'log.example.com'
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

function requireNoControl(text: string): void {
  // eslint-disable-next-line no-control-regex -- the format forbids just these
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new FormatError('note has a control character');
}
