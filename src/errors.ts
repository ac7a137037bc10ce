/**
 * The errors of the log beside those of its formats. Each says what is wrong, where, and what can be done.
 * @module
 */

/** What an error, or whatever else was thrown, says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A request that cannot become an entry. The submitter must change it; the log is unchanged. */
export class InvalidEntryError extends Error {
  override name = 'InvalidEntryError';
}

/** A store that holds what it should not, or lost what it should hold. Nothing goes on until someone looks. */
export class DamagedStoreError extends Error {
  override name = 'DamagedStoreError';
}

/** A folder of the log's that is a file, or the reverse. */
export class WrongFileTypeError extends DamagedStoreError {
  override name = 'WrongFileTypeError';
}

/** A configuration, key file or folder that cannot be used as it is. The message says what to change. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
}

/** What is in the store and what is in staging do not fit: the writer does not start, and says what an operator can do. */
export class StartRefusedError extends Error {
  override name = 'StartRefusedError';
}

/** Another writer's batch was chosen for the size at which ours would have gone. Ours was shown to nobody. */
export class ClaimLostError extends Error {
  override name = 'ClaimLostError';
}

/** The log cannot take or confirm an entry now; trying again is right, and joins the entry if it was logged. */
export class UnavailableError extends Error {
  override name = 'UnavailableError';
}

/**
 * A log, or a file of it, that cannot be reached: the network, the server, or a place where no log is. Trying later
 * may help. `code`: `unreachable` (no connection), `timeout`, `interrupted` (the answer broke off), `busy` (the server
 * asks for patience, or failed), `refused` (it will not answer this), `no-log` (no checkpoint is at that place).
 */
export class UnreachableError extends Error {
  override name = 'UnreachableError';

  constructor(
    message: string,
    readonly code: 'unreachable' | 'timeout' | 'interrupted' | 'busy' | 'refused' | 'no-log',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
