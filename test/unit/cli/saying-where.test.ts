/**
 * The place of a log in the errors of reading it.
 */
import { describe, expect, it } from 'vitest';
import { sayingWhere } from '#cli/log/open-log.js';
import { SteleError, UnreachableError } from '#src/errors.js';
import { FormatError, ProofError } from '#tiles-spec/index.js';

describe('an error that gets the place of its log', () => {
  it.each([
    new UnreachableError('there is no checkpoint', { code: 'no-log', path: 'checkpoint' }),
    new FormatError('checkpoint: it is damaged', { path: 'checkpoint' }),
    new ProofError('checkpoint: no signature', { path: 'checkpoint' }),
  ])('keeps its kind, its code and its path: $name', async (thrown) => {
    const failing = () => Promise.reject(thrown);
    const error = await sayingWhere('https://log.example', failing).catch((given: unknown) => given);
    if (!(error instanceof SteleError)) throw error;
    expect(error.message).toMatch(/^https:\/\/log\.example/);
    const { name, code, path } = thrown;
    expect(error).toMatchObject({ name, code, path });
  });
});
