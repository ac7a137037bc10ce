/**
 * The answer to a submission, byte for byte as clients depend on it: every field, also zero and null.
 * @module
 */
import { z } from 'zod';

const base64 = z.base64();
const decimal = z.string().regex(/^(0|[1-9][0-9]*)$/);

export const answerSchema = z.strictObject({
  logIndex: decimal,
  logId: z.strictObject({ keyId: base64 }),
  kindVersion: z.strictObject({ kind: z.string(), version: z.string() }),
  integratedTime: z.literal('0'),
  inclusionPromise: z.null(),
  inclusionProof: z.strictObject({
    logIndex: decimal,
    rootHash: base64,
    treeSize: decimal,
    hashes: z.array(base64),
    checkpoint: z.strictObject({ envelope: z.string() }),
  }),
  canonicalizedBody: base64,
});

/** The answer to a submission, as JSON. */
export type Answer = z.infer<typeof answerSchema>;
