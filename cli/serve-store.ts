/**
 * The store of `stele serve`: a folder that this process owns, or a bucket that has proved what a log needs of it.
 * @module
 */
import { rmdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { StoredFiles, type FileSource } from '../reader/http/index.js';
import { FolderStore } from '../src/store/folder.js';
import type { S3Options, S3Place } from '../src/store/s3-place.js';
import { SharedReads } from '../src/store/shared-reads.js';
import type { ObjectStore, ReadableStore } from '../src/store/store.js';
import { retry } from '../src/retry.js';
import { FolderLock } from '../writer/staging/lock.js';
import { missingFolders } from './first-start.js';

/** Where the log's files are. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly place: S3Place; readonly options: S3Options };

/** How long a request to a bucket may take, in milliseconds. One that hangs is better asked again. */
const TIMEOUT = 5_000;

/** Connections to a bucket for everyone's reads, which must not keep the log's own waiting. */
const READ_CONNECTIONS = 16;

/** Bytes that are read of a file at a time, for everyone's reads: a read of a folder costs little, ... */
const FOLDER_PIECE = 64 * 1024;

/** ... and one of a bucket a request: nearly every bundle is read by one. */
const BUCKET_PIECE = 512 * 1024;

/** How often an unreachable bucket is asked again before the start is given up. */
export const START_RETRIES = 3;

/** A store that is open, and how it is let go of. */
export interface OpenedStore {
  readonly store: ObjectStore;
  /** For those who read the log from the daemon. */
  readonly files: FileSource;
  /** For answers to submitters, whose reads must not keep the writer's own from a connection. */
  readonly reads: ReadableStore;
  /** The time by the store's server, Unix milliseconds, where it tells one. */
  readonly time?: (() => number | undefined) | undefined;
  readonly close: () => Promise<void>;
}

/**
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
      // No log was made: nothing stays that was not there.
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
  // The SDK is for those who have their log there.
  const { S3Store } = await import('../src/store/s3.js');
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
    // What is under way may yet act. That is no harm: no lock is given up, and every write has its condition.
    close: () => {
      store.close();
      readStore.close();
      return Promise.resolve();
    },
  };
}
