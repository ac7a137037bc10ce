/**
 * From a start, or a take-over, to a log that can be appended to: whatever the store has claimed is published first,
 * then store and staging must fit, then what staging has sequenced is published, by the hot path's own code.
 * @module
 */
import type { Logger } from 'pino';
import type { TreeReader } from '../reader/index.js';
import { gunzip } from '../reader/node/gunzip.js';
import { DamagedStoreError, StartRefusedError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import {
  equalBytes,
  FormatError,
  leafHash,
  maxBundleLength,
  parseBundle,
  parsePath,
  parseTimes,
  ProofError,
  TILE_WIDTH,
  type NoteVerifier,
  type SignedCheckpoint,
  type Tree,
} from '../tiles-spec/index.js';
import { append, EMPTY_TAIL, type Batch, type LogTail, type NewEntry } from './batch.js';
import type { StoredCheckpoint } from './published-log.js';
import { sameContent } from './publishing/immutable-objects.js';
import { batchOf, type Publisher } from './publishing/publisher.js';
import type { Staging } from './staging/staging.js';

/** Where appending goes on from. */
export interface Recovered {
  readonly checkpoint: SignedCheckpoint;
  readonly tail: LogTail;
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly lastTime: number;
}

export class Recovery {
  readonly #publisher: Publisher;
  readonly #staging: Staging;
  readonly #verifier: NoteVerifier;
  readonly #log: Logger;

  constructor(publisher: Publisher, staging: Staging, verifier: NoteVerifier, log: Logger) {
    this.#publisher = publisher;
    this.#staging = staging;
    this.#verifier = verifier;
    this.#log = log;
  }

  /**
   * Publishes what is claimed, checks, publishes what is sequenced.
   * @throws StartRefusedError when store and staging do not fit; ClaimLostError; DamagedStoreError.
   */
  async run(): Promise<Recovered> {
    let current = await this.#fittingCheckpoint();
    for (;;) {
      const claim = await this.#publisher.readClaim(current.value.size);
      if (claim === undefined) break;
      const again = await this.#publisher.published.current();
      // A claim of a size that is published by now may be a second one for it: only one that is found while the
      // checkpoint is, a moment later, still not past it is the one that was chosen.
      if (again.value.size === current.value.size) await this.#completeClaim(claim, again);
      current = await this.#fittingCheckpoint();
    }
    for (const { oldSize, size, claim } of await this.#staging.unpublished()) {
      this.#log.info({ from: oldSize, to: size }, 'publishing a batch that was sequenced before the start');
      await this.#publisher.publish(batchOf(oldSize, claim, this.#verifier));
      await this.#settle(oldSize);
      // Another writer may have found our claim, and gone on from it.
      current = await this.#fittingCheckpoint();
    }
    const tail = await this.#readTail(current.value);
    const lastTime = (await this.#staging.tree())?.time ?? 0;
    if ((tail.times.at(-1) ?? 0) > lastTime) {
      throw new StartRefusedError(
        `the times of the last bundle in the store are later than staging's last batch. Restore tile/times from a copy of the store`,
      );
    }
    return { checkpoint: current.value, tail, lastTime };
  }

  /** Publishes a claim that was found, ours or another writer's, and has staging know its entries. */
  async #completeClaim(claim: Uint8Array, current: StoredCheckpoint): Promise<void> {
    const batch = batchOf(current.value.size, claim, this.#verifier);
    const { oldSize } = batch;
    const { size, root } = batch.checkpoint;
    this.#log.info({ from: oldSize, to: size }, 'completing a batch that was claimed before the start');
    const { leafHashes, time } = await verifyBatch(batch, await this.#readTail(current.value));
    const staged = (await this.#staging.unpublished()).find((each) => each.oldSize === oldSize);
    if (staged === undefined || !equalBytes(staged.claim, claim)) {
      // Ours, if there was one, was never shown to anyone.
      await this.#staging.discard(oldSize);
      await this.#staging.sequence({ oldSize, size, root, time, claim }, leafHashes);
    }
    await this.#publisher.complete(batch, current);
    await this.#settle(oldSize);
  }

  /** A batch is published: its bytes are no longer needed. */
  async #settle(oldSize: number): Promise<void> {
    await this.#staging.markPublished(oldSize);
    await this.#publisher.dropClaim(oldSize);
  }

  /** The log's tail, from the store: the right edge must hash to the checkpoint, and the partial bundle to the edge. */
  async #readTail(checkpoint: SignedCheckpoint): Promise<LogTail> {
    if (checkpoint.size === 0) return EMPTY_TAIL;
    const tree = this.#publisher.published.patient.at(checkpoint);
    try {
      const edge = await tree.edge();
      if (checkpoint.size % TILE_WIDTH === 0) return { edge, bodies: [], times: [] };
      const index = Math.floor(checkpoint.size / TILE_WIDTH);
      return { edge, bodies: await tree.bundle(index), times: await tree.times(index) };
    } catch (error) {
      throw refuseDamage('end', error);
    }
  }

  /**
   * The store's checkpoint, when its log is the one that staging holds. Staging forgets what has been published.
   * @throws StartRefusedError when it is not.
   */
  async #fittingCheckpoint(): Promise<StoredCheckpoint> {
    const current = await this.#publisher.published.current();
    const checkpoint = current.value;
    const tree = this.#publisher.published.patient.at(checkpoint);
    await tree.edge().catch((error: unknown) => {
      throw refuseDamage('right edge', error);
    });
    for (const batch of await this.#staging.unpublished()) {
      const stored = batch.size <= checkpoint.size && equalBytes(await tree.rootAt(batch.size), batch.root);
      if (stored) await this.#settle(batch.oldSize);
    }
    await this.#requireFit(tree, await this.#lastPublished());
    return current;
  }

  /** The last tree that staging knows to be published. */
  async #lastPublished(): Promise<Tree> {
    const [first] = await this.#staging.unpublished();
    return (await this.#staging.tree(first?.oldSize)) ?? { size: 0, root: EMPTY_TAIL.edge.root() };
  }

  async #requireFit(stored: TreeReader, staged: Tree): Promise<void> {
    const { size } = stored.tree;
    if (staged.size > size) {
      throw new StartRefusedError(
        `the store is at ${size} entries and staging has published ${staged.size}: the store was rolled back or emptied, or --store names another place. Give the right store, or restore it from a copy that is not older than staging`,
      );
    }
    if (staged.size > 0 && !equalBytes(await stored.rootAt(staged.size), staged.root)) {
      throw new StartRefusedError(
        `the store's log of ${size} entries does not extend the ${staged.size} that staging has published: a fork. Keep the store and staging as they are: they are the evidence`,
      );
    }
    if (staged.size < size) {
      throw new StartRefusedError(
        `the store is at ${size} entries and staging has published ${staged.size}: staging was lost or restored from an old copy, or another writer has gone on. Restore the newest staging.sqlite; this version cannot rebuild it from the store`,
      );
    }
  }
}

