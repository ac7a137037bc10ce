/**
 * `stele trust`: the trust files of logs, pinned for the commands after it or written for Sigstore's clients.
 * @module
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { logUrl } from '../reader/http-source.js';
import { isRemote, isUrl } from '../reader/node/open-log.js';
import { ConfigurationError } from '../src/errors.js';
import { reasonOf } from '../src/node/system-error.js';
import {
  formatClientTrustConfig,
  formatSigningConfig,
  formatTrustedRoot,
  type Authorities,
  publicLogOf,
} from '../src/sigstore/trust/trust-files.js';
import {
  authoritiesIn,
  parseTrustedRoot,
  type KnownLog,
  type VerbatimAuthorities,
} from '../src/sigstore/trust/trusted-root.js';
import { trustedRootIn } from '../src/sigstore/trust/trust-sources.js';
import { encodeBase64 } from '../tiles-spec/index.js';
import type { Invocation } from './command.js';
import { parseSetting, SettingError } from './configuration.js';
import { makeFolder, readInput, requireWritable, writeOutput } from './files.js';
import { tokenOf } from './network-settings.js';
import { normalUrl, pin, readPins } from './pins.js';
import { fetchLog, stalenessOf, TRUSTED_ROOT } from './served-log.js';
import type { TRUST_SETTINGS } from './settings.js';
import { plain } from './terminal.js';
import { parseBaseUrl } from './units.js';

type TrustInvocation = Invocation<typeof TRUST_SETTINGS>;

const SIGNING_CONFIG = 'signing_config.json';
const CLIENT_TRUST_CONFIG = 'client_trust_config.json';

export async function trust(invocation: TrustInvocation): Promise<number> {
  if (invocation.values.pin) return pinLog(invocation);
  return writeTrustFiles(invocation);
}

/** Fetches a log's trust file, and keeps it. What it holds is believed from then on. */
async function pinLog(invocation: TrustInvocation): Promise<number> {
  const { values, args, environment, terminal } = invocation;
  const [place, ...others] = args;
  if (place === undefined || others.length > 0 || !isRemote(place)) {
    throw new ConfigurationError(
      '--pin takes one URL, with http://, https:// or s3://: stele trust --pin https://log.example.com',
    );
  }
  const given = (['fulcio', 'ctlog', 'tsa'] as const).find((name) => values[name].length > 0);
  if (given !== undefined) throw new ConfigurationError(`--pin pins a log alone: --${given} has no place`);
  const url = normalUrl(place);
  const log = await fetchLog(url, invocation);
  const file = await pin(environment, url, log);
  if (values.format === 'json') {
    terminal.json({ url, origin: log.origin, vkey: log.vkey, logId: encodeBase64(log.logId), file });
    return 0;
  }
  terminal.out(`Pinned:   ${url}`);
  terminal.out(`Origin:   ${log.origin}`);
  terminal.out(`Key:      ${terminal.bold(log.vkey)}`);
  terminal.out(`Log id:   ${encodeBase64(log.logId)}`);
  terminal.out(`Since:    ${new Date(log.validFor.start ?? 0).toISOString()}`);
  terminal.out(`Kept in:  ${file}`);
  if (values.vkey === undefined) {
    terminal.out(
      terminal.dim(
        'This key came from the log itself, this once: compare it with what the operator publishes.',
      ),
    );
  }
  return 0;
}

async function writeTrustFiles(invocation: TrustInvocation): Promise<number> {
  const { values, args, terminal } = invocation;
  if (args.length === 0) throw new ConfigurationError('LOG is missing: stele trust LOG... [options]');
  requireOneServer(args, values);
  const places = await Promise.all(args.map((place) => trustedAt(place, invocation)));
  // A log may be in several of them.
  const known = places.flatMap(({ logs }) => logs);
  const logs = [...new Map(known.map((log) => [encodeBase64(log.logId), log])).values()].map(publicLogOf);
  const verbatim = {
    certificateAuthorities: places.flatMap(({ authorities }) => authorities?.certificateAuthorities ?? []),
    ctlogs: places.flatMap(({ authorities }) => authorities?.ctlogs ?? []),
    timestampAuthorities: places.flatMap(({ authorities }) => authorities?.timestampAuthorities ?? []),
  };
  const since = Math.min(...logs.map(({ created }) => created));
  const authorities = { ...(await readAuthorities(values, since)), verbatim };
  const oidcUrls =
    values['oidc-url'] === undefined ? [] : [parseSetting('oidc-url', values['oidc-url'], parseBaseUrl)];
  const trustedRoot = formatTrustedRoot(logs, authorities);
  const writable = logs.filter(({ frozen }) => frozen === undefined);
  const signingConfig = formatSigningConfig(writable, authorities, oidcUrls);
  const files = {
    [TRUSTED_ROOT]: trustedRoot,
    [SIGNING_CONFIG]: signingConfig,
    [CLIENT_TRUST_CONFIG]: formatClientTrustConfig(trustedRoot, signingConfig),
  };
  const output = join(values.output, TRUSTED_ROOT);
  if (places.some(({ file }) => file !== undefined && resolve(file) === resolve(output)))
    throw new SettingError('--output', `${output} is what is read: give another folder`);
  await makeFolder('--output', values.output);
  for (const name of Object.keys(files)) await requireWritable('--output', join(values.output, name));
  for (const [name, text] of Object.entries(files))
    await writeOutput('--output', join(values.output, name), text);
  if (values.format === 'json') {
    terminal.json({
      files: Object.keys(files).map((name) => join(values.output, name)),
      logs: logs.map(({ url }) => url),
    });
  } else {
    for (const name of Object.keys(files)) terminal.out(`Wrote ${join(values.output, name)}`);
    for (const { url, logId } of logs) terminal.out(`  log ${url} (${encodeBase64(logId)})`);
  }
  return 0;
}

