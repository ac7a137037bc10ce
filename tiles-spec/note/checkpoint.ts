/**
 * Checkpoints (c2sp.org/tlog-checkpoint): a tree's origin, size and root, in a signed note.
 * @module
 */
import { decodeBase64, encodeBase64 } from '../base64.js';
import { parseDecimal, requireExact } from '../decimal.js';
import { FormatError, ProofError } from '../errors.js';
import { HASH_LENGTH, type Hash } from '../tree/merkle.js';
import type { NoteVerifier } from './key-id.js';
import { parseNote, verifyNote, type SignedNote } from './note.js';

/** What a checkpoint says. `extensions` are opaque lines. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  readonly extensions: readonly string[];
}

/** Writes a checkpoint's text, which is then signed. */
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
 * Parses a checkpoint's text.
 * @throws FormatError unless it is exactly one, of a size below 2^53.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size, root, ...rest] = text.split('\n');
  if (size === undefined || root === undefined || rest.pop() !== '') {
    throw new FormatError('checkpoint is not three lines or more: origin, size, root');
  }
  if (origin === '' || rest.includes('')) throw new FormatError('a line of the checkpoint is empty');
  const hash = decodeBase64(root);
  if (hash.length !== HASH_LENGTH)
    throw new FormatError(`the root in the checkpoint has ${hash.length} bytes, not ${HASH_LENGTH}`);
  return { origin, size: parseDecimal(size, 'tree size'), root: hash, extensions: rest };
}

/** A checkpoint whose signature was verified, with the note that carried it. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
  /** The note's bytes, other keys' lines included. */
  readonly bytes: Uint8Array;
}

/**
 * Parses a checkpoint and verifies its log's signature.
 * @param verifier the log's key, from configuration. Its name is the origin, unless `origin` says otherwise (a
 *   Rekor v1 shard's origin is its name and its tree id).
 * @throws FormatError when it is no checkpoint; ProofError when the origin or the signature is not the log's.
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
