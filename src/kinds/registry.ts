/**
 * The kinds of entry that the log takes, and the way from a request to a proposed entry.
 * @module
 */
import canonicalizeJson from 'canonicalize';
import { z } from 'zod';
import { encodeText } from '../../tiles-spec/bytes.js';
import { FormatError, MAX_ENTRY_LENGTH } from '../../tiles-spec/index.js';
import { InvalidEntryError } from '../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../json.js';
import { dsse } from './dsse.js';
import { hashedrekord } from './hashedrekord.js';
import type { Digest, EntryKind, SignatureToCheck } from './kind.js';
import { findingsOf, normalizeFields } from '../protobuf-json.js';

/** Every kind. To add one is to add its file and its line here. */
export const KINDS: readonly EntryKind[] = [hashedrekord, dsse];

/** An entry that is logged if its signatures verify. */
export interface ProposedEntry {
  readonly kind: string;
  readonly version: string;
  /** The canonical body: RFC 8785 JSON, at most 65,535 bytes. Its leaf hash is the entry's identity. */
  readonly body: Uint8Array;
  readonly signatures: readonly SignatureToCheck[];
}

/**
 * Reads a `CreateEntryRequest` (JSON, UTF-8): which kind it asks for, and the entry it would become.
 * @throws InvalidEntryError saying what is wrong and where.
 */
export function proposeEntry(request: Uint8Array, digest: Digest): ProposedEntry {
  const [field, value] = requestedField(request);
  const kind = KINDS.find(({ requestField }) => requestField === field);
  if (kind === undefined) {
    const known = KINDS.map(({ requestField }) => requestField).join(', ');
    throw new InvalidEntryError(`${field.slice(0, 80)} is no request that this log takes; it takes ${known}`);
  }
  const parsed = kind.requestSchema.safeParse(value);
  if (!parsed.success) throw new InvalidEntryError(describe(field, parsed.error));
  const { spec, signatures } = kind.propose(parsed.data, digest);
  const body = canonicalBody(kind, spec);
  if (body.length > MAX_ENTRY_LENGTH) {
    throw new InvalidEntryError(
      `the canonical body has ${body.length} bytes; an entry has at most ${MAX_ENTRY_LENGTH}`,
    );
  }
  return { kind: kind.kind, version: kind.version, body, signatures };
}

/** What a canonical body says that it is, and its `spec`. @throws FormatError when it is no canonical body. */
export function parseBody(body: Uint8Array): { kind: string; version: string; spec: unknown } {
  const parsed = loggedBody.safeParse(parseJson(body, 'canonical body', DOCUMENT_LIMITS));
  if (!parsed.success) throw new FormatError('it is not a canonical body: apiVersion, kind and spec');
  return { kind: parsed.data.kind, version: parsed.data.apiVersion, spec: parsed.data.spec };
}

const loggedBody = z.strictObject({ apiVersion: z.string(), kind: z.string(), spec: z.unknown() });

/** The one field of a request, and its value. */
function requestedField(request: Uint8Array): [string, unknown] {
  try {
    const value = normalizeFields(parseJson(request, 'the request'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new FormatError('the request is not a JSON object');
    }
    const [first, ...more] = Object.entries(value);
    if (first === undefined)
      throw new FormatError(
        `the request is empty; it needs one of ${KINDS.map((kind) => kind.requestField).join(', ')}`,
      );
    if (more.length > 0)
      throw new FormatError(
        `the request has the fields ${Object.keys(value).join(', ').slice(0, 200)}; it takes one`,
      );
    return first as [string, unknown];
  } catch (error) {
    throw error instanceof FormatError ? new InvalidEntryError(error.message) : error;
  }
}

function canonicalBody({ kind, version }: EntryKind, spec: object): Uint8Array {
  const json = canonicalizeJson({ apiVersion: version, kind, spec });
  if (json === undefined) throw new TypeError('a canonical body is an object');
  return encodeText(json);
}

/** `field.path: what is wrong`, of the first three. */
function describe(field: string, error: z.ZodError): string {
  return findingsOf(error)
    .map(({ path, why }) => `${path === '' ? field : `${field}.${path}`}: ${why}`)
    .join('; ')
    .slice(0, 1000);
}
