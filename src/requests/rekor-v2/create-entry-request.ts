/**
 * `CreateEntryRequest`, the request of Rekor v2's API: one field, whose name says in which form an entry is asked for.
 * @module
 */
import { FormatError } from '../../../tiles-spec/index.js';
import { InvalidEntryError } from '../../errors.js';
import { parseJson } from '../../json.js';
import { normalizeFields } from '../../protobuf-json.js';
import type { SignatureSuite } from '../../signatures/suite.js';
import { checkEntries } from '../check.js';
import type { ProposedEntry } from '../proposal.js';
import { proposeBy, type RequestForm } from '../request-form.js';
import { dsseRequest } from './dsse.js';
import { hashedRekordRequest } from './hashedrekord.js';

/** The forms that the log takes, by their fields of the request. To add one, add its file and its line. */
export const FORMS: ReadonlyMap<string, RequestForm> = new Map<string, RequestForm>([
  ['hashedRekordRequestV002', hashedRekordRequest],
  ['dsseRequestV002', dsseRequest],
]);

const FIELDS = [...FORMS.keys()].join(', ');

/**
 * Reads a `CreateEntryRequest` (JSON, UTF-8), and makes the entry that it asks for. No signature is verified yet.
 * @returns a promise only where the form does.
 * @throws InvalidEntryError, or rejects with it, saying what is wrong and where.
 */
export function proposeEntry(
  request: Uint8Array,
  suite: SignatureSuite,
): ProposedEntry | Promise<ProposedEntry> {
  const json = invalidUnless(() => parseJson(request, 'the request'));
  return proposeRequest(json, suite);
}

/** Makes the entry that a `CreateEntryRequest` asks for, as `proposeEntry` does, from the request's parsed JSON. */
function proposeRequest(request: unknown, suite: SignatureSuite): ProposedEntry | Promise<ProposedEntry> {
  const [field, value] = requestedField(request);
  const form = FORMS.get(field);
  if (form === undefined) {
    throw new InvalidEntryError(
      `${field.slice(0, 80)} is no request that this log takes; it takes ${FIELDS}`,
    );
  }
  return proposeBy(form, value, field, suite);
}

/**
 * Makes the entry that a `CreateEntryRequest` asks for, and checks it, as a log does before it accepts one.
 * @param request parsed JSON.
 * @throws InvalidEntryError saying what is wrong and where.
 */
export async function validateRequest(request: unknown, suite: SignatureSuite): Promise<ProposedEntry> {
  const entry = await proposeRequest(request, suite);
  const [refusal] = await checkEntries([entry], suite);
  if (refusal !== undefined) throw refusal;
  return entry;
}

/** The one field of a request, and its value. */
function requestedField(request: unknown): [string, unknown] {
  const value = invalidUnless(() => normalizeFields(request));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidEntryError('the request is not a JSON object');
  const [first, ...more] = Object.entries(value);
  if (first === undefined) throw new InvalidEntryError(`the request is empty; it needs one of ${FIELDS}`);
  if (more.length > 0)
    throw new InvalidEntryError(
      `the request has the fields ${Object.keys(value).join(', ').slice(0, 200)}; it takes one`,
    );
  return first as [string, unknown];
}

/** What `read` reads. @throws InvalidEntryError where `read` throws FormatError: then the request is malformed. */
function invalidUnless<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    throw error instanceof FormatError ? new InvalidEntryError(error.message) : error;
  }
}
