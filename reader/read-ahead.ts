/**
 * Starts reads before their results are wanted, so that a sequence of objects is read several at a time.
 * @module
 */
import { UnreachableError } from '../src/errors.js';

/** Objects read at a time. */
const READ_AHEAD = 4;

/**
 * Length limit of an object that is read before it is wanted, in bytes. An entry bundle may have 16 MiB, and as much
 * again where it comes compressed, but few have 2 MiB: the limit keeps four reads from taking 128 MiB.
 */
const LONGEST_AHEAD = 2 ** 21;

/**
 * Reads the objects numbered `first` to `end` (exclusive), four at a time, and yields each with its number, in order.
 * @param read must throw for an object of over `maxLength` bytes. A read ahead that throws anything but UnreachableError is
 *   repeated without a limit when its result is wanted.
 * @throws the error of the first read, in order, that fails.
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
      // A caller that stops early never awaits this read, and its error must not go unhandled.
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
