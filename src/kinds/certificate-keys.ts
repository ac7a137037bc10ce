/**
 * What finds an entry by its certificate: the key's fingerprints, the certificate's own, and the names in it.
 * @module
 */
import { DerError } from '../../tiles-spec/errors.js';
import { subjectPublicKeyInfo } from '../../tiles-spec/certificates/certificate.js';
import { certificateNames, encodeHex, normalName } from '../../tiles-spec/index.js';
import type { SearchKey } from './kind.js';
import { keyFingerprints, pemFingerprint } from './key-fingerprints.js';

/**
 * The search keys of a certificate, each once. Total: of bytes that are no certificate, the fingerprint of the bytes.
 * @param der any bytes.
 */
export function certificateKeys(der: Uint8Array): SearchKey[] {
  const names = certificateNames(der).map((name) =>
    name.type === 'other' ? `san-sha256:${encodeHex(name.sha256)}` : `san:${normalName(name)}`,
  );
  return [...new Set([...fingerprintsOfKey(der), pemFingerprint('CERTIFICATE', der), ...names])];
}

function fingerprintsOfKey(der: Uint8Array): SearchKey[] {
  try {
    return keyFingerprints(subjectPublicKeyInfo(der));
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}
