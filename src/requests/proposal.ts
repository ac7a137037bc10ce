/**
 * What a request asks for, before it is checked.
 * @module
 */
import type { SignatureCheck } from '../signatures/suite.js';

/** Something that must hold: a signature over a digest, or a check that runs itself. */
export type Check = SignatureCheck | OwnCheck;

/** A check that runs itself, such as that of a signature format which only an asynchronous library verifies. */
export interface OwnCheck {
  /** Resolves when it holds. @throws InvalidEntryError, as a rejection, saying why it does not. */
  verify(): Promise<void>;
}

export function isOwnCheck(check: Check): check is OwnCheck {
  return 'verify' in check;
}

/** What a request form makes of a request. */
export interface Proposal {
  /** The `spec` of the canonical body: JSON of strings, arrays and objects. */
  readonly spec: object;
  /** All of them must hold before the entry is accepted. */
  readonly checks: readonly Check[];
}

/** An entry that is accepted if its checks hold. */
export interface ProposedEntry {
  readonly kind: string;
  readonly version: string;
  /** The canonical body: RFC 8785 JSON, at most 65,535 bytes. Its leaf hash is the entry's identity. */
  readonly body: Uint8Array;
  readonly checks: readonly Check[];
}
