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

/** A proof that the entry with some leaf hash is in a log. Nothing in it is verified, and `extra` never is. */
export interface TlogProof {
  readonly extra?: Uint8Array;
  readonly index: number;
  /** The inclusion proof, leaf's sibling first. */
  readonly hashes: readonly Hash[];
  /** The checkpoint's note, verbatim. */
  readonly checkpoint: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const MAX_HASHES = 63;

/** Writes a proof; kept in a file it is called `*.tlog-proof`. */
export function formatTlogProof({ extra, index, hashes, checkpoint }: TlogProof): Uint8Array {
  requireExact(index, 'index');
  const lines = [HEADER];
  if (extra !== undefined) lines.push(`extra ${encodeBase64(extra)}`);
  lines.push(`index ${index}`, ...hashes.map(encodeBase64));
  return encodeText(`${lines.join('\n')}\n\n${decodeText(checkpoint, 'checkpoint')}`);
}

/**
 * Parses a proof.
 * @throws FormatError unless it is exactly one.
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
 * Checks that the log whose key `verifier` holds has, at the proof's index, an entry with this leaf hash.
 * @returns the checkpoint that shows it.
 * @throws ProofError when it is not shown; FormatError when the checkpoint is none.
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
