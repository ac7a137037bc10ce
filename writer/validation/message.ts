/**
 * What passes between the writer and its checking threads: many byte strings in one buffer, which is handed over
 * instead of copied.
 * @module
 */

export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** Copies byte strings into a buffer of their own. */
export function pack(parts: readonly Uint8Array[]): Packed {
  const lengths = parts.map((part) => part.length);
  const bytes = new Uint8Array(lengths.reduce((total, length) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, lengths };
}

/** The byte strings, as views into the buffer. */
export function unpack({ bytes, lengths }: Packed): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}

/**
 * What a thread makes of a request: an entry, whose canonical body is the next one packed, or what is wrong, with the
 * request (`invalid`) or with the program.
 */
export type CheckResult =
  { readonly kind: string; readonly version: string } | { readonly error: string; readonly invalid: boolean };

/** A thread's answer to a batch of requests, in their order. Each entry has two packed strings: body and leaf hash. */
export interface CheckAnswer {
  readonly results: readonly CheckResult[];
  readonly entries: Packed;
}
