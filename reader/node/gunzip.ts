/**
 * Gunzip with a length limit, by node:zlib: several times as fast as the DecompressionStream of browsers.
 * @module
 */
import { gunzip } from 'node:zlib';
import { messageOf } from '../../src/errors.js';
import { counted } from '../../tiles-spec/counted.js';
import { FormatError } from '../../tiles-spec/index.js';
import type { Gunzip } from '../gunzip.js';

/** A `Gunzip` for Node. Refuses bytes that follow the end of the gzip stream, as browsers do. */
export const nodeGunzip: Gunzip = (bytes, maxLength) =>
  new Promise((resolve, reject) => {
    const options = { maxOutputLength: maxLength, chunkSize: chunkSizeFor(bytes, maxLength), info: true };
    gunzip(bytes, options, (error, result) => {
      if (error !== null) {
        const isTooLong = 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
        reject(new FormatError(`gzip: ${isTooLong ? `over ${maxLength} bytes` : messageOf(error)}`));
        return;
      }
      // zlib ignores bytes after the end of the stream. With `info` the result also holds the engine, which knows how
      // many bytes it has read.
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      if (engine.bytesWritten === bytes.length) resolve(buffer);
      else
        reject(new FormatError(`gzip: ${counted(bytes.length - engine.bytesWritten, 'byte')} after its end`));
    });
  });

/**
 * The output buffer's size. The last four bytes of gzip are the length of its content: a buffer of that size takes it
 * all, and nothing is copied together. The length may be a lie, so it is bounded.
 */
function chunkSizeFor(bytes: Uint8Array, maxLength: number): number {
  const end = bytes.subarray(-4);
  const length = end.length < 4 ? 0 : new DataView(end.buffer, end.byteOffset).getUint32(0, true);
  return Math.max(Math.min(length + 1, maxLength), 16_384);
}
