/**
 * What finds a logged entry.
 * @module
 */
import type { IndexKey } from './kind.js';
import { KINDS, parseBody } from './registry.js';

/**
 * The index keys of a logged entry, from its canonical body alone. None for a kind that this version does not know.
 * @throws FormatError when the body is none, or not one of the kind that it names.
 */
export function keysOf(body: Uint8Array): IndexKey[] {
  const { kind, version, spec } = parseBody(body);
  const known = KINDS.find((each) => each.kind === kind && each.version === version);
  return known?.keysOf(spec) ?? [];
}
