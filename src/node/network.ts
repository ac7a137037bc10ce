/**
 * How servers are reached over HTTP: by which proxies, and whose certificates are believed. Each request of a process
 * goes by one such network, whatever it is for.
 * @module
 */
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { ConfigurationError, messageOf } from '../errors.js';
import { connectionReason } from './connection-error.js';

/** What a company's network demands. An empty one is the internet. */
export interface Network {
  /**
   * The proxy for `http://`, and for `https://` where that has none: an http or https URL, which may hold a name and a
   * password, or `HOST:PORT`.
   */
  readonly httpProxy?: string | undefined;
  /** The proxy for `https://`. */
  readonly httpsProxy?: string | undefined;
  /** The hosts that are reached without, as NO_PROXY has them: `*`, or names with their subdomains, commas between. */
  readonly noProxy?: string | undefined;
  /** Certificates of authorities that are believed beside those that Node believes, in PEM. */
  readonly authorities?: readonly string[] | undefined;
}

/** What connections may take. */
export interface ConnectionLimits {
  /** To one server at a time; further requests wait. */
  readonly connections: number;
  /** For each to be made, by a proxy too, in milliseconds. */
  readonly connectTimeout: number;
  /** Bytes of an answer's body. Default: what reads it has a bound of its own. */
  readonly maxBody?: number;
}

/** Bytes of an answer's headers. */
const MAX_HEADERS = 16_384;

type Connect = buildConnector.connector;

/**
 * Opens what sends requests by undici. Connections that are idle do not keep the process alive, so that nobody need close
 * it.
 * @throws ConfigurationError when a proxy is none, or a certificate cannot be read.
 */
export async function openDispatcher(
  network: Network,
  { connections, connectTimeout, maxBody }: ConnectionLimits,
): Promise<Dispatcher> {
  // Loaded with the first request: a log in a folder needs none.
  const { EnvHttpProxyAgent, Pool } = await import('undici');
  // Empty where there is none, and not undefined: the agent would look into the environment itself.
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
    // An http:// request is sent to a proxy as it is. Most make tunnels to port 443 alone.
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
    // What asks a proxy for tunnels. The agent gives it no time of its own.
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

/** A proxy as a URL, or nothing. @param variable where users give it. */
function proxyUrl(text: string | undefined, variable: string): string {
  if (text === undefined) return '';
  const href = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  // Not quoted: it may hold a password.
  throw new ConfigurationError(
    `${variable} is not the URL of an HTTP proxy, such as http://proxy.example.com:3128`,
  );
}

/** A connection to a proxy: that it fails is not the fault of the server that is asked for. */
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

/** The certificates that Node believes, which the given ones would otherwise replace. */
function believedByNode(): readonly string[] {
  // From Node 22.15 on: Node's own, those of its variables and, by a flag of Node's, the system's.
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'default') => string[] };
  if (getCACertificates !== undefined) return getCACertificates('default');
  const extra = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  return extra === '' ? tls.rootCertificates : [...tls.rootCertificates, readFileSync(extra, 'utf8')];
}
