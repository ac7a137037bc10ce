/**
 * Canonical bodies: the RFC 8785 JSON of `{"apiVersion","kind","spec"}`, whose leaf hash is an entry's identity.
 * @module
 */
import canonicalizeJson from 'canonicalize';
import { z } from 'zod';
import { decodeText, encodeText } from '../../tiles-spec/bytes.js';
import { FormatError } from '../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../json.js';
import type { EntryKind } from './kind.js';

/** A body taken apart. */
export interface Body {
  readonly kind: string;
  readonly version: string;
  /** JSON of any shape. */
  readonly spec: unknown;
}

/**
 * The canonical body of an entry.
 * @param spec JSON of strings, arrays and objects.
 */
export function canonicalBody(
  { kind, version }: Pick<EntryKind, 'kind' | 'version'>,
  spec: object,
): Uint8Array {
  return encodeText(canonicalJson({ apiVersion: version, kind, spec }));
}

const fields = z.strictObject({ apiVersion: z.string(), kind: z.string(), spec: z.unknown() });

/**
 * Takes a body apart. Its JSON need not be in RFC 8785's form: `isCanonical` tells whether it is.
 * @throws FormatError when it is not JSON with a kind, a version and a spec.
 */
export function parseBody(body: Uint8Array): Body {
  const parsed = fields.safeParse(parseJson(body, 'canonical body', DOCUMENT_LIMITS));
  if (!parsed.success) throw new FormatError('it is not a canonical body: apiVersion, kind and spec');
  const { apiVersion, kind, spec } = parsed.data;
  return { kind, version: apiVersion, spec };
}

/** Whether a body is, byte for byte, the RFC 8785 form of what `parseBody` has read in it. */
export function isCanonical(body: Uint8Array, { kind, version, spec }: Body): boolean {
  const text = decodeText(body, 'canonical body');
  return canonicalJson({ apiVersion: version, kind, spec }) === text && !LONE_SURROGATE.test(text);
}

/**
 * Half of a character, which RFC 8785 (section 3.2.2.2) forbids. `JSON.stringify` writes it as `\ud800` to `\udfff`,
 * and no other character so. An even number of backslashes before it is text of its own.
 */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;

function canonicalJson(value: object): string {
  const json = canonicalizeJson(value);
  if (json === undefined) throw new TypeError('an object has a JSON');
  return json;
}
