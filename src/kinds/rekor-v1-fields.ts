/**
 * What the kinds of Rekor v1 have in common: digests in hexadecimal, and keys and certificates as base64 of PEM. Stele
 * reads such entries and does not log them: fields that no statement needs are not looked at.
 * @module
 */
import { z } from 'zod';
import { decodeText } from '../../tiles-spec/bytes.js';
import { decodeHex, FormatError } from '../../tiles-spec/index.js';
import { parsePem } from '../pem.js';
import { reading, someBytes } from '../protobuf-json.js';
import { DIGEST_NAMES, digestType } from '../signatures/digests.js';
import { checkedDigest } from './logged-digest.js';
import type { LoggedVerifier } from './statement.js';

/** Hexadecimal in either case: Rekor v1 logs the digest as its submitter has written it. */
export const digestV1 = z
  .object({
    algorithm: z.enum(DIGEST_NAMES),
    value: z.string().transform(reading((text: string) => decodeHex(text.toLowerCase()))),
  })
  .transform(({ algorithm, value }, context) =>
    checkedDigest(digestType(algorithm).algorithm, value, context),
  );

/** A key, a certificate, or a chain of certificates that begins with the signer's. */
export const verifierV1 = someBytes.transform(reading(verifierOf));

function verifierOf(pem: Uint8Array): LoggedVerifier {
  const what = 'the verifier';
  const [{ label, der }] = parsePem(decodeText(pem, what), what);
  if (label === 'CERTIFICATE') return { form: 'certificate', der };
  if (label === 'PUBLIC KEY') return { form: 'publicKey', der };
  throw new FormatError(`is PEM (${label}), neither a PUBLIC KEY nor a CERTIFICATE`);
}
