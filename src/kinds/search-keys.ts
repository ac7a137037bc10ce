/**
 * The search keys of what an entry says was signed.
 * @module
 */
import { encodeHex } from '../../tiles-spec/index.js';
import { certificateKeys } from './certificate-keys.js';
import { digestType } from '../signatures/digests.js';
import { keyFingerprints } from './key-fingerprints.js';
import type { SearchKey } from './kind.js';
import type { LoggedDigest, LoggedStatement, SignerKey } from './statement.js';

/** The keys of some statements, each once: of every statement its digest, then its signer. */
export function statementKeys(statements: readonly LoggedStatement[]): SearchKey[] {
  const keys = statements.flatMap(({ digest, verifier }) => [digestKey(digest), ...signerKeys(verifier)]);
  return [...new Set(keys)];
}

/** `sha256:<hex>`, and the like. */
export function digestKey({ algorithm, digest }: LoggedDigest): SearchKey {
  return `${digestType(algorithm).name}:${encodeHex(digest)}`;
}

/** The fingerprints of a key; of a certificate also those of its key, and its names. Total: any bytes have some. */
export function signerKeys({ form, der }: SignerKey): SearchKey[] {
  return form === 'publicKey' ? keyFingerprints(der) : certificateKeys(der);
}
