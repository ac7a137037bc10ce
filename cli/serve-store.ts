/**
 * The store of `stele serve`: a folder that this process owns, or a bucket that has proved what a log needs of it.
 * @module
 */
import type { Logger } from 'pino';
import { tryAgain } from '../reader/index.js';
import { FolderStore } from '../src/store/folder.js';
import type { S3Options, S3Place } from '../src/store/s3-place.js';
import type { ObjectStore } from '../src/store/store.js';
import { FolderLock } from '../writer/staging/lock.js';

/** Where the log's files are. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly place: S3Place; readonly options: S3Options };

/**
 * How long a request to a bucket may take, in milliseconds: submitters are answered within four seconds, so that one
 * that hangs is better asked again.
 */
const TIMEOUT = 10_000;

/** How often an unreachable bucket is asked again before the start is given up. */
export const START_RETRIES = 3;

/** A store that is open, and how it is let go of. */
export interface OpenedStore {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

/**
 * @throws ConfigurationError when another process owns the folder; StartRefusedError when the bucket cannot hold a log;
 *   UnreachableError.
 */
export async function openStore(place: StorePlace, log: Logger): Promise<OpenedStore> {
  return place.kind === 'folder' ? openFolder(place.folder) : openBucket(place.place, place.options, log);
}

async function openFolder(folder: string): Promise<OpenedStore> {
  const lock = await FolderLock.take(folder);
  const store = new FolderStore(folder);
  const close = async () => {
    await store.idle();
    await lock.release();
  };
  await store.sweep().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { store, close };
}

async function openBucket(place: S3Place, options: S3Options, log: Logger): Promise<OpenedStore> {
  // The SDK is for those who have their log there.
  const { S3Store } = await import('../src/store/s3.js');
  const store = new S3Store(place, { timeout: TIMEOUT, ...options });
  await tryAgain(() => store.probe(), START_RETRIES);
  log.info({ bucket: place.bucket, prefix: place.prefix }, 'the store honours conditional writes');
  return {
    store,
    close: () => {
      store.close();
      return Promise.resolve();
    },
  };
}