/** Demands that a token is shown to one server alone. @throws ConfigurationError */
function requireOneServer(places: readonly string[], values: TrustInvocation['values']): void {
  if (tokenOf(values) === undefined) return;
  const servers = new Set(places.filter(isUrl).map((place) => logUrl(place).origin));
  if (servers.size > 1) {
    throw new ConfigurationError('STELE_TOKEN is for one log: unset it, or write the trust files log by log');
  }
}

/** What a place stands for: logs and, of a trust file, the authorities beside them. */
interface TrustedPlace {
  readonly logs: readonly KnownLog[];
  readonly authorities?: VerbatimAuthorities;
  readonly file?: string;
}

/** @param place a trust file; a folder with one in it; or a URL, if it is pinned or its key is given. */
async function trustedAt(place: string, invocation: TrustInvocation): Promise<TrustedPlace> {
  const { values, environment, terminal } = invocation;
  if (isRemote(place)) {
    const url = normalUrl(place);
    if (values.vkey !== undefined) return { logs: [await fetchLog(url, invocation)] };
    const pinned = (await readPins(environment)).find((pin) => pin.url === url);
    if (pinned === undefined)
      throw new ConfigurationError(`${url} is not pinned: give --vkey, or stele trust --pin ${url}`);
    const staleness = await stalenessOf(pinned, invocation);
    if (staleness !== undefined) terminal.err(`stele: ${plain(staleness)}`);
    return { logs: [pinned.log] };
  }
  const found = [place, join(place, TRUSTED_ROOT), join(place, 'store', TRUSTED_ROOT)];
  for (const file of found) {
    if (!existsSync(file) || !(await stat(file)).isFile()) continue;
    try {
      const bytes = trustedRootIn(await readInput('LOG', file));
      return { logs: parseTrustedRoot(bytes), authorities: authoritiesIn(bytes), file };
    } catch (error) {
      throw new ConfigurationError(`${file}: ${reasonOf(error)}`);
    }
  }
  throw new ConfigurationError(`${place} is neither a ${TRUSTED_ROOT} nor a log's folder with one in it`);
}

/** @param since when the logs of certificates are good from, Unix milliseconds: their files do not say it. */
async function readAuthorities(values: TrustInvocation['values'], since: number): Promise<Authorities> {
  // Its X.509 takes long to load, and a pin has no certificates.
  const { certificateLog, certifiedAuthority } = await import('../src/sigstore/trust/node/authorities.js');
  const url = (name: 'fulcio-url' | 'ctlog-url' | 'tsa-url') =>
    values[name] === undefined ? '' : parseSetting(name, values[name], parseBaseUrl);
  const chains = (name: 'fulcio' | 'tsa') =>
    Promise.all(
      values[name].map(async (file) =>
        certifiedAuthority(url(`${name}-url`), await readPem(name, file), file),
      ),
    );
  for (const name of ['fulcio', 'ctlog', 'tsa'] as const) {
    if (values[`${name}-url`] !== undefined && values[name].length === 0)
      throw new ConfigurationError(
        `--${name}-url needs --${name}: the file that its answers are verified with`,
      );
  }
  return {
    certificateAuthorities: await chains('fulcio'),
    certificateLogs: await Promise.all(
      values.ctlog.map(async (file) =>
        certificateLog(url('ctlog-url'), await readInput('--ctlog', file), since, file),
      ),
    ),
    timestampAuthorities: await chains('tsa'),
  };
}

async function readPem(setting: string, file: string): Promise<string> {
  return Buffer.from(await readInput(`--${setting}`, file)).toString('latin1');
}
