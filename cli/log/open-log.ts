/**
 * The log that a command is about, and the key that it is held to.
 * @module
 */
import { existsSync } from 'node:fs';
import type { Latest, LogReader } from '../../reader/index.js';
import { openLog } from '../../reader/node/index.js';
import { isRemote, isUrl, verifierKeyIn } from '../../reader/node/open-log.js';
import { ConfigurationError, messageOf, UnreachableError } from '../../src/errors.js';
import { createTransientFolder } from '../../src/node/durable-file.js';
import { pemLabels } from '../../src/pem.js';
import { reasonOf } from '../../src/node/system-error.js';
import { trustedRootIn } from '../../src/sigstore/trust/trust-sources.js';
import {
  isRekorV1,
  isTrustedLog,
  trustedLogFromVerifierKey,
  type TrustedLog,
  type TrustedRoot,
} from '../../src/sigstore/trust/trusted-root.js';
import { FormatError, ProofError } from '../../tiles-spec/index.js';
import type { Invocation } from '../command.js';
import { readInput } from '../files.js';
import type { LOG_SETTINGS } from '../settings/log-settings.js';
import { networkOf, tokenOf } from '../settings/network-settings.js';
import { requestBoundsOf } from '../settings/request-settings.js';
import { s3OptionsOf } from '../settings/s3-settings.js';
import { SettingError } from '../settings/setting.js';
import { cacheFolder, NO_HOME, stateFolder } from '../xdg-folders.js';
import { normalUrl, readPins } from './pins.js';

/** A command that reads a log. */
export interface LogInvocation extends Pick<
  Invocation<typeof LOG_SETTINGS>,
  'values' | 'environment' | 'terminal'
> {
  /** The file of `--trusted-root`, where the command has read it already: a pipe can be read only once. */
  readonly trustedRoot?: TrustedRoot | undefined;
}

/** A log, opened. */
export interface OpenedLog {
  /** Its URL or folder. */
  readonly place: string;
  readonly trusted: TrustedLog;
  readonly log: LogReader;
}

/**
 * Opens the log that the settings name. Its key comes from the first of: `--vkey`, `--trusted-root`, the data folder
 * (where the log is one), the pin of its URL. It is never asked of the log itself. Nothing is read from the log yet.
 * @param argument where the log is; default `--rekor_server`, or else the only pinned log.
 * @throws ConfigurationError when the log or its key is not known; UnreachableError when a folder holds no log.
 */
export async function openTrustedLog(invocation: LogInvocation, argument?: string): Promise<OpenedLog> {
  const { values, environment, terminal } = invocation;
  const place =
    argument === undefined
      ? placeOf(values.rekor_server ?? (await onlyPin(environment)), '--rekor_server')
      : placeOf(argument, 'LOG');
  const trusted = await keyOf(place, invocation);
  const log = await openLog(place, {
    verifierKey: trusted.vkey,
    ...requestBoundsOf(values),
    s3: s3OptionsOf(values),
    ...(isRemote(place) && { network: await networkOf(values, environment), token: tokenOf(values) }),
    stateFolder: values.store_tree_state === 'true' ? stateIn(values.state, environment) : undefined,
    cacheFolder: await usableCache(cacheFolder(environment), terminal.err),
  });
  return { place, trusted, log };
}

/** The log at its newest checkpoint. @throws what `LogReader.latest` throws, with the place where there is no log. */
export function latestOf({ place, log }: OpenedLog): Promise<Latest> {
  return sayingWhere(place, () => log.latest());
}

/**
 * Adds the place, which a reader does not know, to an error which says that there is no log, no checkpoint, or one that
 * is not signed by the log's key.
 */
export async function sayingWhere<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreachableError && error.code === 'no-log')
      throw new UnreachableError(`${place}: ${error.message}`, {
        code: error.code,
        cause: error,
        path: error.path,
      });
    if (error instanceof FormatError && error.path === 'checkpoint' && isRemote(place))
      throw new FormatError(`${place}/${error.message}: ${NO_CHECKPOINT}`, { path: error.path });
    if (error instanceof ProofError && error.path === 'checkpoint') {
      const where = isRemote(place) ? `${place}/` : `${place}: `;
      throw new ProofError(`${where}${error.message}: ${OTHER_KEY}`, { path: error.path });
    }
    throw error;
  }
}

const NO_CHECKPOINT = 'what is there is no log, or its checkpoint is damaged';
const OTHER_KEY = "that is another log, or the key given (--vkey, --trusted-root or a pin) is another log's";

