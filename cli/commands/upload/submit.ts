/**
 * Submitting an entry to a log over HTTP.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { InvalidEntryError, UnreachableError } from '../../../src/errors.js';
import { connectionReason, gateReason } from '../../../src/node/connection-error.js';
import { openDispatcher, type Network } from '../../../src/node/network.js';

/** The longest answer that is read, in bytes: an entry is at most 64 KiB, and is in it as base64. */
const MAX_ANSWER = 1 << 20;

/** The longest pause that a log may ask for, in milliseconds. */
const LONGEST_PAUSE = 30_000;

/** The longest that a connection may take to be made, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

const FIRST_PAUSE = 500;

export interface SubmitOptions {
  /** For each try, in milliseconds. */
  readonly timeout: number;
  /** Further tries where the log is busy or cannot be reached: a repeat joins the entry if it was logged. */
  readonly retries: number;
  readonly network: Network;
  /** Sent to the log, where it is behind a gate. */
  readonly token?: string | undefined;
}

/**
 * Posts a request to `/api/v2/log/entries`.
 * @param url the log's, without a slash at the end.
 * @returns the answer to an entry that is logged, not verified.
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
    for (let retry = 0; ; retry++) {
      const { answer, error, pause } = await submitOnce(target, body, timeout, dispatcher, token);
      if (answer !== undefined) return answer;
      if (retry >= retries) throw error;
      await sleep(Math.min(Math.max(pause, FIRST_PAUSE * 2 ** retry), LONGEST_PAUSE));
    }
  } finally {
    await dispatcher.destroy();
  }
}

type Try =
  | { readonly answer: Uint8Array; readonly error?: undefined; readonly pause?: undefined }
  | { readonly answer?: undefined; readonly error: UnreachableError; readonly pause: number };

async function submitOnce(
  { href: url, origin, pathname: path }: URL,
  body: Uint8Array,
  timeout: number,
  dispatcher: Dispatcher,
  token: string | undefined,
): Promise<Try> {
  let status: number;
  let answer: Uint8Array;
  let retryAfter: unknown;
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
    retryAfter = response.headers['retry-after'];
    answer = await response.body.bytes();
  } catch (error) {
    const failure = signal.aborted
      ? new UnreachableError(`${url}: no whole answer within ${timeout / 1000} s`, 'timeout')
      : new UnreachableError(`${url}: ${connectionReason(error, url)}`, 'unreachable', { cause: error });
    return { error: failure, pause: 0 };
  }
  if (status === 200 || status === 201) return { answer };
  const message = `${url}: the log answers ${status}: ${reasonIn(answer, token)}`;
  if (status === 408 || status === 429 || status >= 500) {
    const pause = /^[0-9]{1,3}$/.test(String(retryAfter)) ? Number(retryAfter) * 1000 : 0;
    return { error: new UnreachableError(message, 'busy'), pause };
  }
  if (status === 400 || status === 413 || status === 415 || status === 422)
    throw new InvalidEntryError(message);
  if (status === 401) throw new UnreachableError(`${message}: ${gateReason(token !== undefined)}`, 'refused');
  const isReader = status === 404 || status === 405;
  throw new UnreachableError(isReader ? `${message}: it takes no entries` : message, 'refused');
}

/** The message of a problem as logs describe it, or the beginning of whatever else was answered; without the token. */
function reasonIn(answer: Uint8Array, token: string | undefined): string {
  // A gate may repeat what it was sent. Cut or quoted first, the text would keep a part of the token, or its escaped form.
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
