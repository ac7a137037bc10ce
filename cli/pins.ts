/**
 * The logs that `stele trust --pin` keeps: each in a trust file of its own, named for its URL. A pin is of one log, the
 * one that the user was shown: whatever else a log's trust file names is not believed.
 * @module
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logUrl } from '../reader/http-source.js';
import { ConfigurationError } from '../src/errors.js';
import { createFile, hasCode } from '../src/node/durable-file.js';
import { reasonOf } from '../src/node/system-error.js';
import { formatTrustedRoot, publicLogOf } from '../src/sigstore/trust/trust-files.js';
import { isTrustedLog, parseTrustedRoot, type TrustedLog } from '../src/sigstore/trust/trusted-root.js';
import { formatS3Place, isS3, parseS3Place } from '../src/store/s3-place.js';
import { ProofError } from '../tiles-spec/index.js';
import { makeFolder, readInput } from './files.js';
import { configFolder, NO_HOME } from './folders.js';

/** A log that is pinned. */
export interface Pin {
  /** Where it was fetched, without a slash at the end. */
  readonly url: string;
  readonly file: string;
  readonly log: TrustedLog;
}

const SUFFIX = '.trusted_root.json';

/**
 * A log's URL, or its `s3://BUCKET/PREFIX`, as pins and comparisons have it: without a slash at the end.
 * @throws ConfigurationError
 */
export function normalUrl(text: string): string {
  if (isS3(text)) return formatS3Place(parseS3Place(text));
  return logUrl(text).href.replace(/\/+$/, '');
}

/** @throws ConfigurationError when a pin cannot be read, or is not what was pinned. */
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
          const [log, ...others] = parseTrustedRoot(await readInput('the pins', file)).filter(isTrustedLog);
          if (log === undefined || others.length > 0) throw new Error('a pin is of one log');
          return { url, file, log };
        } catch (error) {
          throw new ConfigurationError(`the pinned trust file ${file} cannot be used: ${reasonOf(error)}`);
        }
      }),
  );
}

/**
 * Pins a log. To pin it again changes nothing.
 * @returns the file.
 * @throws ProofError where another key is pinned for this URL: it stays. ConfigurationError where nothing can be kept.
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
