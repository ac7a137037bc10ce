/**
 * The log at a URL, by the trust file that it serves. A pin is made of it, and later compared with it.
 * @module
 */
import { LogReader, type ReadObject } from '../../../reader/index.js';
import { remoteSource } from '../../../reader/node/open-log.js';
import { messageOf, UnreachableError } from '../../../src/errors.js';
import { TRUSTED_ROOT } from '../../../src/sigstore/trust/trust-files.js';
import {
  isTrustedLog,
  MAX_TRUSTED_ROOT_LENGTH,
  parseTrustedRoot,
  type TrustedLog,
} from '../../../src/sigstore/trust/trusted-root.js';
import { FormatError, ProofError } from '../../../tiles-spec/index.js';
import { onlyLog, readTrustedLogKey, sayingWhere } from '../../log/open-log.js';
import type { Pin } from '../../log/pins.js';
import {
  networkOf,
  tokenOf,
  type NETWORK_SETTINGS,
  type TOKEN_SETTINGS,
} from '../../settings/network-settings.js';
import { requestBoundsOf, type REQUEST_SETTINGS } from '../../settings/request-settings.js';
import { s3OptionsOf, type S3_SETTINGS } from '../../settings/s3-settings.js';
import type { Values } from '../../settings/setting.js';

/** How a log is reached, and the key that it must have, if one is given. */
export interface LogAccess {
  readonly values: Values<
    typeof REQUEST_SETTINGS & typeof S3_SETTINGS & typeof NETWORK_SETTINGS & typeof TOKEN_SETTINGS
  > & { readonly vkey: string | undefined };
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Fetches the log's trust file, and verifies that its checkpoint is signed by the key in it.
 * @throws UnreachableError where there is no log; ProofError where the checkpoint is not signed so, or `--vkey` is another
 *   key; ConfigurationError where the file names several logs.
 */
export async function fetchLog(url: string, request: LogAccess): Promise<TrustedLog> {
  const { vkey } = request.values;
  const { read, logs } = await servedLogs(url, request);
  const log = onlyLog(logs, url, `${url}/${TRUSTED_ROOT}`);
  if (vkey !== undefined && (await readTrustedLogKey(vkey)).vkey !== log.vkey) {
    throw new ProofError(`${url} has the key ${log.vkey}, not the one of --vkey`);
  }
  await sayingWhere(url, () => new LogReader({ read, verifier: log.verifier }).checkpoint());
  return log;
}

/**
 * Warns that a pin may be stale: the log's trust file names another key now, or an end of the pinned one. The file is
 * fetched once, without retries, and changes nothing: the pin stands until its user deletes it.
 * @returns undefined where the pin and the file agree.
 */
export async function stalenessOf(
  { url, file, log }: Pin,
  { values, environment }: LogAccess,
): Promise<string | undefined> {
  const again = `if its operator says so too, delete ${file}, and pin it again with stele trust --pin ${url}`;
  try {
    const { logs } = await servedLogs(url, { values: { ...values, retry: '0' }, environment });
    const same = logs.find(({ vkey }) => vkey === log.vkey);
    if (same === undefined) {
      const keys = logs.map(({ vkey }) => vkey).join(', ');
      return `${url} has another key now than the one that is pinned (${keys}): ${again}`;
    }
    const { end } = same.validFor;
    if (end === undefined || end === log.validFor.end) return undefined;
    return `the key of ${url} that is pinned signs nothing after ${new Date(end).toISOString()}: ${again}`;
  } catch (error) {
    return `${url} does not say whether it has the pinned key still: ${messageOf(error)}`;
  }
}

/** The logs that the trust file of a log names. */
async function servedLogs(
  url: string,
  { values, environment }: LogAccess,
): Promise<{ read: ReadObject; logs: readonly TrustedLog[] }> {
  const read = await remoteSource(url, {
    ...requestBoundsOf(values),
    s3: s3OptionsOf(values),
    network: await networkOf(values, environment),
    token: tokenOf(values),
  });
  const bytes = await read(TRUSTED_ROOT, MAX_TRUSTED_ROOT_LENGTH);
  if (bytes === undefined)
    throw new UnreachableError(`${url} has no ${TRUSTED_ROOT}: no log is here`, { code: 'no-log' });
  try {
    return { read, logs: parseTrustedRoot(bytes).logs.filter(isTrustedLog) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`${url}/${TRUSTED_ROOT} names no log: ${error.message}`);
  }
}
