/**
 * Reads streams of bytes, with a length limit.
 * @module
 */

/** A stream was longer than its length limit. */
export class TooLongError extends Error {
  override name = 'TooLongError';
}

/** Bytes allocated at first where the stream's length is unknown. */
const FIRST_ROOM = 65_536;

/**
 * Reads all bytes of a stream. Each chunk is copied as it comes, so that many tiny chunks take no more memory than
 * their bytes. Holds the bytes once where `expected` is right, and otherwise at most three times while the array grows.
 * @param maxLength length limit in bytes. A longer stream is cancelled.
 * @param expected the stream's length in bytes, if it is known. It may be wrong.
 * @throws TooLongError beyond `maxLength`; the stream's own error.
 */
export async function readBounded(
  stream: ReadableStream<Uint8Array>,
  maxLength: number,
  expected = FIRST_ROOM,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  let bytes = new Uint8Array(Math.min(maxLength, expected));
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, length);
    const end = length + value.length;
    if (end > maxLength) {
      // Not awaited: on a stream that hangs, cancelling may never end.
      reader.cancel().catch(() => undefined);
      throw new TooLongError(`over ${maxLength} bytes`);
    }
    if (end > bytes.length) {
      const larger = new Uint8Array(Math.min(maxLength, Math.max(end, bytes.length * 2)));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(value, length);
    length = end;
  }
}
