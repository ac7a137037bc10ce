/**
 * RFC 5280's demands on a certificate beside its chain and dates, as sigstore-go holds to them: it is for signing code,
 * and every extension that limits its use has been processed.
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
 * policies (any policy is accepted) and extended key usage.
 */
const PROCESSED = ['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.32', EXTENDED_KEY_USAGE];

/**
 * Checks that a certificate may sign code. Without this check, a web server's certificate of the same authority would
 * be accepted.
 * @throws ProofError when the certificate is only for other uses, or has an unprocessed extension that must not be
 *   ignored.
 */
export function requireSigningCertificate(der: Uint8Array): void {
  const limit = limitOf(der);
  if (limit !== undefined) throw new ProofError(`the certificate ${limit}`);
}

/**
 * The reason why a certificate, of a signer or of an authority, cannot vouch for a signature.
 * @returns a clause that follows `the certificate `; undefined where there is no such reason.
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
 * The id of an unprocessed extension that must not be ignored, if the certificate has one: a critical extension, or name
 * constraints, which some authorities fail to mark as critical.
 */
function unprocessedExtension(der: Uint8Array): string | undefined {
  return strictCertificateExtensions(der).find(
    ({ id, critical }) => id === NAME_CONSTRAINTS || (critical && !PROCESSED.includes(id)),
  )?.id;
}

/** The extended key usages, `SEQUENCE OF OBJECT IDENTIFIER`; undefined where the certificate does not limit them. */
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
