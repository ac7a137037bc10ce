/**
 * How a command reaches others: the proxies of the environment, the certificates that it believes, and the token that a
 * gate before the log wants.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { Network } from '../../src/node/network.js';
import { environmentName, type Settings, type Values } from './setting.js';

const GROUP = 'The network (and HTTPS_PROXY, HTTP_PROXY and NO_PROXY)';

export const NETWORK_SETTINGS = {
  'ca-cert': {
    value: 'FILE',
    description: "certificates of authorities to trust besides the system's, PEM or DER",
    file: true,
    group: GROUP,
  },
} as const satisfies Settings;

export const TOKEN_SETTINGS = {
  token: {
    value: 'TOKEN',
    description: "for a log behind a gate: sent as Authorization: Bearer, to the log's URL alone",
    secret: true,
    group: GROUP,
  },
} as const satisfies Settings;

/**
 * How a connection is made. The proxies' URLs are parsed only when a connection is made.
 * @throws ConfigurationError when the certificates cannot be read.
 */
export async function networkOf(
  values: Values<typeof NETWORK_SETTINGS>,
  environment: NodeJS.ProcessEnv,
): Promise<Network> {
  return {
    httpProxy: variable(environment, 'HTTP_PROXY'),
    httpsProxy: variable(environment, 'HTTPS_PROXY'),
    noProxy: variable(environment, 'NO_PROXY'),
    authorities: await authoritiesIn(values['ca-cert']),
  };
}

const MAX_TOKEN_LENGTH = 8192;

/** The token, if there is one. @throws ConfigurationError, which does not quote it. */
export function tokenOf({ token }: Values<typeof TOKEN_SETTINGS>): string | undefined {
  if (token === undefined) return undefined;
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= MAX_TOKEN_LENGTH) return token;
  throw new ConfigurationError(`${environmentName('token')} ${tokenFault(token)}`);
}

function tokenFault(token: string): string {
  if (token === '') return 'is empty: unset it, or give the token';
  if (/^bearer\s/i.test(token)) return 'is the token alone, without "Bearer" before it';
  return token.length > MAX_TOKEN_LENGTH
    ? `is no token: it is over ${MAX_TOKEN_LENGTH} characters`
    : 'is no token: it has spaces, or characters other than those of ASCII';
}

async function authoritiesIn(file: string | undefined): Promise<string[] | undefined> {
  if (file === undefined) return undefined;
  const { readCertificates } = await import('./certificate-file.js');
  return readCertificates('--ca-cert', file);
}

/** A variable by its name in lower case or, where that is absent, in capitals, as curl reads it. An empty one counts as absent. */
function variable(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  return [environment[name.toLowerCase()], environment[name]].find(
    (text) => text !== undefined && text !== '',
  );
}
