/**
 * The log at a URL as it shows itself, by the trust file that it serves: what a pin is made of, and compared with.
 * @module
 */
import { LogReader, type ReadObject } from '../../../reader/index.js';
import { remoteSource } from '../../../reader/node/index.js';
import { messageOf, UnreachableError } from '../../../src/errors.js';
import {
  isTrustedLog,
  MAX_TRUSTED_ROOT_LENGTH,
  parseTrustedRoot,
  type TrustedLog,
} from '../../../src/sigstore/trust/trusted-root.js';
import { ProofError } from '../../../tiles-spec/index.js';
import type { Invocation } from '../../command.js';
import { parseSetting } from '../../settings/setting.js';
import { networkOf, tokenOf } from '../../settings/network-settings.js';
import { onlyLog, readTrustedLogKey } from '../../log/open-log.js';
import type { Pin } from '../../log/pins.js';
import { s3OptionsOf } from '../../settings/s3-settings.js';
import type { TRUST_SETTINGS } from '../../settings.js';
import { parseDuration, parseNumber } from '../../settings/units.js';

type Trusting = Pick<Invocation<typeof TRUST_SETTINGS>, 'values' | 'environment'>;

export const TRUSTED_ROOT = 'trusted_root.json';

/**
 * The log at a URL; its key has signed what the log shows, and is that of `--vkey` if that is given.
 * @throws UnreachableError where no log is; ProofError; ConfigurationError where the file names several.
 */
export async function fetchLog(url: string, trusting: Trusting): Promise<TrustedLog> {
  const { vkey } = trusting.values;
  const { read, logs } = await servedLogs(url, trusting);
  const log = onlyLog(logs, url, `${url}/${TRUSTED_ROOT}`);
  if (vkey !== undefined && (await readTrustedLogKey(vkey)).vkey !== log.vkey) {
    throw new ProofError(`${url} has the key ${log.vkey}, not the one of --vkey`);
  }
  await new LogReader({ read, verifier: log.verifier }).checkpoint();
  return log;
}

/**
 * Why a pin may be stale, by what its log shows of itself now: another key, or an end of the pinned one. It is asked
 * once, and believed in nothing: the pin stands until its user deletes it.
 * @returns undefined where the pin says what the log says.
 */
export async function stalenessOf(
  { url, file, log }: Pin,
  { values, environment }: Trusting,
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
  { values, environment }: Trusting,
): Promise<{ read: ReadObject; logs: readonly TrustedLog[] }> {
  const read = await remoteSource(url, {
    timeout: parseSetting('timeout', values.timeout, parseDuration),
    retries: parseSetting('retry', values.retry, parseNumber),
    s3: s3OptionsOf(values),
    network: await networkOf(values, environment),
    token: tokenOf(values),
  });
  const bytes = await read(TRUSTED_ROOT, MAX_TRUSTED_ROOT_LENGTH);
  if (bytes === undefined)
    throw new UnreachableError(`${url} has no ${TRUSTED_ROOT}: no log is here`, 'no-log');
  return { read, logs: parseTrustedRoot(bytes).logs.filter(isTrustedLog) };
}
