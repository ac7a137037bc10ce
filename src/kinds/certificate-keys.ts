/**
 * The search keys of a certificate: the fingerprints of its key, its own fingerprint, and its names.
 * @module
 */
import { DerError } from '../../tiles-spec/errors.js';
import { subjectPublicKeyInfo } from '../../tiles-spec/certificates/certificate.js';
import { certificateNames, encodeHex, normalName } from '../../tiles-spec/index.js';
import type { SearchKey } from './kind.js';
import { keyFingerprints, pemFingerprint } from './key-fingerprints.js';

/**
 * The search keys of a certificate, each once. Total: bytes that are no certificate have their own fingerprint.
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
