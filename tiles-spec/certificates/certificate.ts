/**
 * The key and the extensions of an X.509 certificate (RFC 5280 section 4.1). Nothing in a certificate is verified here.
 * @module
 */
import {
  BOOLEAN,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  readableElements,
  readElements,
  readElement,
  readObjectIdentifier,
  SEQUENCE,
  type Element,
} from '../der.js';
import { DerError } from '../errors.js';

/** One extension. Its value is not parsed. */
export interface CertificateExtension {
  /** Its object identifier, such as `2.5.29.17`. */
  readonly id: string;
  readonly critical: boolean;
  /** The bytes in its OCTET STRING. */
  readonly value: Uint8Array;
}

/**
 * The key of a certificate.
 * @param certificate DER.
 * @returns its SubjectPublicKeyInfo in DER, a view of `certificate`.
 * @throws DerError when the certificate cannot be read up to its key. The bytes behind the key are not looked at.
 */
export function subjectPublicKeyInfo(certificate: Uint8Array): Uint8Array {
  return keyElement(certificate).encoded;
}

/**
 * The extensions of a certificate, in their order. Total: an extension that cannot be read is left out, and where its
 * end is unknown, all after it are left out too.
 * @param certificate any bytes.
 */
export function certificateExtensions(certificate: Uint8Array): CertificateExtension[] {
  return extensionLists(certificate)
    .flatMap(({ content }) => readableElements(content))
    .flatMap(readExtension);
}

/**
 * The extensions of a certificate, for a verdict: an extension that limits what the certificate is good for must not be
 * left out because it cannot be read.
 * @throws DerError when anything behind the key is not as RFC 5280 has it, or an extension is there twice.
 */
export function strictCertificateExtensions(certificate: Uint8Array): CertificateExtension[] {
  const elements = readElements(keyElement(certificate).rest);
  const last = elements.at(-1);
  const hasExtensions = last?.tag === EXTENSIONS;
  const others = hasExtensions ? elements.slice(0, -1) : elements;
  if (!others.every(({ tag }) => UNIQUE_IDS.includes(tag)))
    throw new DerError('there is something behind the key that no certificate has there');
  if (!hasExtensions) return [];
  const [list, ...more] = readElements(last.content);
  if (list?.tag !== SEQUENCE || more.length > 0) throw new DerError('its extensions are not one SEQUENCE');
  const extensions = readElements(list.content).map(strictExtension);
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length)
    throw new DerError('it has an extension twice');
  return extensions;
}

const VERSION = 0xa0;
/** `[1]` and `[2]`: the unique identifiers of issuer and subject, which are allowed, and obsolete. */
const UNIQUE_IDS: readonly number[] = [0x81, 0x82];
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

/** The lists of extensions, in `[3]`. RFC 5280 allows one; every one that is there is read. */
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

/** `SEQUENCE { OBJECT IDENTIFIER, BOOLEAN OPTIONAL, OCTET STRING }`, and nothing else. */
function strictExtension(element: Element): CertificateExtension {
  const parts = element.tag === SEQUENCE ? readElements(element.content) : [];
  const flag = parts.length === 3 ? parts[1] : undefined;
  const isFlag =
    flag?.tag === BOOLEAN && flag.content.length === 1 && [0, 0xff].includes(flag.content[0] ?? 1);
  const [extension] = parts.length === 2 || isFlag ? readExtension(element) : [];
  if (extension === undefined) throw new DerError('it has an extension that cannot be read');
  return extension;
}

/** One extension, or an empty list where the element is not one. */
function readExtension({ tag, content }: Element): CertificateExtension[] {
  const [first, second, third] = readableElements(content);
  const [flag, value] = second?.tag === BOOLEAN ? [second, third] : [undefined, second];
  if (tag !== SEQUENCE || first?.tag !== OBJECT_IDENTIFIER || value?.tag !== OCTET_STRING) return [];
  const id = readObjectIdentifier(first.content);
  return id === undefined ? [] : [{ id, critical: (flag?.content[0] ?? 0) !== 0, value: value.content }];
}
