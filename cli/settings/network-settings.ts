/**
 * How a command reaches others: the proxies of the environment, the certificates that it believes, and the token that a
 * gate before the log wants.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { ConfigurationError, messageOf } from '../../src/errors.js';
import type { Network } from '../../src/node/network.js';
import { isPem, parsePem } from '../../src/keys/pem.js';
import { environmentName, type Settings, type Values } from './setting.js';
import { readInput } from '../files.js';

const group = 'The network (and HTTPS_PROXY, HTTP_PROXY and NO_PROXY)';

export const NETWORK_SETTINGS = {
  'ca-cert': {
    value: 'FILE',
    description: "certificates of authorities to believe beside the system's, PEM or DER",
    file: true,
    group,
  },
} as const satisfies Settings;

export const TOKEN_SETTINGS = {
  token: {
    value: 'TOKEN',
    description: "what a gate before the log wants: sent as Authorization: Bearer, to the log's URL alone",
    secret: true,
    group,
  },
} as const satisfies Settings;

/** Whether a proxy is one is found out when it is needed. @throws ConfigurationError when the certificates cannot be read. */
export async function networkOf(
  values: Values<typeof NETWORK_SETTINGS>,
  environment: NodeJS.ProcessEnv,
): Promise<Network> {
  const file = values['ca-cert'];
  return {
    httpProxy: variable(environment, 'HTTP_PROXY'),
    httpsProxy: variable(environment, 'HTTPS_PROXY'),
    noProxy: variable(environment, 'NO_PROXY'),
    authorities: file === undefined ? undefined : certificatesIn(await readInput('--ca-cert', file), file),
  };
}

/** @throws ConfigurationError, which does not quote it. */
export function tokenOf({ token }: Values<typeof TOKEN_SETTINGS>): string | undefined {
  if (token === undefined) return undefined;
  if (/^[\x21-\x7e]{1,8192}$/.test(token)) return token;
  throw new ConfigurationError(
    `${environmentName('token')} is no token: it has characters that a header cannot have, or is empty or too long`,
  );
}

/** A variable that may be in lower case, which then wins, as for other programs; an empty one is none. */
function variable(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  return [environment[name.toLowerCase()], environment[name]].find(
    (text) => text !== undefined && text !== '',
  );
}

/** The certificates in a file, as PEM. */
function certificatesIn(file: Uint8Array, name: string): string[] {
  try {
    const ders = isPem(file)
      ? parsePem(Buffer.from(file).toString('latin1'), name).filter(({ label }) => label === 'CERTIFICATE')
      : [{ der: file }];
    if (ders.length === 0) throw new Error('there is no CERTIFICATE in it');
    return ders.map(({ der }) => new X509Certificate(der).toString());
  } catch (error) {
    throw new ConfigurationError(
      `--ca-cert: ${name} holds no certificate that can be read: ${messageOf(error)}`,
    );
  }
}
