/**
 * Logs to be damaged, the places where they are read, and what fsck says of them.
 * @module
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fsck, type FsckOptions, type LogReader } from '#reader/index.js';
import { openLog, type OpenLogOptions } from '#reader/node/index.js';
import type { LogKey } from '#src/keys/node/log-key.js';
import { formatVerifierKey, leafHash, parsePath, widthAt } from '#tiles-spec/index.js';
import { buildBatch, EMPTY_TAIL, type LogTail } from '#writer/batch.js';
import { startStub, type Stub } from './cli.js';
import { writeFiles, type LogPlace } from './log-place.js';

export const ORIGIN = 'fsck.example';

/** A log, its files as a writer makes them. */
export interface MadeLog {
  readonly place: LogPlace;
  readonly verifierKey: string;
  /** The files that the checkpoint names, itself included, with their bytes. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The checkpoint of every size that the log had; all their files are still there. */
  readonly checkpoints: ReadonlyMap<number, Buffer>;
}

/** What makes one log differ from another. */
export interface LogSettings {
  readonly origin?: string;
  readonly bodyOf?: (index: number) => string;
}

export const START = Date.UTC(2026, 0, 1);

/** Writes a log that had these sizes, a second one after the other. Nothing is synced. */
export async function makeLog(
  place: LogPlace,
  sizes: readonly number[],
  key: LogKey,
  { origin = ORIGIN, bodyOf = (index) => `entry ${index}` }: LogSettings = {},
): Promise<MadeLog> {
  const checkpoints = new Map<number, Buffer>();
  const all = new Map<string, Buffer>();
  let tail: LogTail = EMPTY_TAIL;
  for (const [second, size] of sizes.entries()) {
    const entries = Array.from({ length: size - tail.edge.size }, (_, i) => {
      const body = Buffer.from(bodyOf(tail.edge.size + i));
      return { body, leafHash: leafHash(body) };
    });
    const time = START + 1000 * second;
    const built = await buildBatch(tail, entries, time, key.signer(origin), key.verifier(origin));
    for (const { path, bytes } of built.batch.objects) all.set(path, Buffer.from(bytes));
    all.set('checkpoint', Buffer.from(built.batch.checkpoint.bytes));
    checkpoints.set(size, Buffer.from(built.batch.checkpoint.bytes));
    tail = built.tail;
  }
  await writeFiles(place, all);
  const files = new Map([...all].filter(([path]) => isNamed(path, tail.edge.size)));
  return { place, verifierKey: formatVerifierKey(key.verifierKey(origin)), files, checkpoints };
}

/** Sizes from `step` to `last`. */
export function sizesTo(last: number, step: number): number[] {
  return Array.from({ length: Math.ceil(last / step) }, (_, i) => Math.min(last, (i + 1) * step));
}

/** Whether the checkpoint of `size` names a file. */
function isNamed(path: string, size: number): boolean {
  const name = parsePath(path);
  if (!('width' in name)) return true;
  return name.width === widthAt(size, name.kind === 'tile' ? name.level : 0, name.index);
}

/** A file of the log. */
export function fileOf(log: MadeLog, path: string): Buffer {
  const bytes = log.files.get(path);
  if (bytes === undefined) throw new Error(`the log has no ${path}`);
  return bytes;
}

/** Other bytes for some files of a log; undefined deletes one, and 'folder' has a folder in its place, which a bucket cannot have. */
export type Changes = Readonly<Record<string, Uint8Array | 'folder' | undefined>>;

/** Runs `use` while files of the log are changed, and puts back those that were there. */
export async function withChanges<T>(
  { place }: MadeLog,
  changes: Changes,
  use: () => Promise<T>,
): Promise<T> {
  const before = new Map<string, Buffer>();
  for (const [path, bytes] of Object.entries(changes)) {
    const was = await place.read(path);
    if (was === undefined) throw new Error(`there is no ${path} to be changed`);
    before.set(path, was);
    await place.delete(path);
    if (bytes === 'folder') await mkdir(join(place.folder ?? '', path));
    else if (bytes !== undefined) await place.write(path, bytes);
  }
  try {
    return await use();
  } finally {
    for (const [path, bytes] of before) {
      await place.delete(path);
      await place.write(path, bytes);
    }
  }
}

/** What fsck says: that all is right, or which file is wrong and how. */
export type Verdict =
  'right' | { readonly path: string | undefined; readonly name: string; readonly message: string };

export async function verdictOf(open: () => Promise<LogReader>, options?: FsckOptions): Promise<Verdict> {
  try {
    await fsck(await open(), undefined, options);
    return 'right';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const path = 'path' in error ? (error.path as string | undefined) : undefined;
    return { path, name: error.name, message: error.message };
  }
}

/** Expects the verdict that a file is wrong, by an error that begins with its name or speaks of it. */
export function expectNamed(verdict: Verdict, path: string | readonly string[], what = ''): void {
  if (verdict === 'right') expect.fail(`${what}: ${String(path)} is wrong, and fsck finds nothing`);
  const named = verdict.path ?? 'no file';
  const wanted = [path].flat();
  if (!wanted.includes(named)) {
    expect.fail(`${what}: ${wanted.join(', ')} is wrong, and fsck names ${named}: ${verdict.message}`);
  }
  expect(verdict.message).toContain(named);
}

/** A place where a log is read. */
export interface ReadPlace {
  /** Whether it is a server that says that bundles are gzip. */
  readonly saysGzip: boolean;
  open(options: OpenLogOptions): Promise<LogReader>;
}

/** The places where a log is read: where it is, and over HTTP. */
export interface Places {
  readonly store: ReadPlace;
  readonly http: ReadPlace;
  readonly all: readonly ReadPlace[];
  readonly close: () => void;
}

/** Of a log in a bucket the bucket's own address; of one in a folder two servers, of which one says gzip. */
export async function serve({ place }: MadeLog): Promise<Places> {
  const store: ReadPlace = { saysGzip: false, open: (options) => place.open(options) };
  if (place.folder === undefined) {
    const http = readPlace(place.url ?? '', true);
    return { store, http, all: [store, http], close: () => undefined };
  }
  const [plain, encoded] = await Promise.all([
    serveFolder(place.folder, false),
    serveFolder(place.folder, true),
  ]);
  const http = readPlace(plain.url, false);
  return {
    store,
    http,
    all: [store, http, readPlace(encoded.url, true)],
    close: () => {
      plain.close();
      encoded.close();
    },
  };
}

function readPlace(url: string, saysGzip: boolean): ReadPlace {
  return { saysGzip, open: (options) => openLog(url, options) };
}

function serveFolder(folder: string, isEncoded: boolean): Promise<Stub> {
  return startStub((request, response) => {
    const path = request.url ?? '';
    readFile(join(folder, path)).then(
      (bytes) => {
        const isGzip = isEncoded && path.includes('/entries/');
        response.writeHead(200, isGzip ? { 'content-encoding': 'gzip' } : {}).end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
}

/** Numbers from 0 to `below`, exclusive, the same ones every time (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** `bytes` with another value at one place. */
export function changed(bytes: Uint8Array, at: number, by: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
}

/** The verdicts on a log that is read from several places at once. */
export function verdictsOf({ verifierKey }: MadeLog, places: readonly ReadPlace[]): Promise<Verdict[]> {
  return Promise.all(places.map((place) => verdictOf(() => place.open({ verifierKey, retries: 0 }))));
}
