/**
 * What RFC 5280 demands of a certificate beside its chain and dates, as sigstore-go holds to it: that it is for signing
 * code, and that it limits nothing by an extension which nobody has processed.
 * @module
 */
import { certificateExtensions, ProofError } from '../../tiles-spec/index.js';
import { readableElements, readObjectIdentifier } from '../../tiles-spec/der.js';

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
  const extension = unprocessedExtension(der);
  if (extension !== undefined) {
    throw new ProofError(
      `the certificate has the extension ${extension}, which Stele does not process and RFC 5280 forbids to ignore`,
    );
  }
  const usages = usagesOf(der);
  if (usages !== undefined && !usages.includes(CODE_SIGNING) && !usages.includes(ANY_USAGE)) {
    throw new ProofError(
      `the certificate is not for signing code: its extended key usage has ${usages.join(', ') || 'nothing'}, not ${CODE_SIGNING}`,
    );
  }
}

/**
 * An extension of the certificate that is not processed and may not be ignored, where there is one: a critical one, or
 * the limits of an authority to the names that it may certify, which not all mark as critical.
 */
export function unprocessedExtension(der: Uint8Array): string | undefined {
  return certificateExtensions(der).find(
    ({ id, critical }) => id === NAME_CONSTRAINTS || (critical && !PROCESSED.includes(id)),
  )?.id;
}

/** `SEQUENCE OF OBJECT IDENTIFIER`; undefined where the certificate does not say. */
function usagesOf(der: Uint8Array): string[] | undefined {
  const extension = certificateExtensions(der).find(({ id }) => id === EXTENDED_KEY_USAGE);
  if (extension === undefined) return undefined;
  return readableElements(extension.value)
    .flatMap(({ content }) => readableElements(content))
    .flatMap(({ content }) => readObjectIdentifier(content) ?? []);
}
