/**
 * Reads that are under way before their results are wanted.
 * @module
 */
import { UnreachableError } from '../src/errors.js';

/** Bundles or tiles read at a time. */
const READ_AHEAD = 4;

/**
 * The longest object that is read before it is wanted, in bytes. A bundle may have 16 MiB, and as much again where it
 * comes compressed: few have 2.
 */
const LONGEST_AHEAD = 2 ** 21;

/**
 * Reads `first` to `end` (exclusive), several at a time, and yields each with its number, in order.
 * @param read refuses what has over `maxLength` bytes. What it refuses ahead it is asked for again, without a bound,
 *   when it is wanted.
 * @throws what the first read in order that fails throws.
 */
export async function* readAhead<T>(
  first: number,
  end: number,
  read: (at: number, maxLength: number) => Promise<T>,
): AsyncGenerator<[number, T]> {
  const ahead: (() => Promise<T>)[] = [];
  for (let at = first; at < end; at++) {
    while (ahead.length < READ_AHEAD && at + ahead.length < end) {
      const next = at + ahead.length;
      const isWanted = next === at;
      const reading = read(next, isWanted ? Infinity : LONGEST_AHEAD);
      // Whoever stops early does not wait for it.
      reading.catch(() => undefined);
      ahead.push(() =>
        reading.catch((error: unknown) => {
          if (isWanted || error instanceof UnreachableError) throw error;
          return read(next, Infinity);
        }),
      );
    }
    yield [at, await (ahead.shift() as () => Promise<T>)()];
  }
}
