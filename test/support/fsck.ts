/**
 * Logs that tests damage, the places where the logs are read, and fsck's verdicts on them.
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

/** A log whose files are those that a writer makes. */
export interface MadeLog {
  readonly place: LogPlace;
  readonly verifierKey: string;
  /** The checkpoint and all files that it commits to, with their bytes. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The checkpoint of every size that the log had. All their files still exist. */
  readonly checkpoints: ReadonlyMap<number, Buffer>;
}

/** The ways in which a log may differ from the usual one. */
export interface LogSettings {
  readonly origin?: string;
  readonly bodyOf?: (index: number) => string;
}

export const START = Date.UTC(2026, 0, 1);

/** Writes a log that had these sizes, each a second after the one before. Nothing is synced to disk. */
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

/** The multiples of `step` up to `last`, and `last`. */
export function sizesTo(last: number, step: number): number[] {
  return Array.from({ length: Math.ceil(last / step) }, (_, i) => Math.min(last, (i + 1) * step));
}

/** Whether the checkpoint of `size` entries commits to a file. */
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

/** New contents for files of a log. Undefined deletes a file; 'folder' makes it a folder, which no bucket can hold. */
export type Changes = Readonly<Record<string, Uint8Array | 'folder' | undefined>>;

/** Runs `use` while files of the log are changed, and then restores them. */
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

/** fsck's verdict: `right`, or the error that names the wrong file. */
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

/** Expects an error whose message names one of these files. */
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
  /** Whether the server sends `Content-Encoding: gzip` with entry bundles. */
  readonly saysGzip: boolean;
  open(options: OpenLogOptions): Promise<LogReader>;
}

/** The places where a log is read: its store, and HTTP servers. */
export interface Places {
  readonly store: ReadPlace;
  readonly http: ReadPlace;
  readonly all: readonly ReadPlace[];
  readonly close: () => void;
}

/**
 * Serves a log. A log in a bucket has one server, the bucket's own. A log in a folder has two, of which one sends
 * `Content-Encoding: gzip`.
 */
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

/** Makes a function that gives numbers from 0 to `below`, exclusive, the same in each run (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A copy of `bytes` with one byte changed: `by` is XORed into the byte at `at`. */
export function changed(bytes: Uint8Array, at: number, by: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
}

/** The verdicts on a log from several places, which are read at the same time. */
export function verdictsOf({ verifierKey }: MadeLog, places: readonly ReadPlace[]): Promise<Verdict[]> {
  return Promise.all(places.map((place) => verdictOf(() => place.open({ verifierKey, retries: 0 }))));
}
