/**
 * The `verifier` of a request: the public key or certificate that a signature is verified with.
 * @module
 */
import { z } from 'zod';
import type { SignerKey } from '../../kinds/statement.js';
import { x509 } from '../../pki/x509.js';
import type { Algorithm } from '../../signatures/algorithms.js';
import { keyDetailsField, loggedBytes } from './fields.js';

/** A key, and what the submitter says of it. */
export interface RequestVerifier {
  readonly key: SignerKey;
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
  .transform(({ publicKey, x509Certificate, keyDetails: algorithm }, context): RequestVerifier => {
    if (publicKey !== undefined && x509Certificate !== undefined) {
      context.addIssue({ code: 'custom', message: 'has both publicKey and x509Certificate' });
      return z.NEVER;
    }
    if (publicKey !== undefined) return { key: { form: 'publicKey', der: publicKey.rawBytes }, algorithm };
    // @sigstore/sign sends a bare public key in the certificate's field: the bytes tell which it is.
    if (x509Certificate !== undefined)
      return { key: x509(algorithm).parseKey(x509Certificate.rawBytes), algorithm };
    context.addIssue({ code: 'custom', message: 'has neither publicKey nor x509Certificate' });
    return z.NEVER;
  });
