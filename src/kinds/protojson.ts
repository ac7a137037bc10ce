/**
 * Requests as protobuf's JSON mapping has them: fields in lowerCamelCase or snake_case, null for absent, bytes in
 * standard or URL-safe base64 with or without padding, enums by name or number.
 * @module
 */
import { z } from 'zod';
import { decodeBase64, FormatError } from '../../tiles-spec/index.js';
import { ALGORITHMS, algorithmOf } from '../signatures/algorithms.js';

/**
 * The value with its fields in lowerCamelCase and null fields gone.
 * @throws FormatError when a field stands there in both spellings.
 */
export function normalizeFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalizeFields);
  if (typeof value !== 'object' || value === null) return value;
  const fields = new Map<string, unknown>();
  for (const [name, field] of Object.entries(value)) {
    const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (fields.has(camel)) throw new FormatError(`the field ${camel} is there in both spellings`);
    fields.set(camel, field);
  }
  return Object.fromEntries(
    [...fields].filter(([, field]) => field !== null).map(([name, field]) => [name, normalizeFields(field)]),
  );
}

/** A bytes field; from base64 that is exactly the encoding of what it gives. */
export function bytesField(description: string) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return decodeBytes(text);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
        return z.NEVER;
      }
    })
    .meta({ description, contentEncoding: 'base64' });
}

/** A bytes field that must not be empty. */
export function requiredBytes(description: string) {
  return bytesField(description).refine((bytes) => bytes.length > 0, 'is empty');
}

function decodeBytes(text: string): Uint8Array {
  const urlSafe = /[-_]/.test(text);
  if (urlSafe && /[+/]/.test(text))
    throw new FormatError('base64 mixes the standard and the URL-safe alphabet');
  const standard = urlSafe ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
  const padded = standard.includes('=') ? standard : standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
  return decodeBase64(padded);
}

const LABELS = ALGORITHMS.map(({ keyDetails }) => keyDetails);
const NUMBERS = ALGORITHMS.map(({ number }) => number);

/** A `keyDetails` field: the algorithm that it names. */
export const keyDetailsField = z
  .union([z.enum(LABELS), z.literal(NUMBERS)], {
    error: ({ input }) =>
      input === undefined
        ? 'is missing'
        : `${JSON.stringify(input).slice(0, 80)} is not accepted; one of ${LABELS.join(', ')} is`,
  })
  .transform((label, context) => {
    const algorithm = algorithmOf(label);
    if (algorithm !== undefined) return algorithm;
    context.addIssue({ code: 'custom', message: 'is not accepted' });
    return z.NEVER;
  })
  .meta({ description: 'The kind of the key and the hash signed with it; must match the key exactly.' });

/** What a schema found to be wrong: the first three fields, each with its path and why. */
export function findingsOf({ issues }: z.ZodError): { readonly path: string; readonly why: string }[] {
  return issues.slice(0, 3).map((issue) => {
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return { path: issue.path.join('.'), why: isMissing ? 'is missing' : issue.message };
  });
}
