/**
 * Patterns for names that V8 compiles, and cannot run.
 */
import { expect, it } from 'vitest';
import { firstMatch, namePattern } from '#src/sigstore/verify/node/name-pattern.js';
import { ProofError } from '#tiles-spec/index.js';

it('a pattern that V8 refuses only when it runs is refused, in few words', () => {
  const pattern = namePattern(`${'('.repeat(20_000)}a${')'.repeat(20_000)}`, 'the pattern');
  const match = () => firstMatch(['a'], pattern);
  expect(match).toThrow(ProofError);
  expect(match).toThrow(/^the pattern \({80} cannot be matched: Invalid regular expression: [^(]{1,200}$/);
});
