/**
 * The log's files over HTTP, from a store. All answers together hold a bounded number of bytes in memory, however many
 * there are and however slowly their clients take them.
 * @module
 */
import { UnavailableError } from '../../src/errors.js';
import type { Answer, HeldBody } from '../../src/http/answer.js';
import type { ObjectRange, ObjectStat, ReadableStore } from '../../src/store/store.js';
import { isImmutable, maxLengthOf, parsePath, type ObjectName } from '../../tiles-spec/index.js';
import { hasTag, wantedPart } from './conditions.js';
import {
  entityTag,
  headersFor,
  notFound,
  pastTheEnd,
  servedName,
  type FileRequest,
  type FileSource,
} from './file-request.js';

export interface StoredFilesOptions {
  /** The most bytes of a file that are read at a time. Smaller pieces cost more reads, and larger ones memory. */
  readonly pieceLength: number;
  /** The most bytes that all answers hold at a time. Default 128 MiB. */
  readonly maxHeld?: number;
}

/** Bytes that all answers hold at a time. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** One version of a file, for one answer. */
interface OpenedFile {
  readonly path: string;
  readonly name: ObjectName;
  readonly pieceLength: number;
  stat(): Promise<ObjectStat | undefined>;
  read(start: number, end: number): Promise<ObjectRange | undefined>;
}

/** Bytes [start, end) are to be sent; `end` may be past the file's. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly isRange: boolean;
}

const ALL: Part = { start: 0, end: Infinity, isRange: false };

export class StoredFiles implements FileSource {
  readonly #store: ReadableStore;
  readonly #pieceLength: number;
  readonly #maxHeld: number;
  #held = 0;

  constructor(store: ReadableStore, { pieceLength, maxHeld = MAX_ANSWER_BYTES }: StoredFilesOptions) {
    this.#store = store;
    this.#pieceLength = pieceLength;
    this.#maxHeld = maxHeld;
  }

  /** Bytes that answers hold now. */
  get held(): number {
    return this.#held;
  }

  /**
   * Costs one read of the store, a second one where the answer depends on the tag or the length, and one more for each
   * further piece of the body. The body holds one piece at a time.
   * @throws UnavailableError where other answers hold too much; the store's own errors.
   */
  async answer(request: FileRequest): Promise<Answer> {
    const { path } = request;
    if (servedName(path) === undefined) return notFound(path);
    const file = await this.#open(path);
    const part = file && (await partOf(request, file));
    if (file === undefined || part === undefined) return notFound(path);
    return 'status' in part ? part : this.#send(file, part);
  }

  async #open(path: string): Promise<OpenedFile | undefined> {
    const name = parsePath(path);
    if (isImmutable(name)) {
      return {
        path,
        name,
        pieceLength: this.#pieceLength,
        stat: () => this.#store.stat(path),
        read: (start, end) => this.#store.readRange(path, start, end),
      };
    }
    // A file that changes is short. It is read once, so that its tag, its length and its bytes are of one version.
    const object = await this.#store.read(path);
    if (object === undefined) return undefined;
    const { bytes, etag } = object;
    const size = bytes.length;
    return {
      path,
      name,
      pieceLength: size,
      stat: () => Promise.resolve({ size, etag }),
      read: (start, end) => Promise.resolve({ bytes: bytes.subarray(start, end), size, etag }),
    };
  }

  async #send(file: OpenedFile, { start, end: wantedEnd, isRange }: Part): Promise<Answer> {
    let held = Math.min(wantedEnd - start, file.pieceLength, maxLengthOf(file.name));
    if (this.#held + held > this.#maxHeld) {
      throw new UnavailableError(
        'too many of the files are being read: try again, or read them from the store',
      );
    }
    this.#held += held;
    let isHandedOver = false;
    try {
      const first = await file.read(start, start + held);
      if (first === undefined) return notFound(file.path);
      if (isRange && start >= first.size) return pastTheEnd(file.path, first.size);
      const end = Math.min(wantedEnd, first.size);
      this.#held -= held - first.bytes.length;
      held = first.bytes.length;
      const body: HeldBody = {
        length: end - start,
        content: held === end - start ? first.bytes : pieces(file, first, start, end),
        close: () => {
          this.#held -= held;
        },
      };
      isHandedOver = true;
      const headers = {
        ...headersFor(file.name, first),
        'content-length': String(body.length),
        ...(isRange && { 'content-range': `bytes ${start}-${end - 1}/${first.size}` }),
      };
      return { status: isRange ? 206 : 200, headers, body };
    } finally {
      if (!isHandedOver) this.#held -= held;
    }
  }
}

/** The part of a file to be sent, or an answer without a body; undefined where there is no such file. */
async function partOf(request: FileRequest, file: OpenedFile): Promise<Part | Answer | undefined> {
  const { method, range = '', ifRange, ifNoneMatch } = request;
  // HTTP has ranges for GET alone.
  const wanted = method === 'GET' ? wantedPart(range) : undefined;
  if (method === 'GET' && ifNoneMatch === undefined) {
    if (wanted === undefined) return ALL;
    if (ifRange === undefined && 'start' in wanted) return { ...wanted, isRange: true };
  }
  const stat = await file.stat();
  if (stat === undefined) return undefined;
  const headers = headersFor(file.name, stat);
  if (hasTag(ifNoneMatch ?? '', entityTag(stat))) return { status: 304, headers };
  if (method === 'HEAD') return { status: 200, headers: { ...headers, 'content-length': String(stat.size) } };
  if (wanted === undefined || (ifRange !== undefined && ifRange !== entityTag(stat))) return ALL;
  if ('start' in wanted) return { ...wanted, isRange: true };
  return { start: Math.max(0, stat.size - wanted.suffix), end: stat.size, isRange: true };
}

/** The bytes [at, end) of a file, of which `part` is the first piece. @throws where the file changes meanwhile. */
async function* pieces(
  file: OpenedFile,
  part: ObjectRange | undefined,
  at: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const etag = part?.etag;
  while (at < end) {
    if (part === undefined || part.etag !== etag || part.bytes.length === 0)
      throw new Error(`${file.path} changed while it was read`);
    yield part.bytes;
    at += part.bytes.length;
    // Read only now, when the client has taken the piece before, so that one piece is in memory at a time.
    part = at < end ? await file.read(at, Math.min(end, at + file.pieceLength)) : undefined;
  }
}
