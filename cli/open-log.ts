/**
 * The log that a command is about, and the key that it is held to.
 * @module
 */
import { existsSync } from 'node:fs';
import type { Latest, LogReader } from '../reader/index.js';
import { isRemote, isUrl, verifierKeyIn } from '../reader/node/open-log.js';
import { openLog } from '../reader/node/index.js';
import { ConfigurationError, messageOf, UnreachableError } from '../src/errors.js';
import { createTransientFolder } from '../src/node/durable-file.js';
import { reasonOf } from '../src/node/system-error.js';
import {
  isTrustedLog,
  parseTrustedRoot,
  trustedLogFromVerifierKey,
  type TrustedLog,
} from '../src/sigstore/trust/trusted-root.js';
import { trustedRootIn } from '../src/sigstore/trust/trust-sources.js';
import { FormatError } from '../tiles-spec/index.js';
import type { Invocation } from './command.js';
import { parseSetting, SettingError } from './configuration.js';
import { readInput } from './files.js';
import { cacheFolder, NO_HOME, stateFolder } from './folders.js';
import type { LOG_SETTINGS } from './log-settings.js';
import { networkOf, tokenOf } from './network-settings.js';
import { normalUrl, readPins } from './pins.js';
import { s3OptionsOf } from './s3-settings.js';
import { parseDuration, parseNumber } from './units.js';

/** A command that reads a log. */
export type LogInvocation = Pick<Invocation<typeof LOG_SETTINGS>, 'values' | 'environment' | 'terminal'>;

/** A log, opened. */
export interface OpenedLog {
  /** Its URL or folder. */
  readonly place: string;
  readonly trusted: TrustedLog;
  readonly log: LogReader;
}

/**
 * Opens the log that the settings name. Its key is, in this order: `--vkey`, that of `--trusted-root`, that in the data
 * folder which is the log, that which is pinned for its URL. The log itself is never asked for it.
 * @param place in the place of `--rekor_server`.
 * @throws ConfigurationError when the log or its key is not known; UnreachableError when a folder holds no log.
 */
export async function openTrustedLog(
  { values, environment, terminal }: LogInvocation,
  place = values.rekor_server,
): Promise<OpenedLog> {
  const where = placeOf(place ?? (await onlyPin(environment)));
  const trusted = await keyOf(where, values, environment);
  const log = await openLog(where, {
    verifierKey: trusted.vkey,
    timeout: parseSetting('timeout', values.timeout, parseDuration),
    retries: parseSetting('retry', values.retry, parseNumber),
    s3: s3OptionsOf(values),
    ...(isRemote(where) && { network: await networkOf(values, environment), token: tokenOf(values) }),
    stateFolder: values.store_tree_state === 'true' ? stateIn(values.state, environment) : undefined,
    cacheFolder: await usable(cacheFolder(environment), terminal.err),
  });
  return { place: where, trusted, log };
}

/** The log at its newest checkpoint, as `LogReader.latest` has it. @throws UnreachableError that says where no log is. */
export function latestOf({ place, log }: OpenedLog): Promise<Latest> {
  return sayingWhere(place, () => log.latest());
}

/** Adds to an error the place where there is no log: a reader does not know where it reads. */
export async function sayingWhere<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreachableError) || error.code !== 'no-log') throw error;
    throw new UnreachableError(`${place}: ${error.message}`, error.code, { cause: error });
  }
}

/** A URL or `s3://…` in the form that pins have, or a folder. @throws ConfigurationError when it looks like a URL and is none. */
function placeOf(place: string): string {
  if (isRemote(place)) return normalUrl(place);
  if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(place))
    throw new SettingError('--rekor_server', 'a log is read by http://, https://, s3:// or a folder');
  return place;
}

/** The logs whose entries are believed where a bundle says which log it is of. */
export async function trustedLogs({ values, environment }: LogInvocation): Promise<TrustedLog[]> {
  if (values.vkey !== undefined) return [await readTrustedLogKey(values.vkey)];
  if (values['trusted-root'] !== undefined) return readTrustedRoot(values['trusted-root']);
  if (values.rekor_server !== undefined)
    return [await keyOf(placeOf(values.rekor_server), values, environment)];
  const logs = (await readPins(environment)).map(({ log }) => log);
  if (logs.length === 0) throw new ConfigurationError(NO_KEY);
  return logs;
}

const NO_KEY =
  "the log's key is not known: give --vkey or --trusted-root, or pin a log with stele trust --pin URL";

