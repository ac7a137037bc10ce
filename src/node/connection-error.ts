/**
 * Why a request to a server failed, in words for the user who gave its URL. Node's own words for errors of TLS are
 * OpenSSL's, and say nothing to most users.
 * @module
 */
import { messageOf } from '../errors.js';

const UNKNOWN_AUTHORITY =
  "its certificate is not of an authority that this machine trusts: a private authority's is given with --ca-cert FILE, or NODE_EXTRA_CA_CERTS=FILE in the environment";

const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not good yet, or this machine's clock is wrong",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
};

/** OpenSSL's errors for an answer that is not TLS: it reads the first bytes as a version, or as a length. */
const NO_TLS = /wrong version number|packet length too long|unknown protocol|record layer failure/;

const IS_TLS = 'does it speak https://?';

/** The bytes with which an alert of TLS begins. So many servers of TLS answer a plain request. */
const TLS_ALERT = '\u0015\u0003';

/** The ports at which other servers of TLS close the connection, and say nothing. */
const TLS_PORTS: readonly string[] = ['443', '8443'];

/**
 * @param error that an HTTP client threw.
 * @param url of the request.
 */
export function connectionReason(error: unknown, url: string | URL): string {
  // For a name with several addresses Node throws an error without a message, which holds one for each address.
  const cause: unknown = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  const message = messageOf(cause);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const isTls = new URL(url).protocol === 'https:';
  const [, status] = /^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(message) ?? [];
  if (status !== undefined) return proxyReason(status);
  if (code === 'ECONNRESET') {
    // So Node words a connection that ends while TLS is being made.
    const isBeforeTls = message.includes('before secure TLS connection');
    return isBeforeTls
      ? 'it closed the connection before TLS was made'
      : 'it closed the connection (ECONNRESET)';
  }
  if (Object.hasOwn(WORDS, code)) return WORDS[code] ?? message;
  if (isTls && NO_TLS.test(message)) return 'it does not answer in TLS: does it speak http://?';
  const reason = undiciReason(cause, code);
  if (reason === undefined) return message;
  return !isTls && looksLikeTls(cause, url) ? `${reason}: ${IS_TLS}` : reason;
}

/** undici's errors in words; undefined for any other error. */
function undiciReason(error: unknown, code: string): string | undefined {
  if (error instanceof Error && error.name === 'HTTPParserError') return 'its answer is no HTTP';
  if (code !== 'UND_ERR_SOCKET') return undefined;
  const { remoteAddress = '', remotePort = '', bytesRead = 0 } = socketOf(error);
  // Named, since it may be a proxy: the user knows the server's name alone.
  const who = remoteAddress === '' ? 'it' : `${remoteAddress}:${remotePort}`;
  return `${who} closed the connection ${bytesRead === 0 ? 'without an answer' : 'before its answer ended'}`;
}

/** Whether a server of TLS has likely refused a request without TLS. */
function looksLikeTls(error: unknown, url: string | URL): boolean {
  const { data } = error as { readonly data?: unknown };
  if (typeof data === 'string') return data.startsWith(TLS_ALERT);
  return TLS_PORTS.includes(new URL(url).port) && (socketOf(error).bytesRead ?? 0) === 0;
}

/** What undici tells of the socket of an error. */
interface SocketInfo {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly bytesRead?: number;
}

function socketOf(error: unknown): SocketInfo {
  return (error as { readonly socket?: SocketInfo | null }).socket ?? {};
}

/**
 * Why a gate before the log answers so. A log itself asks for no token.
 * @param hasToken whether the request had one.
 * @returns undefined where the status says nothing of a token. Without one, a bucket may answer 403 for other reasons.
 */
export function gateReason(status: number, hasToken: boolean): string | undefined {
  if (hasToken && (status === 401 || status === 403))
    return 'the gate before the log refuses the token in STELE_TOKEN';
  return status === 401 ? 'a gate before the log wants its token (STELE_TOKEN)' : undefined;
}

/** Why a proxy does not connect to the server. */
function proxyReason(status: string): string {
  return status === '407'
    ? 'the proxy answers 407: it wants a name and a password, http://NAME:PASSWORD@HOST:PORT in HTTPS_PROXY or HTTP_PROXY'
    : `the proxy answers ${status}, and lets nothing through to this server`;
}
