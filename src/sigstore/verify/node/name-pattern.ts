/**
 * Patterns for the names in a certificate, for signers whose whole name is not known beforehand.
 * @module
 */
import { runInNewContext } from 'node:vm';
import { ProofError } from '../../../../tiles-spec/index.js';
import { ConfigurationError, messageOf } from '../../../errors.js';

/** A pattern that a whole name must match. `namePattern` makes it. */
export interface NamePattern {
  /** A regular expression of JavaScript, for its flag `u`, without anchors of its own needed. */
  readonly regexp: string;
}

/** The longest that one pattern may take over the names of one certificate, in milliseconds. */
const PATIENCE = 1000;

/**
 * Makes a pattern that must match a whole name. If it could match a part, `github\.com/acme` would let a certificate of
 * `https://evil.example/github.com/acme` pass.
 * @param regexp a regular expression of JavaScript, for its flag `u`.
 * @param name names it in errors.
 * @throws ConfigurationError when it is no regular expression.
 * @example namePattern('https://github\\.com/acme/.*', 'identity')
 */
export function namePattern(regexp: string, name: string): NamePattern {
  try {
    // Compiled without the anchors' brackets, which would hide an unmatched parenthesis: `a)|(b` is refused.
    new RegExp(regexp, 'u');
  } catch (error) {
    throw new ConfigurationError(
      `${name} is not a regular expression of JavaScript with flag u: ${messageOf(error)}`,
    );
  }
  return { regexp };
}

/**
 * The first of the texts that equals the wanted text, or that the pattern matches as a whole.
 *
 * Cost: an expression can take exponential time over a name that its author did not foresee. It is stopped after a
 * second.
 * @throws ProofError when it was stopped, or V8 cannot run it: V8 compiles some expressions that it cannot run.
 */
export function firstMatch(texts: readonly string[], wanted: string | NamePattern): string | undefined {
  if (typeof wanted === 'string') return texts.find((text) => text === wanted);
  const pattern = `^(?:${wanted.regexp})$`;
  try {
    // V8 limits the time of a run only in a context of its own.
    const found: unknown = runInNewContext(
      "texts.findIndex((text) => new RegExp(pattern, 'u').test(text))",
      { texts, pattern },
      { timeout: PATIENCE },
    );
    return texts[Number(found)];
  } catch (error) {
    const start = wanted.regexp.slice(0, 80);
    if (!isTimeout(error)) {
      // V8 quotes the whole pattern before it says why.
      const reason = thrownMessage(error).replace(`/${pattern}/u: `, '').slice(0, 200);
      throw new ProofError(`the pattern ${start} cannot be matched: ${reason}`);
    }
    throw new ProofError(
      `the pattern ${start} takes over a second for the certificate's names: a repetition inside a repetition, such as (a+)+, is to be written as one`,
    );
  }
}

function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

/** The message of an error from the other context, where it is no instance of our Error. */
function thrownMessage(error: unknown): string {
  return String((error as Error | undefined)?.message);
}

/** A name or a pattern, for messages. */
export function wantedText(wanted: string | NamePattern): string {
  return typeof wanted === 'string' ? wanted : `one that matches ${wanted.regexp}`;
}
