/**
 * Counts in messages.
 * @module
 */

/**
 * A count and its noun: `1 entry`, `2 entries`. Total.
 * @param noun in the singular; one whose plural ends in `s`, or in `ies` for a consonant and `y`.
 */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun.replace(/([^aeiou])y$/, '$1ie')}s`}`;
}
