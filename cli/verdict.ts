/**
 * The error of a command that has a result, and whose result is that something is wrong.
 * @module
 */
import { SteleError } from '../src/errors.js';

/** Ends a command with exit code 1. In JSON its result is printed with the error in it: `{…result, "error": {…}}`. */
export class VerdictError extends SteleError {
  override name = 'VerdictError';
  readonly code = 'proof';

  constructor(
    message: string,
    readonly result: object,
  ) {
    super(message);
  }
}
