/**
 * The times beside an entry bundle: when each of its entries was sequenced. They are the writer's word: the tree does
 * not commit to them.
 * @module
 */
import { counted } from '../counted.js';
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { requireWidth } from '../tree/tile.js';

/** Bytes of one entry's time. */
export const TIME_LENGTH = 8;

/** The last time that a Date can hold, in Unix milliseconds: in the year 275760. */
const MAX_TIME = 8.64e15;

/**
 * Writes the times of a bundle's entries, 8 bytes each, big-endian.
 * @param times 1 to 256, in Unix milliseconds, from 0 to 8.64e15, none before the one before it.
 * @throws FormatError where `times` are anything else.
 * @example
 * encodeTimes([1]); // => Uint8Array(8) [ 0, 0, 0, 0, 0, 0, 0, 1 ]
 */
export function encodeTimes(times: readonly number[]): Uint8Array {
  requireWidth(times.length);
  const bytes = new Uint8Array(times.length * TIME_LENGTH);
  const view = new DataView(bytes.buffer);
  times.forEach((time, i) => {
    requireExact(time, 'time');
    if (time > MAX_TIME) throw new FormatError(`time ${i} is over ${MAX_TIME}`);
    if (time < (times[i - 1] ?? 0)) throw new FormatError(`time ${i} is before the one before it`);
    view.setBigUint64(i * TIME_LENGTH, BigInt(time));
  });
  return bytes;
}

/**
 * Reads the times of a bundle's entries, in Unix milliseconds.
 * @throws FormatError unless `bytes` are exactly `width` times (1 to 256), from 0 to 8.64e15, none before the one
 *   before it.
 * @example
 * parseTimes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), 1); // => [ 1 ]
 */
export function parseTimes(bytes: Uint8Array, width: number): number[] {
  requireWidth(width);
  if (bytes.length !== width * TIME_LENGTH)
    throw new FormatError(
      `the times of ${counted(width, 'entry')} have ${width * TIME_LENGTH} bytes, not ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let last = 0;
  return Array.from({ length: width }, (_, i) => {
    const time = view.getBigUint64(i * TIME_LENGTH);
    if (time > MAX_TIME) throw new FormatError(`time ${i} is over ${MAX_TIME}`);
    if (Number(time) < last) throw new FormatError(`time ${i} is before the one before it`);
    last = Number(time);
    return last;
  });
}