/**
 * A place as pins and comparisons write it.
 * @param what names the place in errors.
 * @throws ConfigurationError where it looks like a URL of a scheme by which no log is read.
 */
function placeOf(place: string, what: string): string {
  if (isRemote(place)) return normalUrl(place);
  if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(place))
    throw new SettingError(what, 'a log is read by http://, https://, s3:// or a folder');
  return place;
}

/** The logs whose entries are believed where a bundle says which log it is of. */
export async function trustedLogs(invocation: LogInvocation): Promise<TrustedLog[]> {
  const { values, environment } = invocation;
  if (values.vkey !== undefined) return [await readTrustedLogKey(values.vkey)];
  const { trustedRoot = await readTrustedRoot(values) } = invocation;
  if (trustedRoot !== undefined) return trustedRoot.logs.filter(isTrustedLog);
  if (values.rekor_server !== undefined)
    return [await keyOf(placeOf(values.rekor_server, '--rekor_server'), invocation)];
  const logs = (await readPins(environment)).map(({ log }) => log);
  if (logs.length === 0) throw new ConfigurationError(NO_KEY);
  return logs;
}

const NO_KEY =
  "the log's key is not known: give --vkey or --trusted-root, or pin a log with stele trust --pin URL";

async function keyOf(place: string, invocation: LogInvocation): Promise<TrustedLog> {
  const { values, environment } = invocation;
  const url = isRemote(place) ? place : undefined;
  if (values.vkey !== undefined) return readTrustedLogKey(values.vkey, isUrl(place) ? place : undefined);
  const { 'trusted-root': file = '' } = values;
  const { trustedRoot = await readTrustedRoot(values) } = invocation;
  if (trustedRoot !== undefined) return onlyLog(trustedRoot.logs.filter(isTrustedLog), url, file);
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

/**
 * The log in a trust file that has this URL or, where none has, the only one. Logs of Rekor v1 are left out: they have
 * no tiles.
 * @throws ConfigurationError where there is no such log, or more than one.
 */
export function onlyLog(logs: readonly TrustedLog[], url: string | undefined, file: string): TrustedLog {
  const tiled = logs.filter((log) => !isRekorV1(log));
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

/** The log of a verifier key, which is given itself or in a file. @throws ConfigurationError when it is neither. */
export async function readTrustedLogKey(keyOrFile: string, url?: string): Promise<TrustedLog> {
  const isFile = existsSync(keyOrFile);
  const text = isFile ? Buffer.from(await readInput('--vkey', keyOrFile)).toString('utf8') : keyOrFile;
  try {
    return trustedLogFromVerifierKey(text.trim(), url);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new SettingError('--vkey', noKey(keyOrFile, isFile ? text : undefined, error.message));
  }
}

/** Why a value of `--vkey` gives no key. @param content of the file, where the value names one. */
function noKey(value: string, content: string | undefined, why: string): string {
  const given = JSON.stringify(value.slice(0, 200));
  if (content === undefined)
    return /\+.*\+/.test(value)
      ? `${given} is no verifier key: ${why}`
      : `neither a file that is there nor a verifier key: ${given}`;
  if (/^\s*\{[^]*trusted_?root/i.test(content))
    return `${value} is a trusted root: give it to --trusted-root`;
  const [label] = pemLabels(content);
  const held = label === undefined ? why : `it holds PEM (${label})`;
  return `${value} holds no verifier key, as in a log's log.vkey: ${content.trim() === '' ? 'it is empty' : held}`;
}

/** @throws ConfigurationError where there is no place to remember what was seen. */
function stateIn(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  const folder = given ?? stateFolder(environment);
  if (folder !== undefined) return folder;
  throw new ConfigurationError(
    `there is nowhere to remember the newest checkpoint: ${NO_HOME} XDG_STATE_HOME, give --state DIR, or remember nothing with --store_tree_state=false`,
  );
}

/**
 * The trusted root of `--trusted-root`, whatever file it is shipped in; undefined where none is given.
 * @throws ConfigurationError
 */
export async function readTrustedRoot({
  'trusted-root': file,
}: Pick<LogInvocation['values'], 'trusted-root'>): Promise<TrustedRoot | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readInput('--trusted-root', file);
  try {
    return trustedRootIn(bytes);
  } catch (error) {
    throw new SettingError('--trusted-root', `${file}: ${messageOf(error)}`);
  }
}

/** The folder, made if need be. Undefined, with a warning, where it cannot be made: tiles are fetched again then. */
async function usableCache(
  folder: string | undefined,
  warn: (text: string) => void,
): Promise<string | undefined> {
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
