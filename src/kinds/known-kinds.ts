/**
 * Every kind of entry that this version knows.
 * @module
 */
import { dsseV1 } from './dsse-0.0.1.js';
import { dsseV2 } from './dsse-0.0.2.js';
import { hashedrekordV1 } from './hashedrekord-0.0.1.js';
import { hashedrekord } from './hashedrekord-0.0.2.js';
import { intoto } from './intoto-0.0.2.js';
import type { EntryKind } from './kind.js';

/**
 * The kinds: `hashedrekord 0.0.2` is logged, the others are read in logs of Rekor's. To add one, add its file and its
 * line.
 */
export const KINDS: readonly EntryKind[] = [hashedrekordV1, hashedrekord, dsseV1, dsseV2, intoto];

/** The kind of an entry; undefined for one that this version does not know. */
export function knownKind(kind: string, version: string): EntryKind | undefined {
  return KINDS.find((each) => each.kind === kind && each.version === version);
}
