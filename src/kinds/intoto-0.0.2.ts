/**
 * intoto 0.0.2: a DSSE envelope by its payload's digest, as Rekor v1 logs it. It is read, and not logged.
 * @module
 */
import { z } from 'zod';
import { decodeText } from '../../tiles-spec/bytes.js';
import { decodeBase64 } from '../../tiles-spec/index.js';
import { reading, someBytes } from '../protobuf-json.js';
import { digestV1, verifierV1 } from './rekor-v1-fields.js';
import { signedKind } from './signed-kind.js';

/** Rekor v1 encodes once more what an envelope has in base64 already. */
const envelopeSignature = someBytes.transform(
  reading((base64: Uint8Array) => decodeBase64(decodeText(base64, 'the signature'))),
);

export const intoto = signedKind({
  kind: 'intoto',
  version: '0.0.2',
  spec: z.object({
    content: z.object({
      envelope: z.object({
        signatures: z.array(z.object({ sig: envelopeSignature, publicKey: verifierV1 })).min(1),
      }),
      payloadHash: digestV1,
    }),
  }),
  statements: ({ content: { envelope, payloadHash } }) =>
    envelope.signatures.map(({ sig, publicKey }) => ({
      signature: sig,
      verifier: publicKey,
      digest: payloadHash,
      digestOf: 'payload',
    })),
});
