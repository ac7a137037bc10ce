/**
 * hashedrekord 0.0.2: a signature over a digest, as Stele and Rekor v2 log it.
 * @module
 */
import { z } from 'zod';
import { digestV2, digestJson, signatureV2, signatureJson, type TypedSignature } from './rekor-v2-fields.js';
import { signedKind } from './signed-kind.js';
import type { LoggedDigest } from './statement.js';

/** What is logged of a signature. */
export interface HashedRekord {
  /** Of what was signed. */
  readonly data: LoggedDigest;
  readonly signature: TypedSignature;
}

export const hashedrekord = signedKind({
  kind: 'hashedrekord',
  version: '0.0.2',
  spec: z.strictObject({
    hashedRekordV002: z.strictObject({ data: digestV2, signature: signatureV2 }),
  }),
  statements: ({ hashedRekordV002: { data, signature } }) => [
    { signature: signature.content, verifier: signature.verifier, digest: data, digestOf: 'message' },
  ],
});

/** The JSON of the spec: what the kind's schema reads. */
export function hashedRekordJson({ data, signature }: HashedRekord): object {
  return { hashedRekordV002: { data: digestJson(data), signature: signatureJson(signature) } };
}
