/**
 * The writer's store: a folder that this process locks, or a bucket whose conditional writes were tested.
 * @module
 */
import { rmdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { StoredFiles, type FileSource } from '../../../reader/http/index.js';
import { retry } from '../../../src/retry.js';
import { FolderStore } from '../../../src/store/folder.js';
import type { S3Options, S3Place } from '../../../src/store/s3-place.js';
import { SharedReads } from '../../../src/store/shared-reads.js';
import type { ObjectStore, ReadableStore } from '../../../src/store/store.js';
import { FolderLock } from '../../../writer/staging/lock.js';
import { missingFolders } from './first-start.js';
import type { StorePlace } from './place-settings.js';

/** The longest that a request to a bucket may take, in milliseconds. One that hangs is soon tried again. */
const TIMEOUT = 5_000;

/** Connections to a bucket for public reads. They are apart from the writer's, which must not wait for readers. */
const READ_CONNECTIONS = 16;

/** Bytes that a public read takes of a file at a time: small, since a read in a folder costs little. */
const FOLDER_PIECE = 64 * 1024;

/** Bytes that a public read takes of an object at a time: large, since each costs a request. Most bundles fit in one. */
const BUCKET_PIECE = 512 * 1024;

/** Further tries to reach a bucket before a start fails. */
export const START_RETRIES = 3;

/** An open store. */
export interface OpenedStore {
  readonly store: ObjectStore;
  /** Its files, for public reads. */
  readonly files: FileSource;
  /** The same store for proofs to submitters, over connections that the writer's own reads do not use. */
  readonly reads: ReadableStore;
  /** The time by the clock of the store's server, Unix milliseconds; undefined where it is not known. */
  readonly time?: (() => number | undefined) | undefined;
  readonly close: () => Promise<void>;
}

/**
 * Opens a store. A folder is locked until `close`.
 * @throws ConfigurationError when another process owns the folder; StartRefusedError when the folder or the bucket cannot
 *   hold a log; UnreachableError.
 */
export async function openStore(place: StorePlace, log: Logger, signal?: AbortSignal): Promise<OpenedStore> {
  return place.kind === 'folder'
    ? openFolder(place.folder)
    : openBucket(place.place, place.options, log, signal);
}

async function openFolder(folder: string): Promise<OpenedStore> {
  const missing = missingFolders(folder);
  let store = new FolderStore(folder);
  let lock: FolderLock | undefined;
  const close = async () => {
    await store.idle();
    if (lock?.isNew === true && (await store.stat('checkpoint')) === undefined) {
      // No log was made: leave no files behind.
      await store.sweep();
      await lock.remove();
    } else await lock?.release();
    for (const made of missing) await rmdir(made).catch(() => undefined);
  };
  try {
    await store.probe();
    lock = await FolderLock.take(folder);
    store = new FolderStore(folder, lock);
    await store.sweep();
  } catch (error) {
    await close();
    throw error;
  }
  return { store, reads: store, files: new StoredFiles(store, { pieceLength: FOLDER_PIECE }), close };
}

async function openBucket(
  place: S3Place,
  options: S3Options,
  log: Logger,
  signal?: AbortSignal,
): Promise<OpenedStore> {
  // The AWS SDK takes long to load, and a log in a folder has no use for it.
  const { S3Store } = await import('../../../src/store/s3.js');
  const store = new S3Store(place, { timeout: TIMEOUT, ...options });
  await retry(() => store.probe(), { retries: START_RETRIES, signal });
  log.info({ bucket: place.bucket, prefix: place.prefix }, 'the store honours conditional writes');
  const readStore = new S3Store(place, { timeout: TIMEOUT, ...options, connections: READ_CONNECTIONS });
  const reads = new SharedReads(readStore);
  return {
    store,
    reads,
    files: new StoredFiles(reads, { pieceLength: BUCKET_PIECE }),
    time: () => store.time,
    // A request under way may still take effect. It does no harm: every write is conditional, and no lock is given up.
    close: () => {
      store.close();
      readStore.close();
      return Promise.resolve();
    },
  };
}
