/**
 * The `TransparencyLogEntry` of Sigstore's protobuf, in JSON: the answer to a submission, and the log's part of a
 * bundle.
 * @module
 */
import { z } from 'zod';
import type { Base64Encoder } from '../../../tiles-spec/base64.js';
import { decodeText } from '../../../tiles-spec/bytes.js';
import { encodeBase64, HASH_LENGTH, type Hash, type SignedCheckpoint } from '../../../tiles-spec/index.js';
import { bytes, bytesOf, integer, list, readMessage, someBytes } from '../../protobuf-json.js';

/** A published entry, with its proof against a checkpoint that was verified. */
export interface PublishedEntry {
  readonly kind: string;
  readonly version: string;
  readonly index: number;
  readonly body: Uint8Array;
  readonly proof: readonly Hash[];
  readonly checkpoint: SignedCheckpoint;
}

/** A log's answer about an entry. Nothing of it is verified: `verifyLoggedEntry` does that. */
export interface TransparencyLogEntry {
  /** In a log of Rekor v1, the index over all shards. */
  readonly index: number;
  /** 32 bytes. */
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  /** Unix seconds. Only a promise signs it. */
  readonly integratedTime?: number;
  /** Rekor v1's signed entry timestamp: a signature over body, time, log id and index. */
  readonly promise?: Uint8Array;
  readonly proof?: EntryProof;
  /** The canonical body. */
  readonly body: Uint8Array;
  /** The entry is of a bundle of v0.1, where a promise is enough without a proof. */
  readonly promiseSuffices?: true;
}

/**
 * The message that a log of Rekor v2 or Stele answers with: a proof, no time and no promise.
 * @param logId all 32 bytes.
 */
export function entryOf(entry: PublishedEntry, logId: Uint8Array): TransparencyLogEntry {
  const { kind, version, index, body, proof: hashes, checkpoint } = entry;
  return {
    index,
    logId,
    kind,
    version,
    proof: {
      index,
      size: checkpoint.size,
      root: checkpoint.root,
      hashes,
      checkpoint: decodeText(checkpoint.bytes, 'checkpoint'),
    },
    body,
  };
}

/** An inclusion proof as it stands in a message. A right one has the size and the root of its checkpoint. */
export interface EntryProof {
  /** In the tree of the checkpoint. */
  readonly index: number;
  readonly size: number;
  readonly root: Hash;
  /** Leaf's sibling first. */
  readonly hashes: readonly Hash[];
  /** The checkpoint's note. */
  readonly checkpoint?: string;
}

const MAX_HASHES = 63;
const hash = bytesOf(HASH_LENGTH);

/**
 * The message in JSON, as Rekor v1, Rekor v2, Stele and the clients that keep it write it. The one schema of it: it
 * reads, its input is what `transparencyLogEntryJson` writes, and `/openapi.json` is made from it.
 */
export const transparencyLogEntry = z
  .object({
    logIndex: integer,
    logId: z.object({ keyId: bytesOf(32) }),
    kindVersion: z.object({ kind: z.string(), version: z.string() }),
    integratedTime: integer.describe('Unix seconds. Only a log of Rekor v1 promises a time: others write 0.'),
    inclusionPromise: z
      .object({ signedEntryTimestamp: bytes.optional() })
      .nullish()
      .describe('Only a log of Rekor v1 gives one.'),
    inclusionProof: z
      .object({
        logIndex: integer,
        rootHash: hash,
        treeSize: integer,
        hashes: list(hash, MAX_HASHES),
        checkpoint: z.object({ envelope: z.string() }).optional(),
      })
      .optional(),
    canonicalizedBody: someBytes,
  })
  .transform(
    ({ inclusionPromise, inclusionProof: proof, integratedTime, ...entry }): TransparencyLogEntry => {
      const promise = inclusionPromise?.signedEntryTimestamp;
      return {
        index: entry.logIndex,
        logId: entry.logId.keyId,
        ...entry.kindVersion,
        // Protobuf has zero for an absent time, and an empty string for absent bytes.
        ...(integratedTime === 0 ? {} : { integratedTime }),
        ...(promise === undefined || promise.length === 0 ? {} : { promise }),
        ...(proof === undefined
          ? {}
          : {
              proof: {
                index: proof.logIndex,
                size: proof.treeSize,
                root: proof.rootHash,
                hashes: proof.hashes,
                ...(proof.checkpoint === undefined ? {} : { checkpoint: proof.checkpoint.envelope }),
              },
            }),
        body: entry.canonicalizedBody,
      };
    },
  );

/**
 * Reads a TransparencyLogEntry from parsed JSON (`parseJson`): the answer of a log of Rekor v2 or Stele.
 * @throws FormatError when it has another shape, or its base64 or its decimals are not in their one form.
 */
export function parseTransparencyLogEntry(json: unknown): TransparencyLogEntry {
  return readMessage(transparencyLogEntry, json, 'log entry');
}

type TransparencyLogEntryJson = z.input<typeof transparencyLogEntry>;

/**
 * The JSON of an entry. Every number is written, also zero, and 64-bit numbers are strings, as clients demand.
 * @param absent whether a time and a promise that the entry does not have are left out, as in bundles, or written as
 *   zero and null, as in a log's answer.
 */
export function transparencyLogEntryJson(
  entry: TransparencyLogEntry,
  absent: 'left out' | 'written' = 'left out',
  base64: Base64Encoder = encodeBase64,
): TransparencyLogEntryJson {
  const { index, logId, kind, version, integratedTime, promise, proof, body } = entry;
  const isWritten = absent === 'written';
  // JSON.stringify leaves out what is undefined.
  const time = integratedTime ?? (isWritten ? 0 : undefined);
  const noPromise = isWritten ? null : undefined;
  return {
    logIndex: String(index),
    logId: { keyId: base64(logId) },
    kindVersion: { kind, version },
    integratedTime: time === undefined ? undefined : String(time),
    inclusionPromise: promise === undefined ? noPromise : { signedEntryTimestamp: base64(promise) },
    inclusionProof: proof === undefined ? undefined : proofJson(proof, base64),
    canonicalizedBody: base64(body),
  };
}

function proofJson({ index, size, root, hashes, checkpoint }: EntryProof, base64: Base64Encoder) {
  return {
    logIndex: String(index),
    rootHash: base64(root),
    treeSize: String(size),
    hashes: hashes.map((hash) => base64(hash)),
    checkpoint: checkpoint === undefined ? undefined : { envelope: checkpoint },
  };
}

/**
 * Writes the answer to a submission: JSON in ASCII, with every field.
 *
 * Cost: most of it is base64, on the caller's thread. A body of 2,000 bytes with 27 hashes takes 50 us by default, and
 * under 20 us by `bufferBase64`.
 * @param logId all 32 bytes.
 */
export function formatTransparencyLogEntry(
  entry: PublishedEntry,
  logId: Uint8Array,
  base64: Base64Encoder = encodeBase64,
): string {
  const json = JSON.stringify(transparencyLogEntryJson(entryOf(entry, logId), 'written', base64));
  // A note's signature line begins with a dash that is not ASCII. With it, the string would take two bytes a character
  // in memory, and cost twice as much to send.
  return json.replaceAll('—', '\\u2014');
}
