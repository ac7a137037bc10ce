/**
 * The places where tests keep a log: a folder, or the bucket of a run that has one.
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import type { LogReader } from '#reader/index.js';
import { openLog, type OpenLogOptions } from '#reader/node/index.js';
import { FolderStore } from '#src/store/folder.js';
import { S3Store } from '#src/store/s3.js';
import type { ObjectStore } from '#src/store/store.js';
import { headersOf, parsePath } from '#tiles-spec/index.js';
import { keysIn } from './s3-server.js';

/** The bucket that holds the logs of a run. */
export interface TestBucket {
  readonly endpoint: string;
  readonly name: string;
  /** The URL at which everybody may read the bucket. */
  readonly url: string;
  /** The credentials that may write it. */
  readonly environment: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    bucket: TestBucket;
  }
}

/** A place for the files of one log. Changes made here bypass the log's writer. */
export interface LogPlace {
  /** The place, in the form in which commands and readers take it. */
  readonly name: string;
  /** The place's URL; undefined for a folder. */
  readonly url: string | undefined;
  /** The place's folder; undefined for a bucket. */
  readonly folder: string | undefined;
  /** The flags with which a command reaches the place by its name. */
  readonly flags: readonly string[];
  open(options?: OpenLogOptions): Promise<LogReader>;
  store(): ObjectStore;
  /** The files in the place, by their paths in the log. */
  paths(): Promise<string[]>;
  read(path: string): Promise<Buffer | undefined>;
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  delete(path: string): Promise<void>;
}

/** The bucket of this run; undefined where logs are in folders. */
export const BUCKET = inject('bucket') as TestBucket | undefined;

/** The place of the log with this data folder: the same over all restarts. */
export function placeOf(data: string): LogPlace {
  return BUCKET === undefined ? folderPlace(join(data, 'store')) : bucketPlace(BUCKET, prefixOf(data));
}

function prefixOf(data: string): string {
  return createHash('sha256').update(resolve(data)).digest('hex').slice(0, 24);
}

export function folderPlace(folder: string): LogPlace {
  return {
    name: folder,
    url: undefined,
    folder,
    flags: [],
    open: (options) => openLog(folder, options),
    store: () => new FolderStore(folder),
    paths: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
        .sort();
    },
    read: (path) => readFile(join(folder, path)).catch(() => undefined),
    write: async (path, bytes) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      // A folder store makes files that never change read-only.
      await rm(join(folder, path), { force: true });
      await writeFile(join(folder, path), bytes);
    },
    delete: (path) => rm(join(folder, path), { recursive: true, force: true }),
  };
}

/** Writes files to a place, several at once. */
export async function writeFiles(place: LogPlace, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const waiting = [...files];
  const write = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await place.write(...next);
  };
  await Promise.all(Array.from({ length: 16 }, write));
}

let client: S3Client | undefined;

function bucketPlace({ name: bucket, endpoint, url }: TestBucket, prefix: string): LogPlace {
  const s3 = { endpoint, pathStyle: true };
  // The credentials are in the environment.
  const sender = (client ??= new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true }));
  const object = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` });
  return {
    name: `s3://${bucket}/${prefix}`,
    url: `${url}/${prefix}`,
    folder: undefined,
    flags: ['--s3-endpoint', endpoint, '--s3-path-style'],
    open: (options) => openLog(`s3://${bucket}/${prefix}`, { ...options, s3 }),
    store: () => new S3Store({ bucket, prefix: `${prefix}/` }, s3),
    paths: async () =>
      (await keysIn(sender, bucket, `${prefix}/`)).map((key) => key.slice(prefix.length + 1)),
    read: async (path) => {
      try {
        const { Body: body } = await sender.send(new GetObjectCommand(object(path)));
        return Buffer.from((await body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    write: async (path, bytes) => {
      const { contentType, cacheControl, contentEncoding } = headersOf(parsePath(path));
      await sender.send(
        new PutObjectCommand({
          ...object(path),
          Body: bytes,
          ContentType: contentType,
          CacheControl: cacheControl,
          ContentEncoding: contentEncoding,
        }),
      );
    },
    delete: async (path) => {
      await sender.send(new DeleteObjectCommand(object(path)));
    },
  };
}
