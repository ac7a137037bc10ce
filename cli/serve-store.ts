/**
 * The store of `stele serve`: a folder that this process owns, or a bucket that has proved what a log needs of it.
 * @module
 */
import type { Logger } from 'pino';
import { FolderStore } from '../src/store/folder.js';
import type { S3Options, S3Place } from '../src/store/s3-place.js';
import { SharedReads } from '../src/store/shared-reads.js';
import type { ObjectStore } from '../src/store/store.js';
import { tryAgain } from '../src/try-again.js';
import { FolderLock } from '../writer/staging/lock.js';

/** Where the log's files are. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly place: S3Place; readonly options: S3Options };

/** How long a request to a bucket may take, in milliseconds. One that hangs is better asked again. */
const TIMEOUT = 5_000;

/** Connections to a bucket for everyone's reads, which must not keep the log's own waiting. */
const READ_CONNECTIONS = 16;

/** How often an unreachable bucket is asked again before the start is given up. */
export const START_RETRIES = 3;

/** A store that is open, and how it is let go of. */
export interface OpenedStore {
  readonly store: ObjectStore;
  /** For those who read the log from the daemon. */
  readonly reads: Pick<ObjectStore, 'read'>;
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
  return { store, reads: store, close };
}

async function openBucket(place: S3Place, options: S3Options, log: Logger): Promise<OpenedStore> {
  // The SDK is for those who have their log there.
  const { S3Store } = await import('../src/store/s3.js');
  const store = new S3Store(place, { timeout: TIMEOUT, ...options });
  await tryAgain(() => store.probe(), START_RETRIES);
  log.info({ bucket: place.bucket, prefix: place.prefix }, 'the store honours conditional writes');
  const reads = new S3Store(place, { timeout: TIMEOUT, ...options, connections: READ_CONNECTIONS });
  return {
    store,
    reads: new SharedReads(reads),
    // What is under way may yet act. That is no harm: no lock is given up, and every write has its condition.
    close: () => {
      store.close();
      reads.close();
      return Promise.resolve();
    },
  };
}
