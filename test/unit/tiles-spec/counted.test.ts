/**
 * Counts in messages.
 */
import { expect, it } from 'vitest';
import { counted } from '#tiles-spec/counted.js';

it.each([
  [0, 'entry', '0 entries'],
  [1, 'entry', '1 entry'],
  [2, 'entry', '2 entries'],
  [1, 'subject', '1 subject'],
  [2, 'key', '2 keys'],
])('%d of %s is %s', (count, noun, text) => {
  expect(counted(count, noun)).toBe(text);
});
