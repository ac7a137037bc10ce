/**
 * What passes between the writer and its validating threads: many byte strings in one buffer, which is handed over
 * instead of copied.
 * @module
 */

export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** Copies byte strings, each given in pieces, into a buffer of their own. */
export function pack(strings: readonly (readonly Uint8Array[])[]): Packed {
  const lengths = strings.map((pieces) => pieces.reduce((total, { length }) => total + length, 0));
  // Not one of Buffer's pool, which cannot be handed over; and not filled with zeros first.
  const bytes = Buffer.allocUnsafeSlow(lengths.reduce((total, length) => total + length, 0));
  let at = 0;
  for (const pieces of strings) {
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  return { bytes, lengths };
}

/** The byte strings, as views into the buffer: all of it stays in memory while one of them does. */
export function unpack({ bytes, lengths }: Packed): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}

/**
 * What a thread made of the request at a place in its message: an entry, which is the next one packed, or what is wrong,
 * with the request (`invalid`) or with the program.
 */
export type Result = Verdict & {
  readonly place: number;
  /** Milliseconds of the thread's time. */
  readonly cost: number;
};

export type Verdict =
  { readonly kind: string; readonly version: string } | { readonly error: string; readonly invalid: boolean };

/**
 * Some of a thread's results; several answers make up all of them. An entry is packed as one string: its body, and after
 * it the leaf hash.
 */
export interface Answer {
  readonly results: readonly Result[];
  readonly entries: Packed;
}

/** Places in the memory that a thread shares with the writer. */
export const PROGRESS = {
  /** Grows with each step of the work: a thread that is stuck can be told from one that has much to do. */
  steps: 0,
  /** The place of the request that is worked on, counted from 1; 0 while it is none, or several. */
  request: 1,
} as const;
