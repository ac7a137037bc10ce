/**
 * Sigstore's protobuf messages in JSON, read strictly: base64 and decimals in their one form. Fields that are not
 * known are ignored, as every Sigstore client does for versions to come; both spellings of a name are taken.
 * @module
 */
import { z } from 'zod';
import { parseDecimal, requireExact } from '../../../tiles-spec/decimal.js';
import { decodeBase64, FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { findingsOf, normalizeFields } from '../../protobuf-json.js';

/** A transform that gives a FormatError's message as the field's. */
function reading<In, Out>(read: (value: In) => Out) {
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

/** A bytes field: padded standard base64. */
export const bytes = z.string().transform(reading(decodeBase64));

/** A bytes field that must be there and hold something. */
export const someBytes = bytes.refine((value) => value.length > 0, 'is empty');

/** A bytes field of so many bytes. */
export function bytesOf(length: number) {
  return bytes.refine((value) => value.length === length, `has not ${length} bytes`);
}

/** A 64-bit integer that fits a size or an index, as string or number. Protobuf's JSON may leave out a zero. */
export const integer = z
  .union([z.string(), z.number()])
  .prefault('0')
  .transform(
    reading((value: string | number) => {
      if (typeof value === 'string') return parseDecimal(value, 'number');
      requireExact(value, 'number');
      return value;
    }),
  );

/** An instant, as Unix milliseconds. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** How many log entries, and how many time stamps, a bundle or an attestation may have. */
export const MAX_PROOFS = 32;

/** A list of at most `most`; left out when empty. */
export function list<Item extends z.ZodType>(item: Item, most: number) {
  return z.array(item).max(most).default([]);
}

/**
 * Parses a file of one message.
 * @param what names the file in errors.
 * @param most The bytes that it may have.
 * @throws FormatError unless it is JSON, at most so long.
 */
export function parseMessageFile(file: Uint8Array, what: string, most: number): unknown {
  if (file.length > most) throw new FormatError(`${what} has ${file.length} bytes, over ${most}`);
  return parseJson(file, what, DOCUMENT_LIMITS);
}

/**
 * The message that a JSON value is.
 * @param what names it in errors, before the path of the field.
 * @throws FormatError naming the first three fields that are wrong.
 */
export function readMessage<Message>(schema: z.ZodType<Message>, value: unknown, what: string): Message {
  const parsed = schema.safeParse(normalizeFields(value));
  if (parsed.success) return parsed.data;
  const findings = findingsOf(parsed.error).map(({ path, why }) => (path === '' ? why : `${path} ${why}`));
  throw new FormatError(`${what}: ${findings.join('; ').slice(0, 1000)}`);
}
