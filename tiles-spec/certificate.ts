/**
 * X.509 certificates (RFC 5280 section 4.1), as far as a log and its readers take them apart: the key, and the
 * extensions. Nothing in a certificate is verified here.
 * @module
 */
import {
  BOOLEAN,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  readableElements,
  readElement,
  readObjectIdentifier,
  SEQUENCE,
  type Element,
} from './der.js';
import { DerError } from './errors.js';

/** One extension. Its value is not looked at. */
export interface CertificateExtension {
  /** Its object identifier, such as `2.5.29.17`. */
  readonly id: string;
  readonly critical: boolean;
  /** What its OCTET STRING holds. */
  readonly value: Uint8Array;
}

/**
 * The key of a certificate.
 * @param certificate DER.
 * @returns its SubjectPublicKeyInfo in DER, a view of `certificate`.
 * @throws DerError when the certificate cannot be read up to there. What follows is not looked at.
 */
export function subjectPublicKeyInfo(certificate: Uint8Array): Uint8Array {
  return keyElement(certificate).encoded;
}

/**
 * The extensions of a certificate, in their order. Total: what cannot be read is left out, and so is what follows it
 * where its end cannot be told.
 * @param certificate any bytes.
 */
export function certificateExtensions(certificate: Uint8Array): CertificateExtension[] {
  return extensionLists(certificate)
    .flatMap(({ content }) => readableElements(content))
    .flatMap(readExtension);
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** Walks a TBSCertificate up to its key. */
function keyElement(certificate: Uint8Array): Element {
  const tbsCertificate = readElement(readElement(certificate, SEQUENCE).content, SEQUENCE).content;
  const afterVersion = tbsCertificate[0] === VERSION ? readElement(tbsCertificate).rest : tbsCertificate;
  const afterSerialNumber = readElement(afterVersion).rest;
  const afterSignature = readElement(afterSerialNumber).rest;
  const afterIssuer = readElement(afterSignature).rest;
  const afterValidity = readElement(afterIssuer).rest;
  const afterSubject = readElement(afterValidity).rest;
  return readElement(afterSubject, SEQUENCE);
}

/** What stands in [3], behind the key. A certificate should have it once. */
function extensionLists(certificate: Uint8Array): Element[] {
  try {
    return readableElements(keyElement(certificate).rest)
      .filter(({ tag }) => tag === EXTENSIONS)
      .flatMap(({ content }) => readableElements(content).slice(0, 1))
      .filter(({ tag }) => tag === SEQUENCE);
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

/** `SEQUENCE { OBJECT IDENTIFIER, BOOLEAN OPTIONAL, OCTET STRING }`: nothing for what is none. */
function readExtension({ tag, content }: Element): CertificateExtension[] {
  const [first, second, third] = readableElements(content);
  const [flag, value] = second?.tag === BOOLEAN ? [second, third] : [undefined, second];
  if (tag !== SEQUENCE || first?.tag !== OBJECT_IDENTIFIER || value?.tag !== OCTET_STRING) return [];
  const id = readObjectIdentifier(first.content);
  return id === undefined ? [] : [{ id, critical: (flag?.content[0] ?? 0) !== 0, value: value.content }];
}
