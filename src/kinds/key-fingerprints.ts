/**
 * Fingerprints of public keys, as index keys.
 * @module
 */
import { encodeText } from '../../tiles-spec/bytes.js';
import { encodeBase64, encodeHex, sha256 } from '../../tiles-spec/index.js';
import type { IndexKey } from './kind.js';

/** The two fingerprints of a public key given as DER SPKI. */
export function keyFingerprints(spki: Uint8Array): IndexKey[] {
  return [`spki:${encodeHex(sha256(spki))}`, pemFingerprint('PUBLIC KEY', spki)];
}

/** SHA-256 of the PEM that Rekor writes: 64 characters a line, a final newline. */
export function pemFingerprint(label: string, der: Uint8Array): IndexKey {
  const lines = encodeBase64(der).replace(/.{1,64}/g, '$&\n');
  return `pem:${encodeHex(sha256(encodeText(`-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`)))}`;
}
