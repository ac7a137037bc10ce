/**
 * X.509 certificates as the carriers of keys.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { DerError } from '../../../tiles-spec/errors.js';
import { subjectPublicKeyInfo } from '../../../tiles-spec/certificates/certificate.js';
import { InvalidEntryError } from '../../errors.js';

/**
 * The key of a certificate. The certificate is not judged: its signature, chain, dates, names and usages are for
 * those who read the entry, as in Rekor v2. One with names that nobody can read is a certificate too.
 *
 * Cost: 140 us, nearly all of it OpenSSL's parsing.
 * @param der One certificate in DER.
 * @returns Its SubjectPublicKeyInfo in DER, a view of `der`; `parsePublicKey` says whether the log accepts it.
 * @throws InvalidEntryError when `der` is not exactly one certificate.
 */
export function certificateKey(der: Uint8Array): Uint8Array {
  if (!isCertificate(der)) {
    throw new InvalidEntryError('x509Certificate: is not a DER X.509 certificate, or bytes follow it');
  }
  try {
    // Not by X509Certificate, which can only give the key encoded anew: dearer by 120 us, and with what is wrong in
    // its encoding put right.
    return subjectPublicKeyInfo(der);
  } catch (error) {
    if (error instanceof DerError)
      throw new InvalidEntryError(`x509Certificate: is not DER: ${error.message}`);
    throw error;
  }
}

/** OpenSSL reads PEM and bytes after the certificate as well: then what it read is not what it was given. */
function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.equals(der);
  } catch {
    return false;
  }
}
