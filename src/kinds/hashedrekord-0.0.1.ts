/**
 * hashedrekord 0.0.1: a signature over an artifact's digest, as Rekor v1 logs it. It is read, and not logged.
 * @module
 */
import { z } from 'zod';
import { someBytes } from '../protobuf-json.js';
import { digestV1, verifierV1 } from './rekor-v1-fields.js';
import { signedKind } from './signed-kind.js';

export const hashedrekordV1 = signedKind({
  kind: 'hashedrekord',
  version: '0.0.1',
  spec: z.object({
    data: z.object({ hash: digestV1 }),
    signature: z.object({ content: someBytes, publicKey: z.object({ content: verifierV1 }) }),
  }),
  statements: ({ data, signature: { content, publicKey } }) => [
    { signature: content, verifier: publicKey.content, digest: data.hash, digestOf: 'message' },
  ],
});
