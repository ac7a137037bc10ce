import { expect, it } from 'vitest';
import { rfc3339, rfc3339Seconds } from '#src/rfc3339.js';

it('an instant is written with its milliseconds, or cut to seconds', () => {
  const time = Date.UTC(2026, 0, 31, 12, 0, 0, 7);
  expect(rfc3339(time)).toBe('2026-01-31T12:00:00.007Z');
  expect(rfc3339Seconds(time)).toBe('2026-01-31T12:00:00Z');
});

it('an instant that no Date can hold is a number of seconds', () => {
  expect(rfc3339(8.64e15)).toBe('+275760-09-13T00:00:00.000Z');
  expect(rfc3339(8.64e15 + 1000)).toBe('8640000000001 s after 1970');
});