async function keyOf(
  place: string,
  values: LogInvocation['values'],
  environment: NodeJS.ProcessEnv,
): Promise<TrustedLog> {
  const url = isRemote(place) ? place : undefined;
  if (values.vkey !== undefined) return readTrustedLogKey(values.vkey, isUrl(place) ? place : undefined);
  if (values['trusted-root'] !== undefined) {
    return onlyLog(await readTrustedRoot(values['trusted-root']), url, values['trusted-root']);
  }
  if (url === undefined) {
    const vkey = await verifierKeyIn(place);
    if (vkey === undefined)
      throw new ConfigurationError(`${NO_KEY} (${place} is no data folder with a log.vkey)`);
    return trustedLogFromVerifierKey(vkey);
  }
  const pin = (await readPins(environment)).find((pin) => pin.url === url);
  if (pin === undefined) throw new ConfigurationError(NO_KEY.replace('URL', url));
  return pin.log;
}

async function onlyPin(environment: NodeJS.ProcessEnv): Promise<string> {
  const pins = await readPins(environment);
  const [pin, ...others] = pins;
  if (pin === undefined)
    throw new ConfigurationError('give --rekor_server, or pin a log: stele trust --pin URL');
  if (others.length > 0) {
    const urls = pins.map(({ url }) => url).join(', ');
    throw new ConfigurationError(`give --rekor_server: more than one log is pinned (${urls})`);
  }
  return pin.url;
}

/** Of the logs in a trust file that have tiles, the one at a URL. A log's own key is Ed25519; Rekor v1's is not. */
export function onlyLog(logs: readonly TrustedLog[], url: string | undefined, file: string): TrustedLog {
  const tiled = logs.filter(({ keyDetails }) => keyDetails === 'PKIX_ED25519');
  const there = tiled.filter((log) => log.url.replace(/\/+$/, '') === url);
  const [log, ...others] = there.length > 0 ? there : tiled;
  if (log !== undefined && others.length === 0) return log;
  const keys = tiled.map(({ vkey }) => vkey).join(', ');
  throw new ConfigurationError(
    log === undefined
      ? `${file} names no log that Stele can read (with an Ed25519 key)`
      : `${file} names several logs: give one of them with --vkey (${keys})`,
  );
}

/** The log of a verifier key, or of the file that holds one. @throws ConfigurationError when it is neither. */
export async function readTrustedLogKey(keyOrFile: string, url?: string): Promise<TrustedLog> {
  const text = existsSync(keyOrFile)
    ? Buffer.from(await readInput('--vkey', keyOrFile)).toString('utf8')
    : keyOrFile;
  try {
    return trustedLogFromVerifierKey(text.trim(), url);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new SettingError('--vkey', `neither a file that is there nor a verifier key: ${error.message}`);
  }
}

async function readTrustedRoot(file: string): Promise<TrustedLog[]> {
  const bytes = await readTrustedRootFile(file);
  try {
    return parseTrustedRoot(bytes).filter(isTrustedLog);
  } catch (error) {
    throw new SettingError('--trusted-root', `${file}: ${messageOf(error)}`);
  }
}

/** @throws ConfigurationError where there is no place to remember what was seen. */
function stateIn(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  const folder = given ?? stateFolder(environment);
  if (folder !== undefined) return folder;
  throw new ConfigurationError(
    `there is nowhere to remember the newest checkpoint: ${NO_HOME} XDG_STATE_HOME, give --state DIR, or remember nothing with --store_tree_state=false`,
  );
}

/** The `trusted_root.json` of `--trusted-root`, whatever file it is shipped in. @throws ConfigurationError */
export async function readTrustedRootFile(file: string): Promise<Uint8Array> {
  const bytes = await readInput('--trusted-root', file);
  try {
    return trustedRootIn(bytes);
  } catch (error) {
    throw new SettingError('--trusted-root', `${file}: ${messageOf(error)}`);
  }
}

/** The folder, made if need be; none where it cannot be, since every tile can be fetched again. */
async function usable(folder: string | undefined, warn: (text: string) => void): Promise<string | undefined> {
  if (folder === undefined) {
    warn(`stele: going on without a cache: ${NO_HOME} XDG_CACHE_HOME for one`);
    return undefined;
  }
  try {
    await createTransientFolder(folder);
    return folder;
  } catch (error) {
    warn(`stele: going on without a cache: cannot make the folder ${folder}: ${reasonOf(error)}`);
    return undefined;
  }
}
