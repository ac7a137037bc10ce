/**
 * Store and staging, made to fit: what staging has lost, or has damaged, is read from the store. What contradicts the
 * store is refused, and says what an operator can do.
 * @module
 */
import type { Logger } from 'pino';
import type { TreeReader } from '../reader/index.js';
import { StartRefusedError } from '../src/errors.js';
import { equalBytes, FormatError, ProofError, type Tree } from '../tiles-spec/index.js';
import type { StoredCheckpoint } from './published-log.js';
import type { Publisher } from './publishing/publisher.js';
import { bringUp, repairBlocks } from './rebuild.js';
import type { Staging } from './staging/staging.js';

export class Fitting {
  readonly #publisher: Publisher;
  readonly #staging: Staging;
  readonly #log: Logger;
  readonly #onBringUp: (done: number, total: number) => void;

  /** @param onBringUp told how many of how many entries staging has learnt from the store. */
  constructor(
    publisher: Publisher,
    staging: Staging,
    log: Logger,
    onBringUp: (done: number, total: number) => void = () => undefined,
  ) {
    this.#publisher = publisher;
    this.#staging = staging;
    this.#log = log;
    this.#onBringUp = onBringUp;
  }

  /**
   * The store's checkpoint, and staging brought to it: what is left unpublished in staging goes on from there. Costs a
   * few tiles where staging fits.
   * @throws StartRefusedError when staging and store contradict each other, or the store is damaged.
   */
  async fit(): Promise<StoredCheckpoint> {
    const current = await this.#publisher.published.current();
    const tree = this.#publisher.published.patient.at(current.value);
    await refusingDamage('right edge', () => tree.edge());
    await requireFit(tree, await this.#staging.published());
    await this.#dropDamagedBatches();
    await this.#repair(tree);
    await this.#settleStored(tree);
    await this.#bringUp(tree);
    return current;
  }

  /** A batch is published: its bytes are no longer needed, and then its claim. */
  async settle(oldSize: number): Promise<void> {
    await this.#staging.markPublished(oldSize);
    await this.#dropClaim(oldSize);
  }

  /** Deletes the claims that a crash left behind after their batches were published. */
  async dropClaims({ value: checkpoint }: StoredCheckpoint): Promise<void> {
    for (const oldSize of await this.#staging.claims()) {
      if (checkpoint.size > oldSize) await this.#dropClaim(oldSize);
    }
  }

  /** Drops unpublished batches from `oldSize` on, none of whose entries were acknowledged. */
  async drop(oldSize: number, reason: string): Promise<void> {
    const last = await this.#staging.tree();
    this.#log.warn(
      { from: oldSize, to: last.size },
      `staging.sqlite: the unpublished batches from ${oldSize} on are dropped: ${reason}. Nobody was told that their entries are logged; submitters try again`,
    );
    await this.#staging.discard(oldSize);
  }

  async #dropClaim(oldSize: number): Promise<void> {
    if (await this.#publisher.dropClaim(oldSize)) this.#staging.claimDropped(oldSize);
  }

  async #dropDamagedBatches(): Promise<void> {
    const { batchesFrom } = this.#staging.damage();
    if (batchesFrom !== undefined)
      await this.drop(batchesFrom, 'the first of them is damaged, or does not follow what is published');
  }

  async #repair(tree: TreeReader): Promise<void> {
    const repaired = await refusingDamage('tiles', () => repairBlocks(this.#staging, tree));
    if (repaired > 0)
      this.#log.warn(
        { blocks: repaired },
        `staging.sqlite was damaged: blocks of leaf hashes (${repaired}) were read again from the store. Check the disk`,
      );
  }

  /** Staging forgets the batches that are published. */
  async #settleStored(tree: TreeReader): Promise<void> {
    for (const batch of await this.#staging.unpublished()) {
      const isStored = batch.size <= tree.tree.size && equalBytes(await tree.rootAt(batch.size), batch.root);
      if (!isStored) return;
      await this.settle(batch.oldSize);
    }
  }

  async #bringUp(tree: TreeReader): Promise<void> {
    const { size } = tree.tree;
    const published = await this.#staging.published();
    if (published.size === size) return;
    const [displaced] = await this.#staging.unpublished();
    if (displaced !== undefined)
      await this.drop(displaced.oldSize, `the store has other entries from ${published.size} on`);
    // A new one was told of already, where the operator asked for it.
    if (published.size > 0)
      this.#log.warn(
        { from: published.size, to: size },
        `staging.sqlite has the first ${published.size} of the store's ${size} entries: it is an older copy, its -wal was lost, or another writer went on. Reading the others from the store`,
      );
    await refusingDamage('tiles', () => bringUp(this.#staging, tree, this.#onBringUp));
    // The batch that staging knew nothing of may have left its claim.
    await this.#dropClaim(published.size);
  }
}

/** @throws StartRefusedError unless the store's log begins with the tree that staging has published. */
async function requireFit(stored: TreeReader, staged: Tree): Promise<void> {
  const { size } = stored.tree;
  if (staged.size > size) {
    throw new StartRefusedError(
      `the store is at ${size} entries and staging has published ${staged.size}: the store was rolled back or emptied, or --store names another place. Give the right store, or restore it from a copy that is not older than staging`,
    );
  }
  if (!equalBytes(await refusingDamage('tree', () => stored.rootAt(staged.size)), staged.root)) {
    throw new StartRefusedError(
      `the store's log of ${size} entries does not extend the ${staged.size} that staging has published: a fork. Keep the store and staging as they are: they are the evidence`,
    );
  }
}

/**
 * Reads the store.
 * @throws StartRefusedError where what is read is not what the log's checkpoint says.
 */
export async function refusingDamage<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ProofError || error instanceof FormatError)) throw error;
    throw new StartRefusedError(
      `the ${what} of the log in the store does not verify: ${error.message}. Restore the store from a copy`,
    );
  }
}
