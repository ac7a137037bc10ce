/**
 * How a process reaches servers over HTTP: by which proxies, and believing which authorities. All its requests go the
 * same way, whatever they are for.
 * @module
 */
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { ConfigurationError, messageOf } from '../errors.js';
import { connectionReason } from './connection-error.js';

/** What a company's network demands. Without any, requests go straight to the internet. */
export interface Network {
  /**
   * The proxy for `http://`, and for `https://` where that has none: an http or https URL, which may hold a name and a
   * password, or `HOST:PORT`.
   */
  readonly httpProxy?: string | undefined;
  /** The proxy for `https://`. */
  readonly httpsProxy?: string | undefined;
  /**
   * Hosts reached without a proxy, as in NO_PROXY: `*`, or names with commas between, which include their subdomains.
   */
  readonly noProxy?: string | undefined;
  /** Certificates of authorities to believe, in PEM, beside those that Node believes. */
  readonly authorities?: readonly string[] | undefined;
}

/** Limits on connections and answers. */
export interface ConnectionLimits {
  /** Connections to one server at a time; further requests wait. */
  readonly connections: number;
  /** Milliseconds to make a connection, by a proxy too. */
  readonly connectTimeout: number;
  /** Bytes of an answer's body. Default: none, for a caller that has a bound of its own. */
  readonly maxBody?: number;
}

/** The most bytes of an answer's headers. */
const MAX_HEADERS = 16_384;

type Connect = buildConnector.connector;

/**
 * Opens a dispatcher of undici, which sends requests. It need not be closed: idle connections do not keep the process
 * alive.
 * @throws ConfigurationError when a proxy is not an http or https URL, or a certificate cannot be read.
 */
export async function openDispatcher(
  network: Network,
  { connections, connectTimeout, maxBody }: ConnectionLimits,
): Promise<Dispatcher> {
  // Loaded with the first request: a log in a folder sends none.
  const { EnvHttpProxyAgent, Pool } = await import('undici');
  // An empty string, not undefined, where there is no proxy: for undefined the agent looks into the environment.
  const httpProxy = proxyUrl(network.httpProxy, 'HTTP_PROXY');
  const httpsProxy = proxyUrl(network.httpsProxy, 'HTTPS_PROXY');
  const { noProxy = '', authorities = [] } = network;
  const proxies = [httpProxy, httpsProxy].filter((url) => url !== '').map((url) => new URL(url).host);
  const secureContext = authorities.length === 0 ? undefined : believing(authorities);
  const connect = { timeout: connectTimeout, ...(secureContext && { secureContext }) };
  const bounds = {
    connections,
    maxHeaderSize: MAX_HEADERS,
    ...(maxBody === undefined ? {} : { maxResponseSize: maxBody }),
  };
  return new EnvHttpProxyAgent({
    ...bounds,
    ...{ httpProxy, httpsProxy, noProxy },
    ...{ connect, requestTls: connect, proxyTls: connect },
    // Send http:// requests to the proxy as they are: most proxies make tunnels to port 443 alone.
    proxyTunnel: false,
    factory: (origin, options) => {
      const { host } = new URL(origin);
      const own = options as { readonly connect: Connect };
      // Where nothing goes by a proxy, these are options. Else this is a plain request's connection to the proxy, or a
      // tunnel to the server.
      if (typeof own.connect !== 'function') return new Pool(origin, { ...bounds, ...own });
      const connect = proxies.includes(host) ? naming(host, own.connect) : ending(own.connect);
      return new Pool(origin, { ...bounds, ...own, connect });
    },
    // The client that asks a proxy for tunnels: the agent itself sets it no time limit.
    clientFactory: (proxy, options) => {
      const { connect: toProxy } = options as { readonly connect: Connect };
      return new Pool(proxy, {
        ...bounds,
        connect: naming(proxy.host, toProxy),
        headersTimeout: connectTimeout,
      });
    },
  });
}

/**
 * The URL of a proxy; empty where there is none.
 * @param variable in which users give it, for the error.
 */
function proxyUrl(text: string | undefined, variable: string): string {
  if (text === undefined) return '';
  const href = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  // The message does not quote the text, which may hold a password.
  throw new ConfigurationError(
    `${variable} is not the URL of an HTTP proxy, such as http://proxy.example.com:3128`,
  );
}

/** Makes a connection to a proxy, and names the proxy where that fails: the user knows the server's name alone. */
function naming(proxy: string, connect: Connect): Connect {
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error === null) callback(null, socket);
      else callback(new Error(`the proxy ${proxy}: ${connectionReason(error, `https://${proxy}`)}`), null);
    });
  };
}

/**
 * A tunnel that fails for good when its proxy closes the connection. undici would take that for a closed connection to
 * the server, and ask the proxy again without a pause and without an end.
 */
function ending(connect: Connect): Connect {
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error === null) callback(null, socket);
      else if ('code' in error && error.code === 'UND_ERR_SOCKET')
        callback(new Error(`the proxy has closed the connection: ${error.message}`), null);
      else callback(error, null);
    });
  };
}

function believing(authorities: readonly string[]): tls.SecureContext {
  try {
    return tls.createSecureContext({ ca: [...believedByNode(), ...authorities] });
  } catch (error) {
    throw new ConfigurationError(`a certificate to believe cannot be read: ${messageOf(error)}`);
  }
}

/** The certificates that Node believes. TLS takes the given ones in their stead, so that both must be given. */
function believedByNode(): readonly string[] {
  // From Node 22.15 on. Includes those of NODE_EXTRA_CA_CERTS and, with a flag of Node's, the system's.
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'default') => string[] };
  if (getCACertificates !== undefined) return getCACertificates('default');
  const extra = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  return extra === '' ? tls.rootCertificates : [...tls.rootCertificates, readFileSync(extra, 'utf8')];
}
