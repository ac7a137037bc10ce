/**
 * Protobuf's JSON mapping, read into parsed values: messages, and the fields in them.
 *
 * Both spellings of a field's name are taken, and null counts as absent. Sigstore's files are read strictly: base64 and
 * decimals have one form. Requests may have any base64 that protobuf's mapping allows.
 * @module
 */
import { z } from 'zod';
import { decodeBase64Url } from '../tiles-spec/base64.js';
import { parseDecimal } from '../tiles-spec/decimal.js';
import { requireExact } from '../tiles-spec/decimal.js';
import { decodeBase64, FormatError, MAX_ENTRY_LENGTH } from '../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from './json.js';
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
 * Parses a file that holds one message.
 * @param what names the file in errors.
 * @param most the bytes that it may have.
 * @throws FormatError when it is longer, or not JSON.
 */
export function parseMessageFile(file: Uint8Array, what: string, most: number): unknown {
  if (file.length > most) throw new FormatError(`${what} has ${file.length} bytes, over ${most}`);
  return parseJson(file, what, DOCUMENT_LIMITS);
}

/**
 * Reads a message from parsed JSON. Fields that the schema does not name are ignored, unless it is a strict one:
 * later versions of Sigstore's formats may add some.
 * @param what names the message in errors, before the path of the field.
 * @throws FormatError naming the first three fields that are wrong.
 */
export function readMessage<Message>(schema: z.ZodType<Message>, value: unknown, what: string): Message {
  const parsed = schema.safeParse(normalizeFields(value));
  if (parsed.success) return parsed.data;
  const findings = findingsOf(parsed.error).map(({ path, why }) => (path === '' ? why : `${path} ${why}`));
  throw new FormatError(`${what}: ${findings.join('; ').slice(0, 1000)}`);
}

/** What a schema found to be wrong: the first three fields, each with its path and why. */
export function findingsOf({ issues }: z.ZodError): { readonly path: string; readonly why: string }[] {
  return issues.slice(0, 3).map((issue) => {
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return { path: issue.path.join('.'), why: isMissing ? 'is missing' : issue.message };
  });
}

/** A transform whose FormatError becomes the field's finding. */
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

/** A list of at most `most` items. Protobuf leaves out an empty list. */
export function list<Item extends z.ZodType>(item: Item, most: number) {
  return z.array(item).max(most).default([]);
}

/** A bytes field in its one form, padded standard base64. */
export const bytes = z.string().transform(reading(decodeBase64)).meta({ contentEncoding: 'base64' });

/** A bytes field that must not be empty. */
export const someBytes = bytes.refine((value) => value.length > 0, 'is empty');

/** A bytes field of exactly `length` bytes. */
export function bytesOf(length: number) {
  return bytes.refine((value) => value.length === length, `has not ${length} bytes`);
}

/**
 * A bytes field of a request: standard or URL-safe base64, with or without padding, that is exactly the encoding of
 * its bytes.
 * @param longest characters of base64 at most: a longer text is refused before it is decoded.
 */
export function bytesField(description: string, longest = Infinity) {
  const decode = (text: string) => {
    if (text.length <= longest) return decodeAnyBase64(text);
    throw new FormatError(`has ${text.length} characters; an entry has at most ${MAX_ENTRY_LENGTH} bytes`);
  };
  return z.string().transform(reading(decode)).meta({ description, contentEncoding: 'base64' });
}

/** A bytes field of a request that must not be empty, and is logged: a canonical body has at most 65,535 bytes. */
export function loggedBytes(description: string) {
  return bytesField(description, MAX_ENTRY_LENGTH).refine((bytes) => bytes.length > 0, 'is empty');
}

function decodeAnyBase64(text: string): Uint8Array {
  const urlSafe = /[-_]/.test(text);
  if (urlSafe && /[+/]/.test(text))
    throw new FormatError('base64 mixes the standard and the URL-safe alphabet');
  const padded = text.includes('=') ? text : text.padEnd(Math.ceil(text.length / 4) * 4, '=');
  return urlSafe ? decodeBase64Url(padded) : decodeBase64(padded);
}

/**
 * A 64-bit integer that is a size or an index, from 0 to 2^53 - 1. Protobuf writes it as a decimal string, and may
 * leave out a zero; a number is read too.
 */
export const integer = z
  .union([z.string(), z.number()])
  .prefault('0')
  .transform(
    reading((value: string | number) => {
      if (typeof value === 'string') return parseDecimal(value, 'number');
      requireExact(value, 'number');
      return value;
    }),
  )
  .meta({ description: 'A 64-bit number in decimal.', pattern: '^(0|[1-9][0-9]*)$' });

/** An instant, as Unix milliseconds. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const LABELS = ALGORITHMS.map(({ keyDetails }) => keyDetails);
const NUMBERS = ALGORITHMS.map(({ number }) => number);

/** The `keyDetails` of a request, by label or number: an algorithm that the log accepts. */
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
