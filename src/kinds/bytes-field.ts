/**
 * Bytes in the JSON of an entry.
 * @module
 */
import { z } from 'zod';
import { decodeBase64, FormatError } from '../../tiles-spec/index.js';

/** A transform for a schema: a FormatError of `read` becomes the field's finding. */
export function reading<In, Out>(read: (value: In) => Out) {
  return (value: In, context: z.core.$RefinementCtx<In>): Out => {
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  };
}

/** Padded standard base64 of at least one byte. */
export const base64Field = z
  .string()
  .transform(reading(decodeBase64))
  .refine((bytes) => bytes.length > 0, 'is empty');
