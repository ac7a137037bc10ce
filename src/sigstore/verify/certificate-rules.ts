/**
 * What RFC 5280 demands of a certificate beside its chain and dates, as sigstore-go holds to it: that it is for signing
 * code, and that it limits nothing by an extension which nobody has processed.
 * @module
 */
import { readElement, readElements, readObjectIdentifier, SEQUENCE } from '../../../tiles-spec/der.js';
import { DerError } from '../../../tiles-spec/errors.js';
import { strictCertificateExtensions } from '../../../tiles-spec/certificates/certificate.js';
import { ProofError } from '../../../tiles-spec/index.js';

const EXTENDED_KEY_USAGE = '2.5.29.37';
const NAME_CONSTRAINTS = '2.5.29.30';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const ANY_USAGE = '2.5.29.37.0';

/**
 * The critical extensions that are processed: key usage, subject alternative names, basic constraints, certificate
 * policies (of which all will do) and extended key usage.
 */
const PROCESSED = ['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.32', EXTENDED_KEY_USAGE];

/**
 * Checks that a certificate may sign what is logged. Without this, any web server's certificate of a company's
 * authority could.
 * @throws ProofError when it is for other uses alone, or has an extension that is not processed and may not be ignored.
 */
export function requireSigningCertificate(der: Uint8Array): void {
  const limit = limitOf(der);
  if (limit !== undefined) throw new ProofError(`the certificate ${limit}`);
}

/**
 * What keeps a certificate, or an authority's, from standing for a signature that is logged.
 * @returns a clause that ends `the certificate …`; undefined where nothing does.
 */
export function limitOf(der: Uint8Array): string | undefined {
  try {
    const extension = unprocessedExtension(der);
    if (extension !== undefined)
      return `has the extension ${extension}, which Stele does not process and RFC 5280 forbids ignoring`;
    const usages = usagesOf(der);
    if (usages === undefined || usages.includes(CODE_SIGNING) || usages.includes(ANY_USAGE)) return undefined;
    return `is not for signing code: its extended key usage has ${usages.join(', ') || 'nothing'}, not ${CODE_SIGNING}`;
  } catch (error) {
    if (error instanceof DerError) return `has extensions that cannot be read: ${error.message}`;
    throw error;
  }
}

/**
 * An extension of the certificate that is not processed and may not be ignored, where there is one: a critical one, or
 * the limits of an authority to the names that it may certify, which not all mark as critical.
 */
function unprocessedExtension(der: Uint8Array): string | undefined {
  return strictCertificateExtensions(der).find(
    ({ id, critical }) => id === NAME_CONSTRAINTS || (critical && !PROCESSED.includes(id)),
  )?.id;
}

/** `SEQUENCE OF OBJECT IDENTIFIER`; undefined where the certificate does not say. */
function usagesOf(der: Uint8Array): string[] | undefined {
  const extension = strictCertificateExtensions(der).find(({ id }) => id === EXTENDED_KEY_USAGE);
  if (extension === undefined) return undefined;
  const { content, rest } = readElement(extension.value, SEQUENCE);
  if (rest.length > 0) throw new DerError('bytes follow its extended key usage');
  return readElements(content).map(({ content: usage }) => {
    const id = readObjectIdentifier(usage);
    if (id === undefined) throw new DerError('its extended key usage cannot be read');
    return id;
  });
}
