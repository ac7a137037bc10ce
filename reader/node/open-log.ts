/**
 * Opens a log by where it is: a URL, a folder, or any object store.
 * @module
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, UnreachableError } from '../../src/errors.js';
import type { Network } from '../../src/node/network.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import { reasonOf } from '../../src/node/system-error.js';
import { FolderStore } from '../../src/store/folder.js';
import { isS3, parseS3Place, type S3Options } from '../../src/store/s3-place.js';
import type { ObjectStore } from '../../src/store/store.js';
import {
  FormatError,
  noteVerifier,
  parseVerifierKey,
  type NoteVerifier,
  type VerifierKey,
} from '../../tiles-spec/index.js';
import { httpSource, logUrl, type ReadObject } from '../http-source.js';
import { LogReader } from '../log-reader.js';
import { storeSource } from '../store-source.js';
import { FolderCache } from './folder-cache.js';
import { nodeGunzip } from './gunzip.js';
import { HeadFile } from './head-file.js';
import { undiciGet } from './undici-get.js';

/** How long a CDN may go on showing an older checkpoint, in milliseconds. */
const CACHE_LAG = 2_000;

export interface OpenLogOptions {
  /** The log's key, `<name>+<key id>+<key>`. Required, except for a data folder, which has it in `log.vkey`. */
  readonly verifierKey?: string | undefined;
  /** Folder for the newest checkpoints seen. Default: the reader remembers them in memory. */
  readonly stateFolder?: string | undefined;
  /** Folder for the full tiles of remote logs. Default: they are kept in memory. */
  readonly cacheFolder?: string | undefined;
  /** Time limit of each request, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
  /** Further tries after a request that failed. Default: 3. */
  readonly retries?: number | undefined;
  /** How the server of an `s3://` place is reached. Default: AWS, in the region that the environment names. */
  readonly s3?: Omit<S3Options, 'timeout' | 'network'> | undefined;
  /** Proxies, and trusted certificates. Default: no proxy, and the certificates that Node trusts. */
  readonly network?: Network | undefined;
  /**
   * A token for a log behind a gate, sent as `Authorization: Bearer` to the server of the log's URL and to no other.
   */
  readonly token?: string | undefined;
}

/**
 * Opens a log to read. Nothing is asked of the log yet.
 * @param place `http://…` or `https://…`; `s3://BUCKET/PREFIX`; a data folder of `stele serve`, or a folder with the
 *   log's files (`file:DIR` or `DIR`); or an object store.
 * @throws ConfigurationError where the verifier key is missing or malformed, the URL is, or there is no such folder;
 *   UnreachableError where a folder holds no log.
 */
export async function openLog(place: string | ObjectStore, options: OpenLogOptions = {}): Promise<LogReader> {
  const { read, verifierKey: ownKey } = await openPlace(place, options);
  const verifierKey = (options.verifierKey ?? ownKey)?.trim();
  if (verifierKey === undefined) {
    throw new ConfigurationError(
      'a log is read with its verifier key, and is never asked for it: give the key',
    );
  }
  const verifier = noteVerifier(readVerifierKey(verifierKey));
  const { stateFolder, cacheFolder } = options;
  return new LogReader({
    read,
    verifier,
    gunzip: nodeGunzip,
    sha: opensslSha256,
    heads: stateFolder === undefined ? undefined : new HeadFile(stateFolder, verifier.name),
    lag: typeof place === 'string' && isUrl(place) ? CACHE_LAG : 0,
    // The folder is named for the key as well: two logs of one name must not share tiles.
    cache:
      cacheFolder === undefined || typeof place !== 'string' || !isRemote(place)
        ? undefined
        : new FolderCache(join(cacheFolder, nameOf(verifier))),
  });
}

/** Makes the function that reads a place, and finds the verifier key if the place is a data folder. */
async function openPlace(
  place: string | ObjectStore,
  options: OpenLogOptions,
): Promise<{ read: ReadObject; verifierKey?: string | undefined }> {
  if (typeof place !== 'string') return { read: storeSource(place) };
  if (isRemote(place)) return { read: await remoteSource(place, options) };
  const read = storeSource(new FolderStore(storeIn(place).store));
  return { read, verifierKey: await verifierKeyIn(place) };
}

/**
 * Makes a function that reads the objects of the log at a URL, or at `s3://BUCKET/PREFIX`.
 * @throws ConfigurationError where `place` is neither.
 */
export async function remoteSource(
  place: string,
  {
    timeout,
    retries,
    s3,
    network,
    token,
  }: Pick<OpenLogOptions, 'timeout' | 'retries' | 's3' | 'network' | 'token'>,
): Promise<ReadObject> {
  if (!isS3(place)) {
    const bearer = token === undefined ? undefined : { origin: logUrl(place).origin, token };
    return httpSource(place, {
      get: undiciGet({ network, timeout, bearer }),
      gunzip: nodeGunzip,
      timeout,
      retries,
    });
  }
  const bucket = parseS3Place(place);
  // Loaded here alone: the SDK takes long to load, and most readers never need it.
  const { S3Store } = await import('../../src/store/s3.js');
  return storeSource(new S3Store(bucket, { ...s3, timeout, network }), retries ?? 3);
}

/**
 * Finds the log's files: in the folder itself, or in the `store` of a data folder.
 * @throws UnreachableError where neither has a checkpoint; ConfigurationError where there is no such folder.
 */
function storeIn(place: string): { folder: string; store: string } {
  const folder = place.replace(/^file:/, '');
  const store = [folder, join(folder, 'store')].find((place) => existsSync(join(place, 'checkpoint')));
  if (store !== undefined) return { folder, store };
  if (!existsSync(folder))
    throw new ConfigurationError(
      `there is no folder ${folder}: give the log's folder, or its URL with http:// or https://`,
    );
  throw new UnreachableError(`${folder} holds no log: there is no checkpoint in it, or in its store/`, {
    code: 'no-log',
  });
}

/**
 * Reads the verifier key that a writer keeps in its data folder. Undefined where the folder holds the log's files
 * themselves: they may be anybody's copy, so a key beside them would prove nothing.
 * @throws UnreachableError where the folder holds no log; ConfigurationError where the key cannot be read.
 */
export async function verifierKeyIn(place: string): Promise<string | undefined> {
  const { folder, store } = storeIn(place);
  const file = join(folder, 'log.vkey');
  if (store === folder || !existsSync(file)) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new ConfigurationError(`cannot read the log's key in ${file}: ${reasonOf(error)}`);
  }
}

/** A folder name for the log of a key. The origin is encoded, since it may hold slashes. */
function nameOf({ name, keyId }: NoteVerifier): string {
  return `${encodeURIComponent(name)}+${keyId.toString(16).padStart(8, '0')}`;
}

/** Whether a place is read over HTTP. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//i.test(place);
}

/** Whether a place is a URL or in object storage. Every other place is a folder. */
export function isRemote(place: string): boolean {
  return isUrl(place) || isS3(place);
}

function readVerifierKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(text);
  } catch (error) {
    throw error instanceof FormatError ? new ConfigurationError(error.message) : error;
  }
}
