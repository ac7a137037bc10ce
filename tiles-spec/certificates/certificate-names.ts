/**
 * Whom a certificate names: the subject alternative names of X.509 (RFC 5280 section 4.2.1.6), and the one form in which
 * each is looked for. README.md, "Names in certificates", is the table.
 * @module
 */
import { decodeText } from '../bytes.js';
import { certificateExtensions } from './certificate.js';
import {
  OBJECT_IDENTIFIER,
  readableElements,
  readObjectIdentifier,
  SEQUENCE,
  UTF8_STRING,
  type Element,
} from '../der.js';
import { FormatError } from '../errors.js';
import { formatIpAddress } from './ip-address.js';
import { sha256 } from '../tree/merkle.js';

/** A name that is a text. */
export interface TextName {
  /** `username`: Fulcio's otherName, for identity providers that know neither addresses nor URIs. */
  readonly type: 'dns' | 'email' | 'ip' | 'uri' | 'username';
  /** As it stands in the certificate, without control characters, not empty; of an IP address, as RFC 5952 writes it. */
  readonly text: string;
}

/** A name of another type: it is known by its bytes. */
export interface HashedName {
  readonly type: 'other';
  /** SHA-256 of the GeneralName in DER, tag and length included. */
  readonly sha256: Uint8Array;
}

export type CertificateName = TextName | HashedName;

/**
 * The names of a certificate, in their order. Total: a name that cannot be read is left out, and so are those behind it
 * where its end cannot be told; the others are given. Of a certificate that has the extension more than once, the names
 * in each are given.
 *
 * Cost: linear in the bytes; 65,535 bytes hold up to 22,000 names.
 * @param certificate any bytes.
 */
export function certificateNames(certificate: Uint8Array): CertificateName[] {
  return certificateExtensions(certificate)
    .filter(({ id }) => id === SUBJECT_ALT_NAME)
    .flatMap(({ value }) => readableElements(value).slice(0, 1))
    .filter(({ tag }) => tag === SEQUENCE)
    .flatMap(({ content }) => readableElements(content))
    .flatMap((name) => readName(name) ?? []);
}

const SUBJECT_ALT_NAME = '2.5.29.17';
const FULCIO_USERNAME = '1.3.6.1.4.1.57264.1.7';

// GeneralName: the tag is the context's, with the form (constructed or not) of what it stands for.
const OTHER_NAME = 0xa0;
const RFC822_NAME = 0x81;
const DNS_NAME = 0x82;
const X400_ADDRESS = 0xa3;
const DIRECTORY_NAME = 0xa4;
const EDI_PARTY_NAME = 0xa5;
const URI = 0x86;
const IP_ADDRESS = 0x87;
const REGISTERED_ID = 0x88;

function readName(element: Element): CertificateName | undefined {
  const { tag, content } = element;
  switch (tag) {
    case OTHER_NAME:
      return readOtherName(element);
    case RFC822_NAME:
      return textName('email', ia5Text(content));
    case DNS_NAME:
      return textName('dns', ia5Text(content));
    case URI:
      return textName('uri', ia5Text(content));
    case IP_ADDRESS:
      return textName('ip', formatIpAddress(content));
    case X400_ADDRESS:
    case DIRECTORY_NAME:
    case EDI_PARTY_NAME:
    case REGISTERED_ID:
      return hashedName(element);
    default:
      return undefined;
  }
}

/** `[0] { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }`; of Fulcio's, the value is a UTF8String. */
function readOtherName(element: Element): CertificateName | undefined {
  const [type, value] = readableElements(element.content);
  if (type?.tag !== OBJECT_IDENTIFIER || value?.tag !== OTHER_NAME || value.rest.length > 0) return undefined;
  const id = readObjectIdentifier(type.content);
  if (id !== FULCIO_USERNAME) return id === undefined ? undefined : hashedName(element);
  const [text] = readableElements(value.content);
  if (text?.tag !== UTF8_STRING || text.rest.length > 0) return undefined;
  return textName('username', utf8Text(text.content));
}

function textName(type: TextName['type'], text: string | undefined): TextName | undefined {
  return text === undefined || text === '' ? undefined : { type, text };
}

function hashedName({ encoded }: Element): HashedName {
  return { type: 'other', sha256: sha256(encoded) };
}

/** An IA5String of printable characters. A NUL in a name has made two readers see two names before. */
function ia5Text(content: Uint8Array): string | undefined {
  return content.every((byte) => byte >= 0x20 && byte < 0x7f) ? utf8Text(content) : undefined;
}

function utf8Text(content: Uint8Array): string | undefined {
  if (content.some((byte) => byte < 0x20 || byte === 0x7f)) return undefined;
  try {
    return decodeText(content, 'a name');
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/**
 * A name in the form in which it is looked for: one for all that mean the same. Domains, which are ASCII here, are
 * compared without regard to case, and a dot at the end of a DNS name says only that it is whole. What stands before
 * the @ of an address is its mail server's to compare, and a URI has no form that all its users agree on.
 */
export function normalName({ type, text }: TextName): string {
  switch (type) {
    case 'dns':
      return (text === '.' ? text : text.replace(/\.$/, '')).toLowerCase();
    case 'email': {
      const at = text.lastIndexOf('@');
      return at < 0 ? text : text.slice(0, at) + text.slice(at).toLowerCase();
    }
    case 'ip':
    case 'uri':
    case 'username':
      return text;
  }
}
