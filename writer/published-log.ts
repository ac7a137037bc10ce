/**
 * Where the log is: the checkpoint that the store holds, and the tree that it signs. The one owner of that; the
 * publisher moves it, and everyone else asks.
 * @module
 */
import { LogReader, MemoryCache, type TreeReader } from '../reader/index.js';
import { gunzip } from '../reader/node/gunzip.js';
import { DamagedStoreError } from '../src/errors.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import type { ObjectStore, ReadableStore } from '../src/store/store.js';
import {
  equalBytes,
  FormatError,
  formatPath,
  openCheckpoint,
  ProofError,
  type NoteVerifier,
  type RightEdge,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { Retrying } from './retrying.js';
import { MovingObject, type Stored } from './publishing/moving-object.js';

/** The store's checkpoint, verified, and the tag to swap it by. */
export type StoredCheckpoint = Stored<SignedCheckpoint>;

/** The log has grown from `from` entries to those of its checkpoint. */
export interface Growth {
  readonly from: number;
  readonly checkpoint: SignedCheckpoint;
}

export class PublishedLog {
  /** Reads the log's files until the store answers: for a start and for publishing, which wait an outage out. */
  readonly patient: LogReader;
  /** Reads each file once: for /healthz, whose client does not wait. */
  readonly impatient: LogReader;
  /** Reads each file once, for answers to submitters. */
  readonly #answers: LogReader;
  readonly #object: MovingObject<SignedCheckpoint>;
  readonly #listeners = new Set<(growth: Growth) => void>();
  #published: { readonly checkpoint: SignedCheckpoint; readonly tree: TreeReader } | undefined;

  /** @param reads the same store, by connections that the writer's own calls do not wait for. */
  constructor(store: ObjectStore, reads: ReadableStore, verifier: NoteVerifier, retrying: Retrying) {
    this.#object = new MovingObject(store, retrying, {
      path: formatPath({ kind: 'checkpoint' }),
      open: (bytes) => openStored(bytes, verifier),
      requireForward,
    });
    const options = { verifier, gunzip, sha: opensslSha256 };
    const readOf = (from: Pick<ObjectStore, 'read'>) => async (path: string) =>
      (await from.read(path))?.bytes;
    const read = readOf(store);
    this.patient = new LogReader({
      ...options,
      read: (path) => retrying.run(`read ${path}`, () => read(path)),
    });
    this.impatient = new LogReader({ ...options, read });
    // Full tiles never change: each tree after this one finds them there.
    this.#answers = new LogReader({ ...options, read: readOf(reads), cache: new MemoryCache() });
  }

  /** The checkpoint published last, as far as this process has seen. */
  get checkpoint(): SignedCheckpoint {
    return this.#last.checkpoint;
  }

  /** The log at that checkpoint, for answers to submitters. */
  get tree(): TreeReader {
    return this.#last.tree;
  }

  /** Calls `listener` whenever the log has grown, before any submitter is answered. Returns what ends that. */
  onGrowth(listener: (growth: Growth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the store's checkpoint as it is now; undefined where there is none. @throws DamagedStoreError. */
  async read(): Promise<StoredCheckpoint | undefined> {
    const stored = await this.#object.read();
    if (stored !== undefined) this.#grow(stored.value);
    return stored;
  }

  /** Reads the store's checkpoint as it is now. @throws DamagedStoreError where there is none. */
  async current(): Promise<StoredCheckpoint> {
    const current = await this.read();
    if (current === undefined) throw new DamagedStoreError('the store has no checkpoint');
    return current;
  }

  /**
   * Replaces the checkpoint `from`, or creates one where there is none.
   * @param edge the right edge of its tree, where the caller has it: it spares reading it.
   * @returns what the store holds then: another writer may have moved it further, or been first.
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

  /** Takes the right edge of the published tree from the caller, who has read it: it spares reading it again. */
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
    if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
    throw new DamagedStoreError(
      `the checkpoint in the store is not one of ${verifier.name} by this log's key: ${error.message}. Something else wrote to the store: restore it from a copy`,
      { cause: error },
    );
  }
}

/** A smaller tree may come from a cache on the way, and is asked for again. Another tree of the same size is a fork. */
function requireForward(seen: SignedCheckpoint, shown: SignedCheckpoint): void {
  if (shown.size < seen.size)
    throw new Error(`the store shows a checkpoint of ${shown.size} after one of ${seen.size}`);
  if (shown.size === seen.size && !equalBytes(shown.root, seen.root)) {
    throw new DamagedStoreError(
      `the store shows two checkpoints of ${shown.size} with different roots: a fork. Keep the store and staging as they are: they are the evidence`,
    );
  }
}
