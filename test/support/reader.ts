/**
 * Logs in memory, servers of them that may cheat, and the files that a reader leaves on disk.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LogKey } from '#src/keys/node/log-key.js';
import {
  encodeEntryBundle,
  encodeTimes,
  formatCheckpoint,
  formatPath,
  formatVerifierKey,
  headersOf,
  leafHash,
  openCheckpoint,
  parsePath,
  RightEdge,
  signNote,
  type NoteVerifier,
  type ObjectName,
  type SignedCheckpoint,
} from '#tiles-spec/index.js';
import { writeFiles, type LogPlace } from './log-place.js';
import { listenOnFreePort } from './free-port.js';

export const ORIGIN = 'reader.example/log';

/** When entry `index` was sequenced. */
export const timeAt = (index: number): number => 1_700_000_000_000 + index * 10;

/** Makes a new key. Its file is deleted. */
export async function newKey(): Promise<LogKey> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-key-'));
  try {
    return await LogKey.create(join(folder, 'log.key'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface TestLogOptions {
  readonly key?: LogKey;
  readonly origin?: string;
  readonly bodyAt?: (index: number) => Uint8Array;
  /** Whether bundles are stored compressed. Default: true. */
  readonly gzip?: boolean;
}

/** A log in memory. It keeps every file, with the partial ones of every size at which it was published. */
export class TestLog {
  readonly files = new Map<string, Uint8Array>();
  readonly bodies: Uint8Array[] = [];
  readonly origin: string;
  readonly bodyAt: (index: number) => Uint8Array;
  #edge = RightEdge.empty();

  private constructor(
    readonly key: LogKey,
    readonly options: TestLogOptions,
  ) {
    this.origin = options.origin ?? ORIGIN;
    this.bodyAt = options.bodyAt ?? ((index) => Buffer.from(`entry ${index}, and some words that compress`));
  }

  /** A log that was published at each of `sizes`, which ascend. */
  static async of(sizes: readonly number[], options: TestLogOptions = {}): Promise<TestLog> {
    const log = new TestLog(options.key ?? (await newKey()), options);
    for (const size of sizes) log.grow(size);
    return log;
  }

  get size(): number {
    return this.bodies.length;
  }

  get vkey(): string {
    return formatVerifierKey(this.key.verifierKey(this.origin));
  }

  get verifier(): NoteVerifier {
    return this.key.verifier(this.origin);
  }

  get checkpoint(): SignedCheckpoint {
    return openCheckpoint(this.file('checkpoint'), this.verifier);
  }

  file(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new Error(`the test log has no ${path}`);
    return bytes;
  }

  /** Publishes the log at a size. */
  grow(size: number): this {
    const from = this.size;
    for (let index = from; index < size; index++) this.bodies.push(this.bodyAt(index));
    const { edge, tiles } = this.#edge.append(this.bodies.slice(from).map((body) => leafHash(body)));
    this.#edge = edge;
    for (const tile of tiles) {
      const { level, index, width } = tile;
      this.#put({ kind: 'tile', level, index, width }, tile.bytes);
      if (level > 0) continue;
      const bodies = this.bodies.slice(index * 256, index * 256 + width);
      const bundle = encodeEntryBundle(bodies);
      this.#put({ kind: 'entries', index, width }, this.options.gzip === false ? bundle : gzipSync(bundle));
      this.#put({ kind: 'times', index, width }, encodeTimes(bodies.map((_, i) => timeAt(index * 256 + i))));
    }
    this.files.set('checkpoint', this.sign(size, edge.root()));
    return this;
  }

  /** The log's checkpoint at a size that it has had, published or not. */
  signAt(size: number): Uint8Array {
    const hashes = this.bodies.slice(0, size).map((body) => leafHash(body));
    return this.sign(size, RightEdge.empty().append(hashes).edge.root());
  }

  /** A checkpoint of any tree, signed by the log's key. */
  sign(size: number | string, root: Uint8Array): Uint8Array {
    const text = formatCheckpoint({ origin: this.origin, size: 0, root, extensions: [] });
    return signNote(text.replace('\n0\n', `\n${size}\n`), this.key.signer(this.origin));
  }

  /** Writes the log's files to a place. */
  writeTo(place: LogPlace): Promise<void> {
    return writeFiles(place, this.files);
  }

  #put(name: ObjectName, bytes: Uint8Array): void {
    this.files.set(formatPath(name), bytes);
  }
}

/**
 * Answers a request; or returns false, and the server sends the log's own file. `count` is the number of requests for
 * this path before.
 */
export type Fault = (path: string, response: ServerResponse, count: number) => boolean | undefined;

export interface TestServer {
  /** The URL of the log. */
  readonly url: string;
  /** The requested paths, below the log's URL, in order. */
  readonly requests: string[];
  readonly messages: IncomingMessage[];
  fault: Fault | undefined;
  close(): Promise<void>;
}

/** Serves the present contents of `files`, with a fault if one is given. */
export async function serveFiles(files: () => ReadonlyMap<string, Uint8Array>): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const requests: string[] = [];
  const messages: IncomingMessage[] = [];
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    response.on('error', () => undefined);
    const path = (request.url ?? '').replace(/^\/log\//, '');
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    requests.push(path);
    messages.push(request);
    if (test.fault?.(path, response, count) === true) return;
    sendFile(files(), path, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listenOnFreePort(server);
  const test: TestServer = {
    url: `http://127.0.0.1:${port}/log`,
    requests,
    messages,
    fault: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return test;
}

/** Sends a file as an honest server does. */
export function sendFile(
  files: ReadonlyMap<string, Uint8Array>,
  path: string,
  response: ServerResponse,
): void {
  const bytes = files.get(path);
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const { contentType, contentEncoding } = headersOf(parsePath(path));
  response.setHeader('content-type', contentType);
  if (contentEncoding === 'gzip' && bytes[0] === 0x1f) response.setHeader('content-encoding', 'gzip');
  response.end(bytes);
}

/** Every file below a folder, by its path there. Files that vanish meanwhile are left out. Empty without the folder. */
export async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, Buffer>();
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes !== undefined) files.set(relative(folder, file), bytes);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A digest of all files below a folder: it changes when any of them does. */
export async function digestOf(folder: string): Promise<string> {
  const digest = createHash('sha256');
  for (const [path, bytes] of await filesIn(folder)) digest.update(`${path} ${bytes.length} `).update(bytes);
  return digest.digest('hex');
}

/** The error that a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<Error & { code?: string; path?: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
