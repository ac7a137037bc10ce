/**
 * Proofs that stand alone (c2sp.org/tlog-proof): an entry's index, its inclusion proof, and the checkpoint.
 * @module
 */
import { decodeBase64, encodeBase64 } from '../base64.js';
import { decodeText, encodeText } from '../bytes.js';
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { parseDecimal, requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { HASH_LENGTH, sha256, type Hash, type Sha256 } from '../tree/merkle.js';
import type { NoteVerifier } from './key-id.js';
import { verifyInclusion } from '../tree/proof.js';

/** A proof that an entry, known by its leaf hash, is in a log. Nothing in it is verified. */
export interface TlogProof {
  /** Data for the application. The proof does not cover it: `verifyTlogProof` leaves it unverified. */
  readonly extra?: Uint8Array;
  /** The entry's index, from 0 to 2^53 - 1. */
  readonly index: number;
  /** The inclusion proof, from the leaf's sibling up; at most 63 hashes. */
  readonly hashes: readonly Hash[];
  /** The bytes of the checkpoint's note. */
  readonly checkpoint: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const MAX_HASHES = 63;

/**
 * Writes a proof, for a file `*.tlog-proof`.
 * @throws FormatError where the index is out of range or the checkpoint is not UTF-8.
 */
export function formatTlogProof({ extra, index, hashes, checkpoint }: TlogProof): Uint8Array {
  requireExact(index, 'index');
  const lines = [HEADER];
  if (extra !== undefined) lines.push(`extra ${encodeBase64(extra)}`);
  lines.push(`index ${index}`, ...hashes.map(encodeBase64));
  return encodeText(`${lines.join('\n')}\n\n${decodeText(checkpoint, 'checkpoint')}`);
}

/**
 * Parses a proof. Nothing is verified.
 * @throws FormatError unless the bytes are exactly a proof; its checkpoint may be anything in UTF-8.
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  const text = decodeText(bytes, 'tlog-proof');
  const end = text.indexOf('\n\n');
  if (end < 0) throw new FormatError('tlog-proof has no blank line before its checkpoint');
  const [header, ...lines] = text.slice(0, end).split('\n');
  if (header !== HEADER) throw new FormatError(`tlog-proof does not begin with ${HEADER}`);
  const extra =
    lines[0]?.startsWith('extra ') === true ? decodeBase64((lines.shift() ?? '').slice(6)) : undefined;
  const indexLine = lines.shift() ?? '';
  if (!indexLine.startsWith('index ')) throw new FormatError('tlog-proof has no index line');
  if (lines.length > MAX_HASHES) throw new FormatError(`tlog-proof has over ${MAX_HASHES} hashes`);
  const hashes = lines.map(decodeBase64);
  if (hashes.some((hash) => hash.length !== HASH_LENGTH))
    throw new FormatError(`a hash of the tlog-proof is not ${HASH_LENGTH} bytes`);
  return {
    ...(extra === undefined ? {} : { extra }),
    index: parseDecimal(indexLine.slice(6), 'index'),
    hashes,
    checkpoint: encodeText(text.slice(end + 2)),
  };
}

/**
 * Checks that the log has an entry with this leaf hash, at the proof's index. Needs nothing but the proof.
 * @param leaf computed by the caller from the entry that it holds.
 * @param verifier the log's key, from configuration.
 * @returns the proof's checkpoint, verified.
 * @throws ProofError when the proof does not hold; FormatError when its checkpoint is not a checkpoint.
 */
export function verifyTlogProof(
  proof: TlogProof,
  leaf: Hash,
  verifier: NoteVerifier,
  sha: Sha256 = sha256,
): SignedCheckpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, verifier);
  verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root, sha);
  return checkpoint;
}
