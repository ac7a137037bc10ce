/**
 * dsse 0.0.1: a DSSE envelope by its payload's digest, as Rekor v1 logs it. It is read, and not logged.
 * @module
 */
import { z } from 'zod';
import { someBytes } from '../protobuf-json.js';
import { digestV1, verifierV1 } from './rekor-v1-fields.js';
import { signedKind } from './signed-kind.js';

export const dsseV1 = signedKind({
  kind: 'dsse',
  version: '0.0.1',
  spec: z.object({
    payloadHash: digestV1,
    signatures: z.array(z.object({ signature: someBytes, verifier: verifierV1 })).min(1),
  }),
  statements: ({ payloadHash, signatures }) =>
    signatures.map(({ signature, verifier }) => ({
      signature,
      verifier,
      digest: payloadHash,
      digestOf: 'payload',
    })),
});
