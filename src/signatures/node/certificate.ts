/**
 * X.509 certificates as the carriers of keys.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { DerError } from '../../../tiles-spec/errors.js';
import { subjectPublicKeyInfo } from '../../../tiles-spec/certificates/certificate.js';
import { InvalidEntryError } from '../../errors.js';

/**
 * The key of a certificate. As in Rekor v2, the certificate's signature, chain, dates, names and usages are not judged:
 * the readers of an entry judge them. A certificate whose names cannot be read is taken too.
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
    // X509Certificate gives the key only in a new encoding: that costs 120 us more, and hides errors in the encoding
    // that is logged.
    return subjectPublicKeyInfo(der);
  } catch (error) {
    if (error instanceof DerError)
      throw new InvalidEntryError(`x509Certificate: is not DER: ${error.message}`);
    throw error;
  }
}

/** OpenSSL also takes PEM, and a certificate with bytes behind it: comparing what it has read excludes both. */
function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.equals(der);
  } catch {
    return false;
  }
}
