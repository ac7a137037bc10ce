/**
 * Instants as RFC 3339 text, in UTC.
 * @module
 */

/** The last instant that a Date can hold, Unix milliseconds. */
const LAST = 8.64e15;

/**
 * An instant with its milliseconds, such as `2026-01-31T12:00:00.000Z`. A log may claim a time that no Date can hold:
 * that is written as a number of seconds.
 * @param milliseconds Unix milliseconds.
 */
export function rfc3339(milliseconds: number): string {
  if (Math.abs(milliseconds) > LAST) return `${milliseconds / 1000} s after 1970`;
  return new Date(milliseconds).toISOString();
}

/**
 * An instant cut to whole seconds, such as `2026-01-31T12:00:00Z`: some of Sigstore's clients read no fractions.
 * @param milliseconds Unix milliseconds, of a time that a Date can hold.
 */
export function rfc3339Seconds(milliseconds: number): string {
  return rfc3339(milliseconds).replace(/\.\d+Z$/, 'Z');
}
