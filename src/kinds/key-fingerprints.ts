/**
 * Fingerprints of public keys, as search keys.
 * @module
 */
import { encodeText } from '../../tiles-spec/bytes.js';
import { encodeHex, sha256 } from '../../tiles-spec/index.js';
import { formatPem } from '../pem.js';
import type { SearchKey } from './kind.js';

/** The two fingerprints of a public key given as DER SPKI. */
export function keyFingerprints(spki: Uint8Array): SearchKey[] {
  return [`spki:${encodeHex(sha256(spki))}`, pemFingerprint('PUBLIC KEY', spki)];
}

/** SHA-256 of the PEM that Rekor writes. */
export function pemFingerprint(label: string, der: Uint8Array): SearchKey {
  return `pem:${encodeHex(sha256(encodeText(formatPem({ label, der }))))}`;
}
