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
import { gunzip } from './gunzip.js';
import { HeadFile } from './head-file.js';
import { undiciGet } from './undici-get.js';

/** How long a CDN may show an older checkpoint, in milliseconds. */
const CACHE_LAG = 2_000;

export interface OpenLogOptions {
  /** `<name>+<key id>+<key>`. Needed, but for a data folder, which has it in `log.vkey`. */
  readonly verifierKey?: string | undefined;
  /** Where the newest checkpoints seen are kept. Default: nowhere, the reader remembers them itself. */
  readonly stateFolder?: string | undefined;
  /** Where full tiles of logs read by URL are kept. Default: nowhere. */
  readonly cacheFolder?: string | undefined;
  /** For each request, in milliseconds. Default 30,000. */
  readonly timeout?: number | undefined;
  /** Further tries after a request that failed. Default 3. */
  readonly retries?: number | undefined;
  /** How the server of an `s3://` place is reached. Default: as AWS's, by the region in the environment. */
  readonly s3?: Omit<S3Options, 'timeout' | 'network'> | undefined;
  /** Proxies, and whose certificates are believed. Default: none, and those that Node believes. */
  readonly network?: Network | undefined;
  /** For a log behind a gate: sent to its URL's server as `Authorization: Bearer`, and to no other. */
  readonly token?: string | undefined;
}

/**
 * Opens a log to read; nothing is asked of it yet.
 * @param place `http://…` or `https://…`; `s3://BUCKET/PREFIX`; a data folder of `stele serve`, or a folder with the
 *   log's files (`file:DIR` or `DIR`); or an object store.
 * @throws ConfigurationError where there is no key, or none that can be read, or the URL is none; UnreachableError where
 *   a folder holds no log.
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
    gunzip,
    sha: opensslSha256,
    heads: stateFolder === undefined ? undefined : new HeadFile(stateFolder, verifier.name),
    lag: typeof place === 'string' && isUrl(place) ? CACHE_LAG : 0,
    // Tiles of logs of one name are apart by key.
    cache:
      cacheFolder === undefined || typeof place !== 'string' || !isRemote(place)
        ? undefined
        : new FolderCache(join(cacheFolder, nameOf(verifier))),
  });
}

/** How a place is read, and the key that is kept there, where the place is one's own data folder. */
async function openPlace(
  place: string | ObjectStore,
  options: OpenLogOptions,
): Promise<{ read: ReadObject; verifierKey?: string | undefined }> {
  if (typeof place !== 'string') return { read: storeSource(place) };
  if (isRemote(place)) return { read: await remoteSource(place, options) };
  const read = storeSource(new FolderStore(storeIn(place).store));
  return { read, verifierKey: await verifierKeyIn(place) };
}

/** Reads the objects of the log at a URL, or at `s3://BUCKET/PREFIX`. @throws ConfigurationError where it is neither. */
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
    return httpSource(place, { get: undiciGet({ network, timeout, bearer }), gunzip, timeout, retries });
  }
  const bucket = parseS3Place(place);
  // The SDK is for those who have their log there.
  const { S3Store } = await import('../../src/store/s3.js');
  return storeSource(new S3Store(bucket, { ...s3, timeout, network }), retries ?? 3);
}

/** Where a folder's log is. @throws UnreachableError where it holds none. */
function storeIn(place: string): { folder: string; store: string } {
  const folder = place.replace(/^file:/, '');
  const store = [folder, join(folder, 'store')].find((place) => existsSync(join(place, 'checkpoint')));
  if (store !== undefined) return { folder, store };
  throw new UnreachableError(
    existsSync(folder)
      ? `${folder} holds no log: there is no checkpoint in it, or in its store/`
      : `there is no folder ${folder}: give the log's folder, or its URL with http:// or https://`,
    'no-log',
  );
}

/**
 * The verifier key that a writer keeps in its data folder, beside the log; undefined where the folder is none. A key
 * among the log's own files would be the log's word for itself: they may be anybody's copy.
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

/** A folder name for the log of a key: its origin may hold slashes. */
function nameOf({ name, keyId }: NoteVerifier): string {
  return `${encodeURIComponent(name)}+${keyId.toString(16).padStart(8, '0')}`;
}

/** Whether a place is read over HTTP. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//i.test(place);
}

/** Whether a place is elsewhere, at a URL or in object storage: everything else is a folder. */
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
