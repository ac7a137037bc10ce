/**
 * The identity that a certificate states: its names and its identity provider, read and not verified.
 * @module
 */
import { decodeText } from '../../../tiles-spec/bytes.js';
import { strictCertificateExtensions } from '../../../tiles-spec/certificates/certificate.js';
import { readElement, UTF8_STRING } from '../../../tiles-spec/der.js';
import { DerError } from '../../../tiles-spec/errors.js';
import { certificateNames, FormatError } from '../../../tiles-spec/index.js';

/** The holder of a certificate, as the certificate states it. */
export interface StatedIdentity {
  /** The names that are texts, unchanged and in the certificate's order. */
  readonly names: readonly string[];
  /** The identity provider; absent where the certificate names none. */
  readonly issuer?: string;
}

const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';

/** The names in a certificate that are texts, in their order. Never throws, whatever the bytes. */
export function textNames(der: Uint8Array): string[] {
  return certificateNames(der).flatMap((name) => (name.type === 'other' ? [] : [name.text]));
}

/**
 * Reads the identity that a certificate states.
 * @throws FormatError when the issuer cannot be read, or an extension occurs twice: then two readers could read two
 *   identities.
 */
export function statedIdentity(der: Uint8Array): StatedIdentity {
  const values = extensionValues(der);
  const issuer = issuerIn(values.get(ISSUER), values.get(ISSUER_V1));
  return { names: textNames(der), ...(issuer === undefined ? {} : { issuer }) };
}

/** The values of the certificate's extensions, by their object identifiers. */
function extensionValues(der: Uint8Array): Map<string, Uint8Array> {
  try {
    return new Map(strictCertificateExtensions(der).map(({ id, value }) => [id, value]));
  } catch (error) {
    throw error instanceof DerError ? new FormatError(`bundle: its certificate: ${error.message}`) : error;
  }
}

/** The newer extension holds a UTF8String, the older one the text itself. Where both are there, the newer one counts. */
function issuerIn(newer: Uint8Array | undefined, older: Uint8Array | undefined): string | undefined {
  const what = "bundle: the issuer in its certificate's extension";
  if (newer === undefined) return older === undefined ? undefined : decodeText(older, what);
  try {
    const { content, rest } = readElement(newer, UTF8_STRING);
    if (rest.length > 0) throw new DerError('bytes follow it');
    return decodeText(content, what);
  } catch (error) {
    throw error instanceof DerError ? new FormatError(`${what} is not DER: ${error.message}`) : error;
  }
}
