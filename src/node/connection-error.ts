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
  if (!isTls && code.startsWith('HPE_')) return `its answer is no HTTP: ${IS_TLS}`;
  if (!isTls && code === 'UND_ERR_SOCKET') return `${message}: ${IS_TLS}`;
  return message;
}

/**
 * Why the answer is 401. A log itself asks for no token: a gate before it does.
 * @param hasToken whether the request had one.
 */
export function gateReason(hasToken: boolean): string {
  return hasToken
    ? 'the gate before the log refuses the token in STELE_TOKEN'
    : 'a gate before the log wants its token (STELE_TOKEN)';
}

/** Why a proxy does not connect to the server. */
function proxyReason(status: string): string {
  return status === '407'
    ? 'the proxy answers 407: it wants a name and a password, http://NAME:PASSWORD@HOST:PORT in HTTPS_PROXY or HTTP_PROXY'
    : `the proxy answers ${status}, and lets nothing through to this server`;
}
