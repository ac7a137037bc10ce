/**
 * The `TransparencyLogEntry` of Sigstore's protobuf, in JSON: the answer to a submission.
 * @module
 */
import { decodeText, encodeBase64, type Hash, type SignedCheckpoint } from '../../tiles-spec/index.js';

/** A logged entry with its proof. */
export interface LoggedEntry {
  readonly kind: string;
  readonly version: string;
  readonly index: number;
  readonly body: Uint8Array;
  readonly proof: readonly Hash[];
  readonly checkpoint: SignedCheckpoint;
}

/**
 * Writes the entry in ASCII. Every field is written, also where it is zero, and 64-bit numbers are strings, as
 * clients demand.
 * @param logId all 32 bytes.
 */
export function formatTransparencyLogEntry(entry: LoggedEntry, logId: Uint8Array): string {
  const { checkpoint } = entry;
  const json = JSON.stringify({
    logIndex: String(entry.index),
    logId: { keyId: encodeBase64(logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    // Rekor v2 promises no time and no inclusion: a timestamp is a time stamp authority's, the proof is here.
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: String(entry.index),
      rootHash: encodeBase64(checkpoint.root),
      treeSize: String(checkpoint.size),
      hashes: entry.proof.map(encodeBase64),
      checkpoint: { envelope: decodeText(checkpoint.bytes, 'checkpoint') },
    },
    canonicalizedBody: encodeBase64(entry.body),
  });
  // The dash of a note's signature line would make the string two bytes a character, and twice as dear to send.
  return json.replaceAll('—', '\\u2014');
}
