/**
 * Submitting an entry to a log over HTTP.
 * @module
 */
import type { Dispatcher } from 'undici';
import { InvalidEntryError, UnreachableError } from '../../../src/errors.js';
import { connectionReason, gateReason } from '../../../src/node/connection-error.js';
import { openDispatcher, type Network } from '../../../src/node/network.js';
import { askedPause, isPassingStatus, retry, type Pauses } from '../../../src/retry.js';

/** The longest answer that is read, in bytes. It holds the entry, of 64 KiB at most, as base64. */
const MAX_ANSWER = 1 << 20;

const PAUSES: Pauses = { first: 500, longest: 30_000 };

/** The longest time in which a connection must be made, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

export interface SubmitOptions {
  /** For each try, in milliseconds. */
  readonly timeout: number;
  /** Further tries where the log is busy or cannot be reached. They log nothing twice: a repeat joins the first. */
  readonly retries: number;
  readonly network: Network;
  /** The bearer token that a gate before the log demands. */
  readonly token?: string | undefined;
}

/**
 * Posts a request to `/api/v2/log/entries`, again with pauses from 500 ms to 30 s.
 * @param url the log's, without a slash at the end.
 * @returns the log's answer, which is not verified: at most 1 MiB.
 * @throws InvalidEntryError when the log refuses the request; UnreachableError.
 */
export async function submit(
  url: string,
  body: Uint8Array,
  { timeout, retries, network, token }: SubmitOptions,
): Promise<Uint8Array> {
  const connectTimeout = Math.min(timeout, CONNECT_TIMEOUT);
  const dispatcher = await openDispatcher(network, { connections: 1, connectTimeout, maxBody: MAX_ANSWER });
  const target = new URL(`${url}/api/v2/log/entries`);
  try {
    const post = () => submitOnce(target, body, timeout, dispatcher, token);
    return await retry(post, { retries, pauses: PAUSES });
  } finally {
    await dispatcher.destroy();
  }
}

async function submitOnce(
  { href: url, origin, pathname: path }: URL,
  body: Uint8Array,
  timeout: number,
  dispatcher: Dispatcher,
  token: string | undefined,
): Promise<Uint8Array> {
  let status: number;
  let answer: Uint8Array;
  let pause: number;
  const signal = AbortSignal.timeout(timeout);
  try {
    const response = await dispatcher.request({
      origin,
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body,
      signal,
    });
    status = response.statusCode;
    pause = askedPause(String(response.headers['retry-after']));
    answer = await response.body.bytes();
  } catch (error) {
    throw signal.aborted
      ? new UnreachableError(`${url}: no whole answer within ${timeout / 1000} s`, { code: 'timeout' })
      : new UnreachableError(`${url}: ${connectionReason(error, url)}`, {
          code: 'unreachable',
          cause: error,
        });
  }
  if (status === 200 || status === 201) return answer;
  const message = `${url}: the log answers ${status}: ${reasonIn(answer, token)}`;
  if (isPassingStatus(status)) throw new UnreachableError(message, { code: 'busy', pause });
  if (status === 400 || status === 413 || status === 415 || status === 422)
    throw new InvalidEntryError(message);
  const isReader = status === 404 || status === 405;
  const hint = isReader ? 'it takes no entries' : gateReason(status, token !== undefined);
  throw new UnreachableError(hint === undefined ? message : `${message}: ${hint}`, { code: 'refused' });
}

/** The message of a log's problem, or the beginning of any other answer; without the token. */
function reasonIn(answer: Uint8Array, token: string | undefined): string {
  // A gate may repeat the token that it was sent. Redact before cutting and quoting, which would leave a part of the token
  // or its escaped form.
  const redact = (shown: string) => (token === undefined ? shown : shown.replaceAll(token, 'the token'));
  const text = Buffer.from(answer).toString('utf8');
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return redact(message).slice(0, 1000);
  } catch {
    // Not JSON: a proxy's page.
  }
  return JSON.stringify(redact(text).slice(0, 200));
}