/**
 * Makes a claim's batch anew from its entries: it must be, to the byte, what appending them makes.
 * @throws DamagedStoreError when it is not.
 */
async function verifyBatch(batch: Batch, tail: LogTail) {
  const { size, root } = batch.checkpoint;
  const differ = (what: string) =>
    new DamagedStoreError(
      `the claim staging/${batch.oldSize} does not extend the log: its ${what} differ from what its entries make`,
    );
  try {
    const { entries, times } = await readNewEntries(batch);
    const [time] = times;
    const made = await append(tail, entries, time ?? 0);
    if (made.tail.edge.size !== size || !equalBytes(made.tail.edge.root(), root)) throw differ('root');
    if (time === undefined || times.some((each) => each !== time)) throw differ('times');
    // As many objects, and each that is made among them: so none is there twice.
    if (batch.objects.length !== made.objects.length) throw differ('objects');
    const claimed = new Map(batch.objects.map(({ path, bytes }) => [path, bytes]));
    for (const { path, bytes } of made.objects) {
      const theirs = claimed.get(path);
      if (theirs === undefined || !(await sameContent(theirs, bytes))) throw differ(path);
    }
    return { leafHashes: entries.map((entry) => entry.leafHash), time };
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
    throw differ(`objects (${error.message})`);
  }
}

/** The entries that a batch appends, from the bundles in its claim. */
async function readNewEntries({
  oldSize,
  objects,
}: Batch): Promise<{ entries: NewEntry[]; times: number[] }> {
  const entries: NewEntry[] = [];
  const times: number[] = [];
  for (const { path, bytes } of objects) {
    const name = parsePath(path);
    if (name.kind !== 'entries' && name.kind !== 'times') continue;
    const skipped = Math.max(0, oldSize - name.index * TILE_WIDTH);
    if (name.kind === 'times') {
      times.push(...parseTimes(bytes, name.width).slice(skipped));
    } else {
      const bundle = parseBundle(await gunzip(bytes, maxBundleLength(name.width)), name.width).slice(skipped);
      entries.push(...bundle.map((body) => ({ body, leafHash: leafHash(body, nodeSha256) })));
    }
  }
  return { entries, times };
}

/** What to say of what is read from the store and is not what the log's checkpoint says. */
function refuseDamage(what: string, error: unknown): unknown {
  if (!(error instanceof ProofError || error instanceof FormatError)) return error;
  return new StartRefusedError(
    `the ${what} of the log in the store does not verify: ${error.message}. Restore the store from a copy`,
  );
}
