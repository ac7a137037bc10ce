/**
 * The times beside an entry bundle: when each of its entries was sequenced, by the writer's word.
 * @module
 */
import { requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { requireWidth } from '../tree/tile.js';

/** Bytes of one entry's time. */
export const TIME_LENGTH = 8;

/** The last time that a Date can have, Unix milliseconds: in the year 275760. */
const MAX_TIME = 8.64e15;

/**
 * Writes when each entry of a bundle was sequenced: Unix milliseconds from 0 to 8.64e15 that do not go back, 8 bytes
 * each, big-endian.
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

/** @throws FormatError unless `bytes` are exactly `width` times, from 0 to 8.64e15, that do not go back. */
export function parseTimes(bytes: Uint8Array, width: number): number[] {
  requireWidth(width);
  if (bytes.length !== width * TIME_LENGTH)
    throw new FormatError(
      `the times of ${width} entries have ${width * TIME_LENGTH} bytes, not ${bytes.length}`,
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
