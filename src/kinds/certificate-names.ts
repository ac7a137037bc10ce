/**
 * What finds an entry by its certificate: the key's fingerprints and the subject alternative names.
 * @module
 */
// @peculiar/x509 needs it loaded first.
import 'reflect-metadata';
import { SubjectAlternativeNameExtension, X509Certificate, type GeneralName } from '@peculiar/x509';
import type { CertificateNames } from './kind.js';
import { keyFingerprints, pemFingerprint } from './key-fingerprints.js';

export const certificateNames: CertificateNames = (der) => {
  const certificate = new X509Certificate(Uint8Array.from(der));
  const spki = new Uint8Array(certificate.publicKey.rawData);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return [
    ...keyFingerprints(spki),
    pemFingerprint('CERTIFICATE', der),
    ...names.map((name) => `san:${normalName(name)}`),
  ];
};

/** Domains are compared without regard to case: those of addresses and DNS names are written in lower case. */
function normalName({ type, value }: GeneralName): string {
  if (type === 'dns') return value.toLowerCase();
  const at = value.lastIndexOf('@');
  return type === 'email' ? value.slice(0, at) + value.slice(at).toLowerCase() : value;
}
