/**
 * The logs that `stele trust --pin` keeps, each in a trust file named for its URL. A pin holds one log, the one that the
 * user was shown: a log's own trust file may name others, and they are not trusted.
 * @module
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logUrl } from '../../reader/http-source.js';
import { ConfigurationError } from '../../src/errors.js';
import { createFile } from '../../src/node/durable-file.js';
import { hasCode, reasonOf } from '../../src/node/system-error.js';
import { formatTrustedRoot, publicLogOf } from '../../src/sigstore/trust/trust-files.js';
import { isTrustedLog, parseTrustedRoot, type TrustedLog } from '../../src/sigstore/trust/trusted-root.js';
import { formatS3Place, isS3, parseS3Place } from '../../src/store/s3-place.js';
import { ProofError } from '../../tiles-spec/index.js';
import { makeFolder, readInput } from '../files.js';
import { configFolder, NO_HOME } from '../xdg-folders.js';

/** A log that is pinned. */
export interface Pin {
  /** The URL that it was fetched from, without a slash at the end. */
  readonly url: string;
  readonly file: string;
  readonly log: TrustedLog;
}

const SUFFIX = '.trusted_root.json';

/**
 * The form of a log's URL, or of its `s3://BUCKET/PREFIX`, in which two can be compared: without a slash at the end.
 * @throws ConfigurationError
 */
export function normalUrl(text: string): string {
  if (isS3(text)) return formatS3Place(parseS3Place(text));
  return logUrl(text).href.replace(/\/+$/, '');
}

/** Reads all pins. @throws ConfigurationError when one of them cannot be read, or is damaged. */
export async function readPins(environment: NodeJS.ProcessEnv): Promise<Pin[]> {
  const folder = configFolder(environment);
  if (folder === undefined) return [];
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw new ConfigurationError(`cannot read the pins in ${folder}: ${reasonOf(error)}`);
  });
  return Promise.all(
    names
      .filter((name) => name.endsWith(SUFFIX))
      .map(async (name) => {
        const file = join(folder, name);
        try {
          const url = decodeURIComponent(name.slice(0, -SUFFIX.length));
          const { logs } = parseTrustedRoot(await readInput('the pins', file));
          const [log, ...others] = logs.filter(isTrustedLog);
          if (log === undefined || others.length > 0) throw new Error('a pin is of one log');
          return { url, file, log };
        } catch (error) {
          throw new ConfigurationError(`the pinned trust file ${file} cannot be used: ${reasonOf(error)}`);
        }
      }),
  );
}

/**
 * Pins a log, durably. Pinning it again changes nothing.
 * @returns the file of the pin.
 * @throws ProofError where another key is pinned for this URL, and stays so; ConfigurationError where a pin cannot be kept.
 */
export async function pin(environment: NodeJS.ProcessEnv, url: string, log: TrustedLog): Promise<string> {
  const folder = configFolder(environment);
  if (folder === undefined)
    throw new ConfigurationError(`there is nowhere to keep a pin: ${NO_HOME} XDG_CONFIG_HOME`);
  const file = join(folder, `${encodeURIComponent(normalUrl(url))}${SUFFIX}`);
  await makeFolder('the pins', folder, 0o700);
  const isCreated = await createFile(file, formatTrustedRoot(publicLogOf(log))).catch((error: unknown) => {
    throw new ConfigurationError(`the pins: cannot write ${file}: ${reasonOf(error)}`);
  });
  if (!isCreated) {
    const pinned = (await readPins(environment)).find((pin) => pin.file === file);
    if (pinned?.log.vkey !== log.vkey) {
      throw new ProofError(
        `${url} has another key than the one that is pinned: if its operator says that the log was made anew, delete ${file}`,
      );
    }
  }
  return file;
}
