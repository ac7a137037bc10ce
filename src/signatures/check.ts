/**
 * What must hold of a signature before its entry is accepted.
 * @module
 */
import type { SignatureCheck } from './suite.js';

/** Something that must hold: a signature over a digest, which the suite verifies, or a check that runs itself. */
export type Check = SignatureCheck | OwnCheck;

/** A check that runs itself, such as that of a signature format which only an asynchronous library verifies. */
export interface OwnCheck {
  /** Resolves when it holds. @throws InvalidEntryError, as a rejection, saying why it does not. */
  verify(): Promise<void>;
}

export function isOwnCheck(check: Check): check is OwnCheck {
  return 'verify' in check;
}
