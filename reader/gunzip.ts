/**
 * Bounded gunzip by the DecompressionStream of browsers.
 * @module
 */
import { FormatError } from '../tiles-spec/index.js';
import { readBounded, TooLongError } from './byte-stream.js';

/** Decompresses to at most `maxLength` bytes. @throws FormatError when it is not exactly gzip, or is longer. */
export type Gunzip = (bytes: Uint8Array, maxLength: number) => Promise<Uint8Array>;

/** Bytes decompressed at a time, which grow at most a thousandfold. */
const SLICE_LENGTH = 16_384;

/** Memory stays near `maxLength` and 16 MiB, whatever the bytes would grow to. */
export const gunzip: Gunzip = async (bytes, maxLength) => {
  const stream = inSlices(bytes as Uint8Array<ArrayBuffer>).pipeThrough(new DecompressionStream('gzip'));
  try {
    return await readBounded(stream, maxLength);
  } catch (error) {
    if (error instanceof TooLongError) throw new FormatError(`gzip: over ${maxLength} bytes`);
    throw new FormatError('gzip: the data is damaged');
  }
};

/** Browsers decompress all of a chunk before anyone can stop them. */
function inSlices(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += SLICE_LENGTH)));
      else controller.close();
    },
  });
}
