/**
 * Logged entries, read by their canonical bodies.
 * @module
 */
import { encodeHex, FormatError, leafHash } from '../../tiles-spec/index.js';
import { findingsOf } from '../protobuf-json.js';
import { isCanonical, parseBody, type Body } from './canonical-body.js';
import type { DescriptionLine, EntryKind, SearchKey } from './kind.js';
import { knownKind } from './known-kinds.js';
import type { LoggedStatement } from './statement.js';

/** An entry of a kind that this version knows, parsed. Its methods never throw. */
export interface KnownEntry {
  readonly isKnown: true;
  readonly kind: string;
  readonly version: string;
  /** The search keys that follow from its spec, each once. */
  derivedKeys(): SearchKey[];
  /** Its signatures, at least one. */
  statements(): LoggedStatement[];
  /** The entry in a few lines for people. */
  describe(): DescriptionLine[];
}

/**
 * An entry of a kind, or a version of one, that this version of Stele does not know: nothing can be said of its spec.
 */
export interface UnknownEntry {
  readonly isKnown: false;
  readonly kind: string;
  readonly version: string;
}

/**
 * Reads an entry. Nothing of it is verified.
 * @param body the canonical body. Its JSON need not be in RFC 8785's form.
 * @throws FormatError when it is no body, or its spec has not the shape that its kind demands. An entry of a kind that
 *   is not known is no error.
 */
export function readEntry(body: Uint8Array): KnownEntry | UnknownEntry {
  return entryOfBody(parseBody(body));
}

/** Reads an entry whose body was parsed already, as `readEntry` does. @throws FormatError */
export function entryOfBody({ kind, version, spec }: Body): KnownEntry | UnknownEntry {
  const known = knownKind(kind, version);
  return known === undefined ? { isKnown: false, kind, version } : knownEntry(known, spec);
}

function knownEntry<Spec>(entryKind: EntryKind<Spec>, spec: unknown): KnownEntry {
  const { kind, version } = entryKind;
  const parsed = entryKind.spec.safeParse(spec);
  if (!parsed.success) {
    const findings = findingsOf(parsed.error).map(
      ({ path, why }) => `spec${path === '' ? '' : `.${path}`} ${why}`,
    );
    throw new FormatError(`canonical body: ${findings.join('; ').slice(0, 1000)}`);
  }
  const { data } = parsed;
  return {
    isKnown: true,
    kind,
    version,
    derivedKeys: () => entryKind.derivedKeys(data),
    statements: () => entryKind.statements(data),
    describe: () => entryKind.describe(data),
  };
}

/**
 * All search keys that follow from a body: first that of its leaf hash, then those that its kind derives. Total: a body
 * that is not, byte for byte, the RFC 8785 form of an entry of a known kind has the key of its leaf hash alone. So the
 * keys alone do not tell a kind that is not known: `readEntry` does. Linear in the length of the body.
 * @param body any bytes.
 */
export function keysOf(body: Uint8Array): SearchKey[] {
  return [`leaf:${encodeHex(leafHash(body))}`, ...derivedKeysOf(body)];
}

function derivedKeysOf(body: Uint8Array): SearchKey[] {
  try {
    const parsed = parseBody(body);
    const entry = entryOfBody(parsed);
    return entry.isKnown && isCanonical(body, parsed) ? entry.derivedKeys() : [];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
