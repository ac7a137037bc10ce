/**
 * Tree sizes and entry indices: exact integers below 2^53, in decimal without leading zeros.
 * @module
 */
import { FormatError } from './errors.js';

/**
 * Parses a size or an index.
 * @param what names the number in errors.
 * @throws FormatError unless `text` is the one decimal form of an integer in [0, 2^53 - 1].
 */
export function parseDecimal(text: string, what: string): number {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) {
    throw new FormatError(
      `${what} ${JSON.stringify(text.slice(0, 40))} is not a decimal number without leading zeros`,
    );
  }
  const value = Number(text);
  if (text.length > 16 || !Number.isSafeInteger(value))
    throw new FormatError(`${what} ${text.slice(0, 40)} is over 2^53 - 1`);
  return value;
}

/**
 * Refuses a number that cannot be a size or an index: above 2^53 - 1 a double no longer holds every integer.
 * @param what names the number in the error.
 * @throws FormatError unless `value` is an integer in [0, 2^53 - 1].
 */
export function requireExact(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new FormatError(`${what} ${String(value)} is not an integer from 0 to 2^53 - 1`);
  }
}
