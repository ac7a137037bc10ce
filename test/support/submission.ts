/**
 * Submits to a real daemon over HTTP, and checks its answers with the project's own verifier and reader.
 * @module
 */
import type { TransparencyLogEntry } from '@sigstore/protobuf-specs';
import { expect } from 'vitest';
import { LogReader } from '#reader/index.js';
import { nodeGunzip } from '#reader/node/gunzip.js';
import {
  decodeBase64,
  encodeBase64,
  equalBytes,
  leafHash,
  openCheckpoint,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type NoteVerifier,
  type SignedCheckpoint,
} from '#tiles-spec/index.js';
import { problemSchema } from '#writer/http/openapi.js';
import { answerSchema, type Answer } from './answer-schema.js';

export type { Answer } from './answer-schema.js';

/** The HTTP response to a submission. */
export interface Response {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Posts a request for an entry, given as an object or as JSON text. */
export async function post(url: string, request: object | string): Promise<Response> {
  const response = await fetch(`${url}/api/v2/log/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof request === 'string' ? request : JSON.stringify(request),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Posts a request that must be answered with 201 and an entry with exactly the specified fields. */
export async function submit(url: string, request: object | string): Promise<Answer> {
  const { status, headers, text } = await post(url, request);
  expect(status, text).toBe(201);
  expect(headers.get('content-type')).toMatch(/^application\/json(;|$)/);
  return answerSchema.parse(JSON.parse(text));
}

/** Posts a request that must be refused with 400. Returns the message. */
export async function refusal(url: string, request: object | string): Promise<string> {
  const { status, headers, text } = await post(url, request);
  expect(status, text).toBe(400);
  expect(headers.get('content-type')).toMatch(/^application\/json(;|$)/);
  const { code, message } = problemSchema.parse(JSON.parse(text));
  expect(code).toBe(3);
  return message;
}

/** The verifier in a request for an entry. */
export interface RequestVerifier {
  readonly form: 'publicKey' | 'x509Certificate';
  readonly der: Uint8Array;
  readonly keyDetails: string;
}

export function verifierJson({ form, der, keyDetails }: RequestVerifier): object {
  return { [form]: { rawBytes: encodeBase64(der) }, keyDetails };
}

/** A `CreateEntryRequest` for a signature over a digest. */
export function hashedRekordRequest(
  digest: Uint8Array,
  signature: Uint8Array,
  verifier: RequestVerifier,
): object {
  return {
    hashedRekordRequestV002: {
      digest: encodeBase64(digest),
      signature: { content: encodeBase64(signature), verifier: verifierJson(verifier) },
    },
  };
}

/** An answer whose checkpoint and proof verify. */
export interface ProvedAnswer {
  readonly index: number;
  readonly body: Uint8Array;
  readonly leaf: Hash;
  readonly checkpoint: SignedCheckpoint;
}

/** Verifies an answer offline: the checkpoint's signature, the proof, and that the fields agree. */
export function proveAnswer(answer: Answer, verifier: NoteVerifier): ProvedAnswer {
  const { inclusionProof } = answer;
  const checkpoint = openCheckpoint(Buffer.from(inclusionProof.checkpoint.envelope), verifier);
  expect(inclusionProof.treeSize).toBe(String(checkpoint.size));
  expect(inclusionProof.rootHash).toBe(encodeBase64(checkpoint.root));
  expect(inclusionProof.logIndex).toBe(answer.logIndex);
  const index = Number(answer.logIndex);
  const body = decodeBase64(answer.canonicalizedBody);
  const leaf = leafHash(body);
  verifyInclusion(leaf, index, checkpoint.size, inclusionProof.hashes.map(decodeBase64), checkpoint.root);
  return { index, body, leaf, checkpoint };
}

/** The answer from which a client has parsed an entry. */
export function answerOf(entry: TransparencyLogEntry): Answer {
  const { logIndex, logId, kindVersion, inclusionProof, canonicalizedBody } = entry;
  if (!logId || !kindVersion || !inclusionProof?.checkpoint) throw new Error('the entry has no proof');
  return {
    logIndex,
    logId: { keyId: encodeBase64(logId.keyId) },
    kindVersion,
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: inclusionProof.logIndex,
      rootHash: encodeBase64(inclusionProof.rootHash),
      treeSize: inclusionProof.treeSize,
      hashes: inclusionProof.hashes.map(encodeBase64),
      checkpoint: inclusionProof.checkpoint,
    },
    canonicalizedBody: encodeBase64(canonicalizedBody),
  };
}

/** A reader of the log below a URL. */
export function readerOf(base: string, verifier: NoteVerifier): LogReader {
  return new LogReader({
    read: async (path) => {
      const response = await fetch(`${base}/${path}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status === 404) return undefined;
      expect(response.status).toBe(200);
      return bytes;
    },
    verifier,
    gunzip: nodeGunzip,
  });
}

/**
 * Finds the entry of a proved answer in the public log, at both of the log's URLs: the served checkpoint extends the
 * answer's, the entry bundle has the body, and the tiles prove it.
 */
export async function readBack(url: string, verifier: NoteVerifier, answer: ProvedAnswer): Promise<void> {
  const { index, body, leaf, checkpoint } = answer;
  for (const base of [url, `${url}/api/v2`]) {
    const reader = readerOf(base, verifier);
    const served = await reader.checkpoint();
    if (served === undefined) throw new Error('the log has no checkpoint');
    const log = reader.at(served);
    const extension = await log.consistencyProof(checkpoint.size);
    verifyConsistency(checkpoint.size, checkpoint.root, served.size, served.root, extension);
    verifyInclusion(leaf, index, served.size, await log.inclusionProof(index), served.root);
    const entry = (await log.entryBundle(Math.floor(index / 256)))[index % 256];
    expect(entry !== undefined && equalBytes(entry, body), `entry ${index} in its bundle`).toBe(true);
  }
}
