/**
 * The `TransparencyLogEntry` of Sigstore's protobuf, in JSON: the answer to a submission, and the log's part of a
 * bundle.
 * @module
 */
import { z } from 'zod';
import { decodeText } from '../../../tiles-spec/bytes.js';
import { encodeBase64, HASH_LENGTH, type Hash, type SignedCheckpoint } from '../../../tiles-spec/index.js';
import { bytes, bytesOf, integer, list, readMessage, someBytes } from './message-fields.js';

/** A logged entry with its proof. */
export interface PublishedEntry {
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
export function formatTransparencyLogEntry(entry: PublishedEntry, logId: Uint8Array): string {
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

/** What a log said of an entry. Nothing of it is verified: `verifyLoggedEntry` does that. */
export interface TransparencyLogEntry {
  /** In a log of Rekor v1 it counts over all shards. */
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
  /** In a bundle of v0.1: a promise takes the place of the proof. */
  readonly promiseSuffices?: true;
}

/**
 * The message of an entry with its proof, as a log of Rekor v2 or Stele answers: without time and promise.
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

/** An inclusion proof as it stands in a TransparencyLogEntry: size and root are the checkpoint's too, or it is wrong. */
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

/** A TransparencyLogEntry in JSON, as Rekor v1, Rekor v2 and the clients that keep it write it. */
export const transparencyLogEntry = z
  .object({
    logIndex: integer,
    logId: z.object({ keyId: bytesOf(32) }),
    kindVersion: z.object({ kind: z.string(), version: z.string() }),
    integratedTime: integer,
    inclusionPromise: z.object({ signedEntryTimestamp: bytes.optional() }).optional(),
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
        // Zero is what protobuf has for none.
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
 * @throws FormatError unless it has the shape of one, with base64 and decimals in their one form.
 */
export function parseTransparencyLogEntry(json: unknown): TransparencyLogEntry {
  return readMessage(transparencyLogEntry, json, 'log entry');
}

/**
 * The JSON of an entry as a bundle has it: a time and a promise where there are any, every number also where it is
 * zero.
 */
export function transparencyLogEntryJson(entry: TransparencyLogEntry): object {
  const { index, logId, kind, version, integratedTime, promise, proof, body } = entry;
  return {
    logIndex: String(index),
    logId: { keyId: encodeBase64(logId) },
    kindVersion: { kind, version },
    ...(integratedTime === undefined ? {} : { integratedTime: String(integratedTime) }),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: encodeBase64(promise) } }),
    ...(proof === undefined ? {} : { inclusionProof: proofJson(proof) }),
    canonicalizedBody: encodeBase64(body),
  };
}

function proofJson({ index, size, root, hashes, checkpoint }: EntryProof): object {
  return {
    logIndex: String(index),
    rootHash: encodeBase64(root),
    treeSize: String(size),
    hashes: hashes.map(encodeBase64),
    ...(checkpoint === undefined ? {} : { checkpoint: { envelope: checkpoint } }),
  };
}
