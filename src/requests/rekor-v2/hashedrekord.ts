/**
 * `hashedRekordRequestV002`: a signature over an artifact's digest.
 * @module
 */
import { z } from 'zod';
import { hashedrekord, hashedRekordJson } from '../../kinds/hashedrekord-0.0.2.js';
import { x509 } from '../../pki/x509.js';
import type { SignatureSuite } from '../../signatures/suite.js';
import type { Proposal } from '../proposal.js';
import type { RequestForm } from '../request-form.js';
import { loggedBytes } from './fields.js';
import { verifierField, type RequestVerifier } from './verifier.js';

const schema = z.strictObject({
  digest: loggedBytes("The artifact's digest, by the hash that keyDetails names."),
  signature: z.strictObject({
    content: loggedBytes('The signature: ASN.1 DER for ECDSA, PKCS#1 v1.5 for RSA, 64 bytes for Ed25519ph.'),
    verifier: verifierField,
  }),
});

export const hashedRekordRequest: RequestForm<z.infer<typeof schema>> = {
  kind: hashedrekord,
  schema,
  propose: ({ digest, signature: { content, verifier } }, suite) =>
    proposeHashedRekord(digest, content, verifier, suite),
};

/** The entry for one signature over a digest; a DSSE envelope is logged so too. */
export function proposeHashedRekord(
  digest: Uint8Array,
  signature: Uint8Array,
  { key, algorithm }: RequestVerifier,
  suite: SignatureSuite,
): Proposal {
  const format = x509(algorithm);
  const verifier = {
    form: key.form,
    der: format.canonicalKey(key),
    keyDetails: algorithm.keyDetails,
  };
  return {
    spec: hashedRekordJson({
      data: { algorithm: algorithm.digestAlgorithm, digest },
      signature: { content: signature, verifier },
    }),
    checks: format.checks(key, signature, { digests: { [algorithm.digestName]: digest } }, suite),
  };
}
