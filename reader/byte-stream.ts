/**
 * Reading a stream of bytes with a bound.
 * @module
 */

/** A stream that went on beyond its bound. */
export class TooLongError extends Error {
  override name = 'TooLongError';
}

/** What there is room for at first where nobody says how much will come, in bytes. */
const FIRST_ROOM = 65_536;

/**
 * All bytes of a stream of at most `maxLength`. Beyond, the rest is cancelled and not read. They are copied together as
 * they come, in whatever pieces: that needs room for them once, where it is known how many will come.
 * @param expected how many bytes will come, if that is known.
 * @throws TooLongError, or what the stream fails with.
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
      // Nobody waits for it: a stream that hangs may never end its cancelling.
      reader.cancel().catch(() => undefined);
      throw new TooLongError(`over ${maxLength} bytes`);
    }
    if (end > bytes.length) {
      const roomier = new Uint8Array(Math.min(maxLength, Math.max(end, bytes.length * 2)));
      roomier.set(bytes.subarray(0, length));
      bytes = roomier;
    }
    bytes.set(value, length);
    length = end;
  }
}
