/**
 * dsse 0.0.2: a DSSE envelope by its payload's digest, as Rekor v2 logs it. It is read, and not logged: Stele logs an
 * envelope as a hashedrekord over what its signature is over.
 * @module
 */
import { z } from 'zod';
import { digestV2, signatureV2 } from './rekor-v2-fields.js';
import { signedKind } from './signed-kind.js';

export const dsseV2 = signedKind({
  kind: 'dsse',
  version: '0.0.2',
  spec: z.strictObject({
    dsseV002: z.strictObject({ payloadHash: digestV2, signatures: z.array(signatureV2).min(1) }),
  }),
  statements: ({ dsseV002: { payloadHash, signatures } }) =>
    signatures.map(({ content, verifier }) => ({
      signature: content,
      verifier,
      digest: payloadHash,
      digestOf: 'payload',
    })),
});
