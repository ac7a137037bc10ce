/**
 * What the kinds of Rekor v2 have in common: digests and verifiers as its logs and Stele's hold them. The objects are
 * strict, since a field that the kind does not name makes it another version.
 * @module
 */
import { z } from 'zod';
import { encodeBase64 } from '../../tiles-spec/index.js';
import { someBytes } from '../protobuf-json.js';
import { DIGEST_ALGORITHMS } from '../signatures/digests.js';
import { checkedDigest } from './logged-digest.js';
import type { LoggedDigest, LoggedVerifier } from './statement.js';

/** A verifier of Rekor v2, which says what its key is. */
export type TypedVerifier = LoggedVerifier & Required<Pick<LoggedVerifier, 'keyDetails'>>;

/** A signature with its verifier. */
export interface TypedSignature {
  readonly content: Uint8Array;
  readonly verifier: TypedVerifier;
}

export const digestV2 = z
  .strictObject({ algorithm: z.enum(DIGEST_ALGORITHMS), digest: someBytes })
  .transform(({ algorithm, digest }, context) => checkedDigest(algorithm, digest, context));

const der = z.strictObject({ rawBytes: someBytes });

export const signatureV2 = z.strictObject({
  content: someBytes,
  verifier: z
    .strictObject({
      // A log of another operator may take keys that this version does not know.
      keyDetails: z.string().regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'is not a label of PublicKeyDetails'),
      publicKey: der.optional(),
      x509Certificate: der.optional(),
    })
    .transform(({ keyDetails, publicKey, x509Certificate }, context): TypedVerifier => {
      if (publicKey !== undefined && x509Certificate === undefined)
        return { form: 'publicKey', der: publicKey.rawBytes, keyDetails };
      if (publicKey === undefined && x509Certificate !== undefined)
        return { form: 'certificate', der: x509Certificate.rawBytes, keyDetails };
      context.addIssue({ code: 'custom', message: 'must have exactly one of publicKey and x509Certificate' });
      return z.NEVER;
    }),
});

/** The JSON of a digest: what `digestV2` reads. */
export function digestJson({ algorithm, digest }: LoggedDigest): object {
  return { algorithm, digest: encodeBase64(digest) };
}

/** The JSON of a signature: what `signatureV2` reads. */
export function signatureJson({
  content,
  verifier: { form, der: bytes, keyDetails },
}: TypedSignature): object {
  const field = form === 'publicKey' ? 'publicKey' : 'x509Certificate';
  return {
    content: encodeBase64(content),
    verifier: { keyDetails, [field]: { rawBytes: encodeBase64(bytes) } },
  };
}
