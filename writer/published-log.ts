/**
 * The published log: the checkpoint that the store holds, and its tree. This class alone keeps them. The publisher
 * moves the checkpoint, and all other code asks here.
 * @module
 */
import { LogReader, MemoryCache, type TreeReader } from '../reader/index.js';
import { nodeGunzip } from '../reader/node/gunzip.js';
import { DamagedStoreError } from '../src/errors.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import type { ObjectStore, ReadableStore } from '../src/store/store.js';
import { isBadData } from '../tiles-spec/errors.js';
import {
  equalBytes,
  formatPath,
  openCheckpoint,
  type NoteVerifier,
  type RightEdge,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { Retrying } from './retrying.js';
import { MovingObject, type Stored } from './publishing/moving-object.js';

const PATH = formatPath({ kind: 'checkpoint' });

/** The store's checkpoint, verified, with the tag to swap it by. */
export type StoredCheckpoint = Stored<SignedCheckpoint>;

/** The published log has grown. */
export interface Growth {
  /** The number of entries before: the index of the first new one. */
  readonly from: number;
  readonly checkpoint: SignedCheckpoint;
}

export class PublishedLog {
  /** Tries each read until the store answers, for a start and for publishing: both wait for the end of an outage. */
  readonly patientReader: LogReader;
  /** Tries each read once, for /healthz: its client must hear of an outage at once. */
  readonly impatientReader: LogReader;
  /** Tries each read once, for answers to submitters, and keeps tiles in memory: 8 MiB at most. */
  readonly #answers: LogReader;
  readonly #object: MovingObject<SignedCheckpoint>;
  readonly #listeners = new Set<(growth: Growth) => void>();
  #published: { readonly checkpoint: SignedCheckpoint; readonly tree: TreeReader } | undefined;

  /**
   * @param reads the same store over connections of its own: reads for submitters must not delay the writer's calls.
   */
  constructor(store: ObjectStore, reads: ReadableStore, verifier: NoteVerifier, retrying: Retrying) {
    this.#object = new MovingObject(store, retrying, {
      path: PATH,
      open: (bytes) => openStored(bytes, verifier),
      requireForward,
    });
    const options = { verifier, gunzip: nodeGunzip, sha: opensslSha256 };
    const readOf = (from: Pick<ObjectStore, 'read'>) => async (path: string) =>
      (await from.read(path))?.bytes;
    const read = readOf(store);
    this.patientReader = new LogReader({
      ...options,
      read: (path) => retrying.run(`read ${path}`, () => read(path)),
    });
    this.impatientReader = new LogReader({ ...options, read });
    // One cache for all trees of the log: full tiles never change.
    this.#answers = new LogReader({ ...options, read: readOf(reads), cache: new MemoryCache() });
  }

  /** The newest published checkpoint that this process has seen. @throws TypeError before the first read. */
  get checkpoint(): SignedCheckpoint {
    return this.#last.checkpoint;
  }

  /** The log at that checkpoint, for answers to submitters. @throws TypeError before the first read. */
  get tree(): TreeReader {
    return this.#last.tree;
  }

  /**
   * Calls `listener` whenever the log has grown, before any submitter of the new entries is answered.
   * @returns a function that removes the listener.
   */
  onGrowth(listener: (growth: Growth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads the store's checkpoint as it is now; undefined where there is none. One read. Tries until the store answers.
   * @throws DamagedStoreError where the checkpoint is not this log's, or contradicts one that was read before.
   */
  async read(): Promise<StoredCheckpoint | undefined> {
    const stored = await this.#object.read();
    if (stored !== undefined) this.#grow(stored.value);
    return stored;
  }

  /** As `read`. @throws DamagedStoreError also where the store has no checkpoint. */
  async current(): Promise<StoredCheckpoint> {
    const current = await this.read();
    if (current === undefined) throw new DamagedStoreError('the store has no checkpoint', { path: PATH });
    return current;
  }

  /**
   * Replaces the checkpoint `from`, or creates one where `from` is undefined. One write and one read. Tries until the
   * store answers.
   * @param edge the right edge of the new tree; a caller that has it spares the tiles that would be read for it.
   * @returns the checkpoint that the store holds afterwards: another writer may have been first, or moved it further.
   * @throws DamagedStoreError as `read` does.
   */
  async move(
    from: StoredCheckpoint | undefined,
    checkpoint: SignedCheckpoint,
    edge?: RightEdge,
  ): Promise<StoredCheckpoint> {
    const stored = await this.#object.move(from, checkpoint.bytes);
    const isOurs = stored.value.size === checkpoint.size && equalBytes(stored.value.root, checkpoint.root);
    this.#grow(stored.value, isOurs ? edge : undefined);
    return stored;
  }

  /** Takes over a right edge that the caller has read. Does nothing unless the edge is of the published tree's size. */
  knowEdge(edge: RightEdge): void {
    const { checkpoint } = this.#last;
    if (edge.size === checkpoint.size)
      this.#published = { checkpoint, tree: this.#answers.at(checkpoint, edge) };
  }

  get #last() {
    if (this.#published === undefined) throw new TypeError('the checkpoint has not been read yet');
    return this.#published;
  }

  #grow(checkpoint: SignedCheckpoint, edge?: RightEdge): void {
    const from = this.#published?.checkpoint.size;
    if (from === checkpoint.size) return;
    this.#published = { checkpoint, tree: this.#answers.at(checkpoint, edge) };
    if (from === undefined) return;
    for (const listener of this.#listeners) listener({ from, checkpoint });
  }
}

/** @throws DamagedStoreError whose cause says why the bytes are no checkpoint of this log. */
function openStored(bytes: Uint8Array, verifier: NoteVerifier): SignedCheckpoint {
  try {
    return openCheckpoint(bytes, verifier);
  } catch (error) {
    if (!isBadData(error)) throw error;
    throw new DamagedStoreError(
      `the checkpoint in the store is not one of ${verifier.name} by this log's key: ${error.message}. Something else wrote to the store: restore it from a copy`,
      { cause: error, path: PATH },
    );
  }
}

/**
 * A smaller tree may come from a cache between us and the store: the read is tried again. Another tree of the same size
 * is a fork.
 */
function requireForward(seen: SignedCheckpoint, shown: SignedCheckpoint): void {
  if (shown.size < seen.size)
    throw new Error(`the store shows a checkpoint of ${shown.size} after one of ${seen.size}`);
  if (shown.size === seen.size && !equalBytes(shown.root, seen.root)) {
    throw new DamagedStoreError(
      `the store shows two checkpoints of ${shown.size} with different roots: a fork. Keep the store and staging as they are: they are the evidence`,
      { path: PATH },
    );
  }
}
