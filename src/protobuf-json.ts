/**
 * Requests as protobuf's JSON mapping has them: fields in lowerCamelCase or snake_case, null for absent, bytes in
 * standard or URL-safe base64 with or without padding, enums by name or number.
 * @module
 */
import { z } from 'zod';
import { decodeBase64Url } from '../tiles-spec/base64.js';
import { decodeBase64, FormatError, MAX_ENTRY_LENGTH } from '../tiles-spec/index.js';
import { ALGORITHMS, algorithmOf } from './signatures/algorithms.js';

/** The longest name of a field, in characters: making lowerCamelCase of one costs 200 ns a character. */
const LONGEST_NAME = 256;

/**
 * The value with its fields in lowerCamelCase and null fields gone.
 * @throws FormatError when a field stands there in both spellings, or has a name of over 256 characters.
 */
export function normalizeFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalizeFields);
  if (typeof value !== 'object' || value === null) return value;
  const fields = new Map<string, unknown>();
  for (const [name, field] of Object.entries(value)) {
    if (name.length > LONGEST_NAME) {
      throw new FormatError(`a field has a name of ${name.length} characters, over ${LONGEST_NAME}`);
    }
    const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (fields.has(camel)) throw new FormatError(`the field ${camel} is there in both spellings`);
    fields.set(camel, field);
  }
  return Object.fromEntries(
    [...fields].filter(([, field]) => field !== null).map(([name, field]) => [name, normalizeFields(field)]),
  );
}

/**
 * A bytes field; from base64 that is exactly the encoding of what it gives.
 * @param longest characters of base64 at most: a longer one is refused before anything is made of it.
 */
export function bytesField(description: string, longest = Infinity) {
  return z
    .string()
    .transform((text, context) => {
      if (text.length > longest) {
        const message = `has ${text.length} characters; an entry has at most ${MAX_ENTRY_LENGTH} bytes`;
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      }
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

/** A bytes field that must not be empty, and is logged: the whole canonical body has at most 65,535 bytes. */
export function loggedBytes(description: string) {
  return bytesField(description, MAX_ENTRY_LENGTH).refine((bytes) => bytes.length > 0, 'is empty');
}

function decodeBytes(text: string): Uint8Array {
  const urlSafe = /[-_]/.test(text);
  if (urlSafe && /[+/]/.test(text))
    throw new FormatError('base64 mixes the standard and the URL-safe alphabet');
  const padded = text.includes('=') ? text : text.padEnd(Math.ceil(text.length / 4) * 4, '=');
  return urlSafe ? decodeBase64Url(padded) : decodeBase64(padded);
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
