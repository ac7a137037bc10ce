/**
 * Gunzip with a length limit, by the DecompressionStream of browsers.
 * @module
 */
import { FormatError } from '../tiles-spec/index.js';
import { readBounded, TooLongError } from './byte-stream.js';

/**
 * Decompresses gzip to at most `maxLength` bytes.
 * @throws FormatError when the input is not exactly gzip, or decompresses to more.
 */
export type Gunzip = (bytes: Uint8Array, maxLength: number) => Promise<Uint8Array>;

/** Bytes decompressed at a time. Deflate expands them to 16 MiB at most. */
const SLICE_LENGTH = 16_384;

/**
 * A `Gunzip` for browsers. Takes `maxLength` and 16 MiB of memory at most, whatever the input would expand to.
 * @example
 * const gzip = new Blob(['abc']).stream().pipeThrough(new CompressionStream('gzip'));
 * const bytes = new Uint8Array(await new Response(gzip).arrayBuffer());
 * await browserGunzip(bytes, 3); // => Uint8Array(3) [ 97, 98, 99 ]
 */
export const browserGunzip: Gunzip = async (bytes, maxLength) => {
  const stream = inSlices(bytes as Uint8Array<ArrayBuffer>).pipeThrough(new DecompressionStream('gzip'));
  try {
    return await readBounded(stream, maxLength);
  } catch (error) {
    if (error instanceof TooLongError) throw new FormatError(`gzip: over ${maxLength} bytes`);
    throw new FormatError('gzip: the data is damaged');
  }
};

/** A browser decompresses a chunk whole before the stream can be cancelled, so it gets small chunks. */
function inSlices(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += SLICE_LENGTH)));
      else controller.close();
    },
  });
}
