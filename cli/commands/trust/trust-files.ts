/**
 * `stele trust` without `--pin`: writes trust files for Sigstore's clients.
 * @module
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { logUrl } from '../../../reader/http-source.js';
import { isRemote, isUrl } from '../../../reader/node/open-log.js';
import { ConfigurationError } from '../../../src/errors.js';
import { reasonOf } from '../../../src/node/system-error.js';
import {
  CLIENT_TRUST_CONFIG,
  formatClientTrustConfig,
  formatSigningConfig,
  formatTrustedRoot,
  publicLogOf,
  SIGNING_CONFIG,
  TRUSTED_ROOT,
} from '../../../src/sigstore/trust/trust-files.js';
import type { KnownLog, VerbatimAuthorities } from '../../../src/sigstore/trust/trusted-root.js';
import { trustedRootIn } from '../../../src/sigstore/trust/trust-sources.js';
import { encodeBase64 } from '../../../tiles-spec/index.js';
import { makeFolder, readInput, requireWritable, writeOutput } from '../../files.js';
import { normalUrl, readPins } from '../../log/pins.js';
import { tokenOf } from '../../settings/network-settings.js';
import { SettingError } from '../../settings/setting.js';
import { plain, type Terminal } from '../../terminal.js';
import { fetchLog, stalenessOf, type LogAccess } from './fetched-log.js';
import { oidcUrlsOf, readAuthorities, type ServiceValues } from './services.js';

interface TrustFilesInvocation extends LogAccess {
  readonly args: readonly string[];
  readonly values: LogAccess['values'] &
    ServiceValues & { readonly output: string | undefined; readonly format: string };
  readonly terminal: Terminal;
}

/** Writes the trust files of the logs that the arguments name. @throws ConfigurationError; what reading a log throws. */
export async function writeTrustFiles(invocation: TrustFilesInvocation): Promise<number> {
  const { values, args, terminal } = invocation;
  const { output: folder = '.' } = values;
  if (args.length === 0) throw new ConfigurationError('LOG is missing: stele trust LOG... [options]');
  requireOneServer(args, values);
  const places = await Promise.all(args.map((place) => trustedAt(place, invocation)));
  // Several places may name the same log.
  const known = places.flatMap(({ logs }) => logs);
  const logs = [...new Map(known.map((log) => [encodeBase64(log.logId), log])).values()].map(publicLogOf);
  const verbatim = {
    certificateAuthorities: places.flatMap(({ authorities }) => authorities?.certificateAuthorities ?? []),
    ctlogs: places.flatMap(({ authorities }) => authorities?.ctlogs ?? []),
    timestampAuthorities: places.flatMap(({ authorities }) => authorities?.timestampAuthorities ?? []),
  };
  const since = Math.min(...logs.map(({ created }) => created));
  const authorities = { ...(await readAuthorities(values, since)), verbatim };
  const trustedRoot = formatTrustedRoot(logs, authorities);
  const writable = logs.filter(({ frozen }) => frozen === undefined);
  const signingConfig = formatSigningConfig(writable, authorities, oidcUrlsOf(values));
  const files = {
    [TRUSTED_ROOT]: trustedRoot,
    [SIGNING_CONFIG]: signingConfig,
    [CLIENT_TRUST_CONFIG]: formatClientTrustConfig(trustedRoot, signingConfig),
  };
  const output = join(folder, TRUSTED_ROOT);
  if (places.some(({ file }) => file !== undefined && resolve(file) === resolve(output)))
    throw new SettingError('--output', `${output} is what is read: give another folder`);
  await makeFolder('--output', folder);
  for (const name of Object.keys(files)) await requireWritable('--output', join(folder, name));
  for (const [name, text] of Object.entries(files)) await writeOutput('--output', join(folder, name), text);
  if (values.format === 'json') {
    terminal.json({
      files: Object.keys(files).map((name) => join(folder, name)),
      logs: logs.map(({ url }) => url),
    });
  } else {
    for (const name of Object.keys(files)) terminal.out(`Wrote ${join(folder, name)}`);
    for (const { url, logId } of logs) terminal.out(`  log ${url} (${encodeBase64(logId)})`);
  }
  return 0;
}

/** Refuses places on several servers where there is a token, which is for one of them. @throws ConfigurationError */
function requireOneServer(places: readonly string[], values: TrustFilesInvocation['values']): void {
  if (tokenOf(values) === undefined) return;
  const servers = new Set(places.filter(isUrl).map((place) => logUrl(place).origin));
  if (servers.size > 1) {
    throw new ConfigurationError('STELE_TOKEN is for one log: unset it, or write the trust files log by log');
  }
}

/** The logs that a place names and, where it is a trust file, the authorities in it. */
interface TrustedPlace {
  readonly logs: readonly KnownLog[];
  readonly authorities?: VerbatimAuthorities;
  readonly file?: string;
}

/** @param place a trust file; a folder with one in it; or a URL, if it is pinned or its key is given. */
async function trustedAt(place: string, invocation: TrustFilesInvocation): Promise<TrustedPlace> {
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
      return { ...trustedRootIn(await readInput('LOG', file)), file };
    } catch (error) {
      throw new ConfigurationError(`${file}: ${reasonOf(error)}`);
    }
  }
  throw new ConfigurationError(`${place} is neither a ${TRUSTED_ROOT} nor a log's folder with one in it`);
}
