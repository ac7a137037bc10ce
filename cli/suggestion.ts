/**
 * What a mistyped word was meant to be.
 * @module
 */
import { closest, distance } from 'fastest-levenshtein';

/** The share of a word's letters that may be wrong in it. */
const TOLERANCE = 0.4;

/** The known word that is nearest to a mistyped one, where one is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const candidate = closest(word, known);
  // Two letters that changed places count as two wrong ones: tolerate two also in short words.
  const tolerated = Math.max(word.length * TOLERANCE, Math.min(2, word.length - 1));
  return distance(word, candidate) <= tolerated ? candidate : undefined;
}
