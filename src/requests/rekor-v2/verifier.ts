/**
 * The `verifier` of a request: the public key or certificate that a signature is checked with.
 * @module
 */
import { z } from 'zod';
import { OBJECT_IDENTIFIER, readableElements, SEQUENCE } from '../../tiles-spec/der.js';
import { encodeBase64 } from '../../tiles-spec/index.js';
import type { Algorithm } from '../signatures/algorithms.js';
import { keyDetailsField, loggedBytes } from '../protobuf-json.js';

/** A public key (DER SPKI) or an X.509 certificate (DER), and what the submitter says of its key. */
export interface Verifier {
  readonly form: 'publicKey' | 'x509Certificate';
  readonly der: Uint8Array;
  readonly algorithm: Algorithm;
}

/** The `Verifier` message of Rekor v2. */
export const verifierField = z
  .strictObject({
    publicKey: z
      .strictObject({ rawBytes: loggedBytes('The public key, DER SubjectPublicKeyInfo.') })
      .optional(),
    x509Certificate: z.strictObject({ rawBytes: loggedBytes('The certificate, DER X.509.') }).optional(),
    keyDetails: keyDetailsField,
  })
  .transform(({ publicKey, x509Certificate, keyDetails }, context): Verifier => {
    if (publicKey !== undefined && x509Certificate !== undefined) {
      context.addIssue({ code: 'custom', message: 'has both publicKey and x509Certificate' });
      return z.NEVER;
    }
    const der = publicKey?.rawBytes ?? x509Certificate?.rawBytes;
    if (der === undefined) {
      context.addIssue({ code: 'custom', message: 'has neither publicKey nor x509Certificate' });
      return z.NEVER;
    }
    // @sigstore/sign sends a bare public key in the certificate's field.
    const form = publicKey !== undefined || isPublicKey(der) ? 'publicKey' : 'x509Certificate';
    return { form, der, algorithm: keyDetails };
  });

/** The verifier as a canonical body holds it. */
export function verifierBody({ form, der, algorithm }: Verifier) {
  return { keyDetails: algorithm.keyDetails, [form]: { rawBytes: encodeBase64(der) } };
}

/**
 * Whether DER that is a key or a certificate is a key: inside the two outer SEQUENCEs an SPKI has its algorithm's
 * OBJECT IDENTIFIER, a certificate its version or serial number (RFC 5280 section 4.1).
 */
function isPublicKey(der: Uint8Array): boolean {
  const [outer] = readableElements(der);
  const [inner] = outer?.tag === SEQUENCE ? readableElements(outer.content) : [];
  return inner?.tag === SEQUENCE && inner.content[0] === OBJECT_IDENTIFIER;
}
