/**
 * Sigstore's other services, which trust files name beside logs.
 * @module
 */
import { ConfigurationError } from '../../../src/errors.js';
import type { Authorities } from '../../../src/sigstore/trust/trust-files.js';
import { readInput } from '../../files.js';
import { parseSetting, type Settings, type Values } from '../../settings/setting.js';
import { parseBaseUrl } from '../../settings/units.js';

const GROUP = "Sigstore's other services";

export const SERVICE_SETTINGS = {
  fulcio: {
    value: 'FILE',
    description: "a certificate authority's chain, PEM",
    many: true,
    file: true,
    group: GROUP,
  },
  'fulcio-url': {
    value: 'URL',
    description: 'where to ask for certificates: without it the files serve for verifying alone',
    group: GROUP,
  },
  ctlog: {
    value: 'FILE',
    description: "a certificate transparency log's public key, PEM or DER",
    many: true,
    file: true,
    group: GROUP,
  },
  'ctlog-url': { value: 'URL', description: 'where that log is', group: GROUP },
  tsa: {
    value: 'FILE',
    description: "a time stamp authority's chain, PEM",
    many: true,
    file: true,
    group: GROUP,
  },
  'tsa-url': {
    value: 'URL',
    description: 'where to ask for time stamps: without it the files serve for verifying alone',
    group: GROUP,
  },
  'oidc-url': { value: 'URL', description: 'where signers prove who they are', group: GROUP },
} as const satisfies Settings;

export type ServiceValues = Values<typeof SERVICE_SETTINGS>;

/** The services that have a setting for their files, and one for their URL that ends in `-url`. */
export const SERVICES_WITH_FILES = ['fulcio', 'ctlog', 'tsa'] as const;

/**
 * Reads the files of the services.
 * @param since from when certificate logs are trusted, Unix milliseconds: their files do not say.
 * @throws ConfigurationError
 */
export async function readAuthorities(values: ServiceValues, since: number): Promise<Authorities> {
  // X.509 takes long to load, and `stele trust --pin` has no use for it.
  const { certificateLog, certifiedAuthority } =
    await import('../../../src/sigstore/trust/node/authorities.js');
  for (const name of SERVICES_WITH_FILES) {
    if (values[`${name}-url`] !== undefined && values[name].length === 0)
      throw new ConfigurationError(
        `--${name}-url needs --${name}: the file that its answers are verified with`,
      );
  }
  const read = <T>(
    name: (typeof SERVICES_WITH_FILES)[number],
    parse: (url: string | undefined, bytes: Uint8Array, file: string) => T,
  ): Promise<T[]> => {
    const url = urlOf(name, values);
    return Promise.all(
      values[name].map(async (file) => {
        const bytes = await readInput(`--${name}`, file);
        return parseSetting(name, file, () => parse(url, bytes, file));
      }),
    );
  };
  const chain = (url: string | undefined, bytes: Uint8Array, file: string) =>
    certifiedAuthority(url, Buffer.from(bytes).toString('latin1'), file);
  return {
    certificateAuthorities: await read('fulcio', chain),
    certificateLogs: await read('ctlog', (url, bytes, file) => certificateLog(url, bytes, since, file)),
    timestampAuthorities: await read('tsa', chain),
  };
}

/** The URLs of identity providers. @throws ConfigurationError */
export function oidcUrlsOf({ 'oidc-url': url }: ServiceValues): string[] {
  return url === undefined ? [] : [parseSetting('oidc-url', url, parseBaseUrl)];
}

/** The URL of a service; undefined where its files serve for verifying alone. */
function urlOf(service: (typeof SERVICES_WITH_FILES)[number], values: ServiceValues): string | undefined {
  const name = `${service}-url` as const;
  const url = values[name];
  return url === undefined ? undefined : parseSetting(name, url, parseBaseUrl);
}
