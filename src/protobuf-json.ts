/**
 * Protobuf messages as JSON: reading one by a zod schema, and the types of field that the schemas share.
 *
 * A field's name may be in lowerCamelCase or in snake_case. A field that is null counts as absent. Base64 is read in its
 * padded, standard form alone; requests may have every form that protobuf allows, and `requests/rekor-v2/fields.ts` has
 * their fields.
 * @module
 */
import { z } from 'zod';
import { parseDecimal, requireExact } from '../tiles-spec/decimal.js';
import { decodeBase64, FormatError } from '../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from './json.js';

/** The longest name of a field, in characters: a name costs 200 ns a character to put into lowerCamelCase. */
const LONGEST_NAME = 256;

/**
 * Copies a value of JSON, with the names of all fields in lowerCamelCase and without the fields that are null.
 * @throws FormatError when an object has one field in both spellings, or a name has over 256 characters.
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
 * @param most the largest length of a file, in bytes.
 * @throws FormatError when the file is longer, or is not JSON.
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

/** The first three faults that a schema found, each with the path of the field that has it. */
export function findingsOf({ issues }: z.ZodError): { readonly path: string; readonly why: string }[] {
  return issues.slice(0, 3).map((issue) => {
    // Zod reports an absent field as one of a wrong type, and tells it apart in its message alone.
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return { path: issue.path.join('.'), why: isMissing ? 'is missing' : issue.message };
  });
}

/** Makes a parser usable as a schema's transform. Where the parser throws a FormatError, the schema refuses the field. */
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

/** A list of at most `most` items. Protobuf leaves an empty list out, so an absent field is read as an empty list. */
export function list<Item extends z.ZodType>(item: Item, most: number) {
  return z.array(item).max(most).default([]);
}

/** A bytes field: base64 in its padded, standard form. */
export const bytes = z.string().transform(reading(decodeBase64)).meta({ contentEncoding: 'base64' });

/** A bytes field that must not be empty. */
export const someBytes = bytes.refine((value) => value.length > 0, 'is empty');

/** A bytes field of exactly `length` bytes. */
export function bytesOf(length: number) {
  return bytes.refine((value) => value.length === length, `has not ${length} bytes`);
}

/**
 * A 64-bit integer field that holds a size or an index: from 0 to 2^53 - 1, as a decimal string, which is protobuf's form,
 * or as a JSON number. Protobuf leaves a zero out, so an absent field is read as 0.
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
