/**
 * The kinds of entry: what a logged entry says, and what finds it. Runs in a browser.
 * @module
 */
export type { Body } from './canonical-body.js';
export type { DescriptionLine, EntryKind, SearchKey } from './kind.js';
export { KINDS } from './known-kinds.js';
export { keysOf, readEntry, type KnownEntry, type UnknownEntry } from './read-entry.js';
export type { LoggedDigest, LoggedStatement, LoggedVerifier, SignerKey } from './statement.js';
