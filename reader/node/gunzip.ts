/**
 * Bounded gunzip by node:zlib, several times as fast as the one of browsers.
 * @module
 */
import { gunzip as zlibGunzip } from 'node:zlib';
import { messageOf } from '../../src/errors.js';
import { FormatError } from '../../tiles-spec/index.js';
import type { Gunzip } from '../gunzip.js';

export const gunzip: Gunzip = (bytes, maxLength) =>
  new Promise((resolve, reject) => {
    const options = { maxOutputLength: maxLength, chunkSize: chunkSizeFor(bytes, maxLength), info: true };
    zlibGunzip(bytes, options, (error, result) => {
      if (error !== null) {
        const isTooLong = 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
        reject(new FormatError(`gzip: ${isTooLong ? `over ${maxLength} bytes` : messageOf(error)}`));
        return;
      }
      // With `info` the result has the engine too, which knows how much it has read: what follows it ignores.
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      if (engine.bytesWritten === bytes.length) resolve(buffer);
      else reject(new FormatError(`gzip: ${bytes.length - engine.bytesWritten} bytes follow its end`));
    });
  });

/** Room for all at once, so that nothing is copied together: gzip ends in its length, which may be a lie. */
function chunkSizeFor(bytes: Uint8Array, maxLength: number): number {
  const end = bytes.subarray(-4);
  const length = end.length < 4 ? 0 : new DataView(end.buffer, end.byteOffset).getUint32(0, true);
  return Math.max(Math.min(length + 1, maxLength), 16_384);
}
