/**
 * The answers of a validating thread: outcomes, packed in the thread and unpacked in the writer.
 * @module
 */
import { InvalidEntryError } from '../../src/errors.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import type { ProposedEntry } from '../../src/requests/proposal.js';
import { HASH_LENGTH, leafHash } from '../../tiles-spec/index.js';
import type { NewEntry } from '../batch.js';
import { pack, unpack, type Packed } from './message.js';

/** What became of the request at a place in the message. */
export interface Outcome<Entry> {
  /** The request's place among those of the message. */
  readonly place: number;
  /** The entry, whose checks hold; an InvalidEntryError for a request that makes none; an error of the program. */
  readonly entry: Entry | Error;
  /** Milliseconds of the thread's time; of work that was done for several at once, an equal share. */
  readonly cost: number;
}

/** An entry whose signatures hold. */
export interface ValidatedEntry extends NewEntry {
  readonly kind: string;
  readonly version: string;
}

/** Some of a thread's outcomes: a message is answered in several parts. */
export interface Results {
  readonly verdicts: readonly (Accepted | Refused)[];
  /** One string for each accepted entry, in order: its body, its leaf hash and its attestation. */
  readonly entries: Packed;
}

interface Accepted {
  readonly place: number;
  readonly cost: number;
  readonly kind: string;
  readonly version: string;
  /** In bytes; undefined where the entry has no attestation. */
  readonly attestationLength: number | undefined;
}

interface Refused {
  readonly place: number;
  readonly cost: number;
  readonly error: string;
  /** Whether the error is the request's; else it is the program's. */
  readonly invalid: boolean;
}

/** Packs outcomes, with the leaf hashes of the entries. */
export function packResults(outcomes: readonly Outcome<ProposedEntry>[]): Results {
  const strings: Uint8Array[][] = [];
  const verdicts = outcomes.map(({ place, cost, entry }) => {
    if (entry instanceof Error)
      return { place, cost, error: entry.message, invalid: entry instanceof InvalidEntryError };
    const { kind, version, body, attestation } = entry;
    strings.push([body, leafHash(body, opensslSha256), ...(attestation === undefined ? [] : [attestation])]);
    return { place, cost, kind, version, attestationLength: attestation?.length };
  });
  return { verdicts, entries: pack(strings) };
}

/** The outcomes that a thread has packed. The entries' bytes are copied out of the message. */
export function unpackResults({ verdicts, entries }: Results): Outcome<ValidatedEntry>[] {
  const strings = unpack(entries).values();
  return verdicts.map((verdict) => {
    const { place, cost } = verdict;
    const entry = 'error' in verdict ? errorOf(verdict) : entryOf(verdict, strings.next().value);
    return { place, cost, entry };
  });
}

function errorOf({ error, invalid }: Refused): Error {
  return invalid ? new InvalidEntryError(error) : new Error(error);
}

/**
 * Copies an entry's bytes out of the message: views would keep the whole message in memory as long as the entry. Short
 * entries share the 8 KiB of Buffer's pool: a buffer for each entry would cost the garbage collector 10 us.
 */
function entryOf(
  { kind, version, attestationLength }: Accepted,
  packed: Uint8Array | undefined,
): ValidatedEntry {
  if (packed === undefined) throw new TypeError('there is a packed string for each entry');
  const own = Buffer.from(packed);
  const hashEnd = own.length - (attestationLength ?? 0);
  const bodyEnd = hashEnd - HASH_LENGTH;
  return {
    kind,
    version,
    body: own.subarray(0, bodyEnd),
    leafHash: own.subarray(bodyEnd, hashEnd),
    attestation: attestationLength === undefined ? undefined : own.subarray(hashEnd),
  };
}
