/**
 * The messages between the writer and its validating threads: many byte strings in one buffer, which is transferred and
 * not copied.
 * @module
 */

export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** Copies byte strings, each given in pieces, into a buffer of their own. */
export function pack(strings: readonly (readonly Uint8Array[])[]): Packed {
  const lengths = strings.map((pieces) => pieces.reduce((total, { length }) => total + length, 0));
  // Buffer's pool is shared, and a shared buffer cannot be transferred: allocate a buffer of its own. All of it is
  // written below, so it need not be zeroed.
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

/** The byte strings, as views into the buffer. One view keeps the whole buffer in memory. */
export function unpack({ bytes, lengths }: Packed): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}

/** The two numbers that a thread shares with the writer, by their places. */
export const PROGRESS = {
  /** Grows with each step of the work, so that the writer can tell a stuck thread from a busy one. */
  steps: 0,
  /** The place of the request that is worked on, counted from 1; 0 while there is none, or several. */
  request: 1,
} as const;
