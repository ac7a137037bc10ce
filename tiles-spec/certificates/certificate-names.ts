/**
 * The subject alternative names of X.509 certificates (RFC 5280 section 4.2.1.6), and the one form in which each is
 * searched for. README.md, "Names in certificates", is the table.
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
  /** `username`: Fulcio's otherName, for identity providers whose users have neither an address nor a URI. */
  readonly type: 'dns' | 'email' | 'ip' | 'uri' | 'username';
  /**
   * As in the certificate: one line, not empty, without control characters and without characters that set the
   * direction of text. An IP address is as RFC 5952 writes it.
   */
  readonly text: string;
}

/** A name of a type without a text form. */
export interface HashedName {
  readonly type: 'other';
  /** SHA-256 of the GeneralName in DER, tag and length included. */
  readonly sha256: Uint8Array;
}

export type CertificateName = TextName | HashedName;

/**
 * The names of a certificate, in their order. Total: a name that cannot be read is left out, and where its end is
 * unknown, all after it are left out too. Where a certificate has the extension more than once, the names of each are
 * given.
 *
 * Cost: linear in the bytes; 65,535 bytes hold up to 22,000 names.
 * @param certificate a certificate in DER, or any bytes.
 * @example
 * certificateNames(new Uint8Array()); // => []
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

// The tags of GeneralName: context-specific, with the constructed bit (0x20) where the type behind it has that.
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

/** `[0] { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }`. In Fulcio's, the value is a UTF8String. */
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

/** An IA5String of printable characters. A NUL has before made one reader see a shorter name than another. */
function ia5Text(content: Uint8Array): string | undefined {
  return content.every((byte) => byte >= 0x20 && byte < 0x7f) ? utf8Text(content) : undefined;
}

/**
 * Control characters, the line and paragraph separator, and the characters that set the direction of text (Unicode's
 * Bidi_Control). A name that holds one does not look like the text that is compared. README.md lists them by number,
 * since the rules must not change with the version of Unicode.
 */
const UNSHOWABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

function utf8Text(content: Uint8Array): string | undefined {
  try {
    const text = decodeText(content, 'a name');
    return UNSHOWABLE.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/**
 * A name in the form in which it is searched for, the same for all spellings of one name. Domains lose their upper
 * case, and a DNS name its final dot. The part of an address before the @ stays as it is, since only its mail server
 * knows how to compare it, and so does a URI, for which no form is agreed on.
 * @example
 * normalName({ type: 'dns', text: 'Example.COM.' }); // => 'example.com'
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
