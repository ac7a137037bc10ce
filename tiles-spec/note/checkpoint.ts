/**
 * Checkpoints (c2sp.org/tlog-checkpoint): a tree's origin, size and root, in a signed note.
 * @module
 */
import { decodeBase64, encodeBase64 } from '../base64.js';
import { counted } from '../counted.js';
import { parseDecimal, requireExact } from '../decimal.js';
import { FormatError, ProofError } from '../errors.js';
import { HASH_LENGTH, type Hash } from '../tree/merkle.js';
import type { NoteVerifier } from './key-id.js';
import { parseNote, verifyNote, type SignedNote } from './note.js';

/** The text of a checkpoint, parsed. */
export interface Checkpoint {
  /** Which log it is of; not empty. */
  readonly origin: string;
  /** Entries in the tree, from 0 to 2^53 - 1. */
  readonly size: number;
  readonly root: Hash;
  /** Further lines, which this version gives no meaning to. None is empty. */
  readonly extensions: readonly string[];
}

/**
 * Writes a checkpoint's text, for `signNote` to sign.
 * @throws FormatError where the size is out of range, the root has not 32 bytes, or a line is empty or has a newline.
 * @example
 * const empty = { origin: 'log.example.com', size: 0, root: emptyRoot(), extensions: [] };
 * formatCheckpoint(empty); // => 'log.example.com\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n'
 */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  requireExact(size, 'tree size');
  if (root.length !== HASH_LENGTH)
    throw new FormatError(`a root has ${HASH_LENGTH} bytes, not ${root.length}`);
  const lines = [origin, String(size), encodeBase64(root), ...extensions];
  if (lines.some((line) => line === '' || line.includes('\n')))
    throw new FormatError('a line of a checkpoint is empty, or two');
  return `${lines.join('\n')}\n`;
}

/**
 * Parses a checkpoint's text. Nothing is verified: `openCheckpoint` does that.
 * @param text of a note, signatures not included.
 * @throws FormatError unless the text is exactly a checkpoint's, with a size below 2^53.
 * @example
 * parseCheckpoint('log.example.com\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n').size; // => 0
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size, root, ...rest] = text.split('\n');
  if (size === undefined || root === undefined || rest.pop() !== '') {
    throw new FormatError('checkpoint is not three lines or more: origin, size, root');
  }
  if (origin === '' || rest.includes('')) throw new FormatError('a line of the checkpoint is empty');
  const hash = decodeBase64(root);
  if (hash.length !== HASH_LENGTH)
    throw new FormatError(
      `the root in the checkpoint has ${counted(hash.length, 'byte')}, not ${HASH_LENGTH}`,
    );
  return { origin, size: parseDecimal(size, 'tree size'), root: hash, extensions: rest };
}

/** A checkpoint whose signature was verified, and its note. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
  /** The note's bytes, with the lines of other keys, which were not verified. */
  readonly bytes: Uint8Array;
}

/**
 * Parses a signed checkpoint, and verifies the signature of its log. Costs one signature check.
 * @param bytes of a note, at most 1 MiB.
 * @param verifier the log's key, from configuration: never from the log that is being verified.
 * @param origin where it is not the key's name: the origin of a Rekor v1 shard is its name and its tree id.
 * @throws FormatError when the bytes are not a checkpoint; ProofError when the origin or the signature is not the
 *   log's.
 * @example
 * const key = await LogKey.create('log.key');
 * const text = 'log.example.com\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n';
 * const note = signNote(text, key.signer('log.example.com'));
 * openCheckpoint(note, key.verifier('log.example.com')).size; // => 0
 */
export function openCheckpoint(
  bytes: Uint8Array,
  verifier: NoteVerifier,
  origin: string = verifier.name,
): SignedCheckpoint {
  const note = parseNote(bytes);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== origin) {
    throw new ProofError(
      `the checkpoint is of ${JSON.stringify(checkpoint.origin.slice(0, 200))}, not of ${origin}`,
    );
  }
  verifyNote(note, [verifier]);
  return { ...checkpoint, note, bytes };
}
