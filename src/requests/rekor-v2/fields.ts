/**
 * The types of field in Rekor v2's requests.
 * @module
 */
import { z } from 'zod';
import { decodeBase64Url } from '../../../tiles-spec/base64.js';
import { decodeBase64, FormatError, MAX_ENTRY_LENGTH } from '../../../tiles-spec/index.js';
import { reading } from '../../protobuf-json.js';
import { ALGORITHMS, algorithmOf } from '../../signatures/algorithms.js';

/**
 * A bytes field: standard or URL-safe base64, with or without padding, that is exactly the encoding of
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

/** A bytes field that must not be empty, and is logged: a canonical body has at most 65,535 bytes. */
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

const LABELS = ALGORITHMS.map(({ keyDetails }) => keyDetails);
const NUMBERS = ALGORITHMS.map(({ number }) => number);

/** A `keyDetails` field, by label or number: an algorithm that the log accepts. */
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
