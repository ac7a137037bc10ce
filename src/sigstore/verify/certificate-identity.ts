/**
 * The identity that a certificate states, and whether it is the one that must have signed.
 * @module
 */
import { decodeText } from '../../../tiles-spec/bytes.js';
import { DerError } from '../../../tiles-spec/errors.js';
import {
  strictCertificateExtensions,
  type CertificateExtension,
} from '../../../tiles-spec/certificates/certificate.js';
import { certificateNames, FormatError, ProofError } from '../../../tiles-spec/index.js';
import { readElement, UTF8_STRING } from '../../../tiles-spec/der.js';
import { firstMatch, wantedText, type NamePattern } from './node/name-pattern.js';

/** Who must have signed. Texts are compared character by character. */
export interface CertificateIdentity {
  /**
   * A subject alternative name of the certificate: an e-mail address, a URI, a DNS name, an IP address as RFC 5952
   * writes it, or Fulcio's user name.
   */
  readonly identity: string | NamePattern;
  /**
   * The identity provider's URL: the extension 1.3.6.1.4.1.57264.1.8, or the older 1.1. Certificates of a company's own
   * authority may name no provider. No text matches those; a pattern is matched with the empty text, so that `^$` takes
   * them alone.
   */
  readonly issuer: string | NamePattern;
}

/** The signer, by the certificate. */
export interface CertifiedIdentity {
  readonly identity: string;
  /** Absent where the certificate names no identity provider. */
  readonly issuer?: string;
}

/** The holder, as a certificate states it. */
export interface StatedIdentity {
  /** The names that are texts, unchanged and in the certificate's order. */
  readonly names: readonly string[];
  readonly issuer?: string;
}

const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';

/** The names in a certificate that are texts, in their order. Never throws, whatever the bytes. */
export function textNames(der: Uint8Array): string[] {
  return certificateNames(der).flatMap((name) => (name.type === 'other' ? [] : [name.text]));
}

/**
 * The identity that a certificate states. Nothing of it is verified.
 * @throws FormatError when the issuer cannot be read, or an extension stands there twice: then two readers could read two
 *   identities.
 */
export function statedIdentity(der: Uint8Array): StatedIdentity {
  const values = new Map(extensionsOf(der).map(({ id, value }) => [id, value]));
  const issuer = issuerIn(values.get(ISSUER), values.get(ISSUER_V1));
  return { names: textNames(der), ...(issuer === undefined ? {} : { issuer }) };
}

function extensionsOf(der: Uint8Array): CertificateExtension[] {
  try {
    return strictCertificateExtensions(der);
  } catch (error) {
    throw error instanceof DerError ? new FormatError(`bundle: its certificate: ${error.message}`) : error;
  }
}

/** The newer extension holds a UTF8String, the older one the text itself. */
function issuerIn(extension: Uint8Array | undefined, elder: Uint8Array | undefined): string | undefined {
  const what = "bundle: the issuer in its certificate's extension";
  if (extension === undefined) return elder === undefined ? undefined : decodeText(elder, what);
  try {
    const { content, rest } = readElement(extension, UTF8_STRING);
    if (rest.length > 0) throw new DerError('bytes follow it');
    return decodeText(content, what);
  } catch (error) {
    throw error instanceof DerError ? new FormatError(`${what} is not DER: ${error.message}`) : error;
  }
}

/**
 * Checks that a certificate states the wanted identity.
 * @returns the name that matched.
 * @throws ProofError when none did.
 */
export function requireIdentity(
  { names, issuer }: StatedIdentity,
  wanted: CertificateIdentity,
): CertifiedIdentity {
  const identity = firstMatch(names, wanted.identity);
  if (identity === undefined) {
    const actual = names.length === 0 ? 'nobody' : names.join(', ').slice(0, 1000);
    throw new ProofError(`the certificate is of ${actual}, not of ${wantedText(wanted.identity)}`);
  }
  if (issuer === undefined && typeof wanted.issuer === 'string') {
    throw new ProofError(
      `the certificate names no identity provider, and so it is not by ${wanted.issuer}; the issuer pattern ^$ takes a certificate that names none`,
    );
  }
  if (firstMatch([issuer ?? ''], wanted.issuer) === undefined) {
    const actual = issuer ?? 'no named provider';
    throw new ProofError(`the certificate's identity is by ${actual}, not by ${wantedText(wanted.issuer)}`);
  }
  return { identity, ...(issuer === undefined ? {} : { issuer }) };
}
