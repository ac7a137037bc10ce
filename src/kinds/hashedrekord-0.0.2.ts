/**
 * hashedrekord 0.0.2: a signature over an artifact's digest (Rekor v2, `hashedRekordRequestV002`).
 * @module
 */
import { z } from 'zod';
import { decodeBase64, encodeBase64, encodeHex, FormatError } from '../../tiles-spec/index.js';
import { certificateKeys } from './certificate-keys.js';
import { entryKind, type IndexKey, type Proposal, type SignatureToCheck } from './kind.js';
import { keyFingerprints } from './key-fingerprints.js';
import { findingsOf, loggedBytes } from '../protobuf-json.js';
import { verifierBody, verifierField } from './verifier.js';

const request = z.strictObject({
  digest: loggedBytes("The artifact's digest, by the hash that keyDetails names."),
  signature: z.strictObject({
    content: loggedBytes('The signature: ASN.1 DER for ECDSA, PKCS#1 v1.5 for RSA, 64 bytes for Ed25519ph.'),
    verifier: verifierField,
  }),
});

/** The entry for one signature over a digest; other requests are logged so too. */
export function proposeHashedRekord({ verifier, digest, signature }: SignatureToCheck): Proposal {
  return {
    spec: {
      hashedRekordV002: {
        data: { algorithm: verifier.algorithm.digestAlgorithm, digest: encodeBase64(digest) },
        signature: { content: encodeBase64(signature), verifier: verifierBody(verifier) },
      },
    },
    signatures: [{ verifier, digest, signature }],
  };
}

const PREFIXES = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' };

const der = z.strictObject({ rawBytes: z.string() });

const logged = z.strictObject({
  hashedRekordV002: z.strictObject({
    data: z.strictObject({ algorithm: z.enum(['SHA2_256', 'SHA2_384', 'SHA2_512']), digest: z.string() }),
    signature: z.strictObject({
      content: z.string(),
      verifier: z.strictObject({
        keyDetails: z.string(),
        publicKey: der.optional(),
        x509Certificate: der.optional(),
      }),
    }),
  }),
});

/**
 * The index keys of a logged hashedrekord: its digest, its key's fingerprints, its certificate's names.
 * @throws FormatError when `spec` is none.
 */
export function keysOfHashedRekord(spec: unknown): IndexKey[] {
  const parsed = logged.safeParse(spec);
  if (!parsed.success) {
    const [finding] = findingsOf(parsed.error);
    throw new FormatError(`canonical body: spec.${finding?.path ?? ''} ${finding?.why ?? 'is malformed'}`);
  }
  const { data, signature } = parsed.data.hashedRekordV002;
  const { publicKey, x509Certificate } = signature.verifier;
  const keys = [`${PREFIXES[data.algorithm]}:${encodeHex(decodeBase64(data.digest))}`];
  if (publicKey !== undefined) keys.push(...keyFingerprints(decodeBase64(publicKey.rawBytes)));
  if (x509Certificate !== undefined) keys.push(...certificateKeys(decodeBase64(x509Certificate.rawBytes)));
  return keys;
}

export const hashedrekord = entryKind({
  kind: 'hashedrekord',
  version: '0.0.2',
  requestField: 'hashedRekordRequestV002',
  requestSchema: request,
  propose: ({ digest, signature: { content, verifier } }) =>
    proposeHashedRekord({ verifier, digest, signature: content }),
  keysOf: keysOfHashedRekord,
});
