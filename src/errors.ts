/**
 * The errors of the log beside those of its formats. Each message says what is wrong, where, and what can be done.
 * @module
 */
import { SteleError, type ErrorCode, type SteleErrorOptions } from '../tiles-spec/errors.js';

export { SteleError, type ErrorCode };

/** The message of an error, or of anything else that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown, as an Error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Whether JavaScript itself raised the error: a fault in the code, which no second try and no operator can help. */
export function isProgramFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

/** A request cannot become an entry. The submitter must change it; the log is unchanged. */
export class InvalidEntryError extends SteleError {
  override name = 'InvalidEntryError';
  readonly code = 'invalid-entry';
}

/** The store holds what it should not, or lost what it should hold. Nothing goes on until an operator looks at it. */
export class DamagedStoreError extends SteleError {
  override name = 'DamagedStoreError';
  readonly code: 'damaged-store' | 'wrong-file-type' = 'damaged-store';
}

/** A file is where the log has a folder, or a folder where the log has a file. */
export class WrongFileTypeError extends DamagedStoreError {
  override name = 'WrongFileTypeError';
  override readonly code = 'wrong-file-type';
}

/** A setting, key file or folder cannot be used as it is. The message says what to change. */
export class ConfigurationError extends SteleError {
  override name = 'ConfigurationError';
  readonly code = 'configuration';
}

/** The store and staging do not fit each other, or one of them cannot be used. The message says what an operator can do. */
export class StartRefusedError extends SteleError {
  override name = 'StartRefusedError';
  readonly code = 'start-refused';
}

/** Another writer's batch was chosen for the tree size at which ours would have gone. Ours was shown to nobody. */
export class ClaimLostError extends SteleError {
  override name = 'ClaimLostError';
  readonly code = 'claim-lost';
}

/** The log cannot take or confirm an entry now. Submit it again: if it was logged, the second request joins it. */
export class UnavailableError extends SteleError {
  override name = 'UnavailableError';
  readonly code = 'unavailable';
}

export interface UnreachableErrorOptions extends SteleErrorOptions {
  readonly code: UnreachableError['code'];
  /** The pause that the server asked for, in milliseconds. Default: 0. */
  readonly pause?: number | undefined;
}

/**
 * A log, or one of its files, cannot be reached. `code`: `unreachable` (no connection), `timeout`, `interrupted` (the
 * answer broke off), `busy` (the server failed, or asks for patience), `no-credentials` (a bucket is not asked, because
 * no credentials for it are found), `refused` (the server will not answer this request), `no-log` (there is no checkpoint
 * at that place). All but the last two may pass: a service that hands out credentials may be back soon.
 * @example
 * if (error instanceof UnreachableError && error.code === 'busy') await sleep(error.pause);
 */
export class UnreachableError extends SteleError {
  override name = 'UnreachableError';
  readonly code: 'unreachable' | 'timeout' | 'interrupted' | 'busy' | 'no-credentials' | 'refused' | 'no-log';
  /** The pause that the server asked for, in milliseconds; 0 where it asked for none. */
  readonly pause: number;

  constructor(message: string, { code, pause = 0, ...options }: UnreachableErrorOptions) {
    super(message, options);
    this.code = code;
    this.pause = pause;
  }
}
