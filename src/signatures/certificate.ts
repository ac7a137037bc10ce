/**
 * X.509 certificates as the carriers of keys.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { InvalidEntryError } from '../errors.js';
import { DerError, SEQUENCE, readElement } from './der.js';

const VERSION = 0xa0;

/**
 * The key of a certificate. The certificate is not judged: its signature, chain, dates, names and usages are for
 * whoever reads the entry, as in Rekor v2.
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
    return readKey(der);
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

/**
 * Finds the key by walking the certificate (RFC 5280, 4.1), as X509Certificate can only give it encoded anew: dearer
 * by 120 us, and with what is wrong in the encoding put right.
 */
function readKey(der: Uint8Array): Uint8Array {
  const tbsCertificate = readElement(readElement(der, SEQUENCE).content, SEQUENCE).content;
  const afterVersion = tbsCertificate[0] === VERSION ? readElement(tbsCertificate).rest : tbsCertificate;
  const afterSerialNumber = readElement(afterVersion).rest;
  const afterSignature = readElement(afterSerialNumber).rest;
  const afterIssuer = readElement(afterSignature).rest;
  const afterValidity = readElement(afterIssuer).rest;
  const afterSubject = readElement(afterValidity).rest;
  return readElement(afterSubject, SEQUENCE).encoded;
}
