/**
 * Why a request to a bucket failed, in words for the user who gave its place, and whether trying again may help.
 * @module
 */
import { S3ServiceException, type _Error as S3Error } from '@aws-sdk/client-s3';
import { ConfigurationError, messageOf, UnreachableError } from '../errors.js';
import { isPassingStatus } from '../retry.js';

/** An answer that does not fit its request, or is not whole. */
export class AnswerError extends Error {
  readonly code: 'refused' | 'interrupted' | 'busy';

  constructor(message: string, { code, ...options }: ErrorOptions & Pick<AnswerError, 'code'>) {
    super(message, options);
    this.code = code;
  }
}

/** Whether S3 itself answers with this status: the error page of a proxy says nothing of an object. */
export function isS3Status(error: unknown, status: number): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;
}

/** Whether S3 answers with the error of this name. */
export function isS3Error(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** What the user can do about an answer, by the error's name. */
const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'make the bucket, or give its right name',
  PermanentRedirect: "give the bucket's region (--s3-region)",
  AuthorizationHeaderMalformed: "give the bucket's region (--s3-region)",
  InvalidAccessKeyId: 'give the right credentials',
  SignatureDoesNotMatch: 'give the right credentials',
  RequestTimeTooSkewed: "set this machine's clock right",
};

/** Two conditional writes met: S3 takes the same request later. */
const CONFLICT = 409;

/** Errors for a single key after which S3 takes its deletion later. */
const BUSY_NAMES = ['InternalError', 'SlowDown', 'ServiceUnavailable'];

/**
 * The error of a request that failed.
 * @param what names the bucket and the request.
 * @param error what the SDK threw, or an AnswerError.
 * @param timeout the milliseconds that the request had, where it was given up for that.
 */
export function requestFailure(
  what: string,
  error: unknown,
  timeout: number | undefined,
): ConfigurationError | UnreachableError {
  const options = { cause: error };
  if (timeout !== undefined)
    return new UnreachableError(`${what}: no whole answer within ${timeout / 1000} s`, {
      code: 'timeout',
      ...options,
    });
  const message = messageOf(error);
  if (error instanceof ConfigurationError) return new ConfigurationError(`${what}: ${message}`, options);
  if (error instanceof AnswerError)
    return new UnreachableError(`${what}: ${message}`, { code: error.code, ...options });
  const status = statusOf(error);
  if (status !== undefined) {
    const said = error instanceof S3ServiceException ? s3Words(error) : 'without an error of S3';
    const code = status === CONFLICT || isPassingStatus(status) ? 'busy' : 'refused';
    return new UnreachableError(`${what}: the server answers ${status} ${said}`, { code, ...options });
  }
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    return new UnreachableError(
      `${what}: there are no credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role), and a public bucket is read by its https:// address: ${message}`,
      { code: 'no-credentials', ...options },
    );
  }
  if (/^Region (?:is missing|not accepted)/.test(message))
    return new ConfigurationError(`${what}: give the region, by --s3-region or AWS_REGION`, options);
  // By default the bucket's name is part of the host name, and most servers other than AWS have no such host.
  const hint = message.includes('ENOTFOUND') ? ' (is --s3-path-style missing?)' : '';
  return new UnreachableError(`${what}: ${message}${hint}`, { code: 'unreachable', ...options });
}

/** The failure of a request to delete many objects, whose own status is 200. */
export function deleteFailure(errors: readonly S3Error[]): AnswerError {
  const [{ Key: key = '?', Code: code = '?', Message: message = '' } = {}] = errors;
  const others = errors.length > 1 ? ` and ${errors.length - 1} others` : '';
  return new AnswerError(`the server does not delete ${key}${others}: ${code}: ${message}`, {
    code: BUSY_NAMES.includes(code) ? 'busy' : 'refused',
  });
}

/** The status of an answer that is an error, also where the SDK cannot read its body. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as S3ServiceException['$metadata']).httpStatusCode;
}

function s3Words({ name, message }: S3ServiceException): string {
  const advice = ADVICE[name];
  return `${name}: ${advice === undefined ? message : `${message.replace(/\.$/, '')}: ${advice}`}`;
}
