/**
 * Brings staging into accord with the store. What staging lacks, or has damaged, is read from the store; a start is
 * refused where the two contradict each other.
 * @module
 */
import type { Logger } from 'pino';
import type { TreeReader } from '../reader/index.js';
import { counted } from '../tiles-spec/counted.js';
import { equalBytes, type Tree } from '../tiles-spec/index.js';
import type { StoredCheckpoint } from './published-log.js';
import type { Publisher } from './publishing/publisher.js';
import { bringUp, repairBlocks } from './rebuild.js';
import type { Staging } from './staging/staging.js';
import { forkFromStaging, refusingDamage, storeRolledBack } from './start-refusals.js';

export class Reconciler {
  readonly #publisher: Publisher;
  readonly #staging: Staging;
  readonly #log: Logger;
  readonly #onBringUp: (done: number, total: number) => void;

  /** @param onBringUp called while staging catches up with the store: `done` of `total` missing entries are read. */
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
   * Brings staging to the store's checkpoint. Batches that remain unpublished in staging follow that checkpoint. Costs
   * a few tiles where staging fits already, and one tile for every 256 entries that it lacks.
   * @returns the store's checkpoint.
   * @throws StartRefusedError when staging and store contradict each other, or the store is damaged.
   */
  async reconcile(): Promise<StoredCheckpoint> {
    const current = await this.#publisher.published.current();
    const tree = this.#publisher.published.patientReader.at(current.value);
    await refusingDamage('right edge', () => tree.edge());
    await requireExtendsStaging(tree, await this.#staging.published());
    await this.#dropDamagedBatches();
    await this.#repairBlocks(tree);
    await this.#settlePublished(tree);
    await this.#bringUp(tree);
    return current;
  }

  /**
   * Has staging forget the batch from `oldSize`, which is published, and then deletes its claim: after a crash between
   * the two, staging still lists the claim, and the next start deletes it.
   */
  async settle(oldSize: number): Promise<void> {
    await this.#staging.markPublished(oldSize);
    await this.#dropClaim(oldSize);
  }

  /** Deletes the claims of published batches that a crash left in the store. */
  async dropOldClaims({ value: checkpoint }: StoredCheckpoint): Promise<void> {
    for (const oldSize of await this.#staging.claims()) {
      if (checkpoint.size > oldSize) await this.#dropClaim(oldSize);
    }
  }

  /** Drops the unpublished batches from `oldSize` on. None of their entries was acknowledged. */
  async dropBatches(oldSize: number, reason: string): Promise<void> {
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
      await this.dropBatches(
        batchesFrom,
        'the first of them is damaged, or does not follow what is published',
      );
  }

  async #repairBlocks(tree: TreeReader): Promise<void> {
    const repaired = await refusingDamage('tiles', () => repairBlocks(this.#staging, tree));
    if (repaired > 0)
      this.#log.warn(
        { blocks: repaired },
        `staging.sqlite was damaged: blocks of leaf hashes (${repaired}) were read again from the store. Check the disk`,
      );
  }

  /** Settles the batches that staging takes for unpublished, and that the store's tree contains. */
  async #settlePublished(tree: TreeReader): Promise<void> {
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
      await this.dropBatches(displaced.oldSize, `the store has other entries from ${published.size} on`);
    // No warning for an empty staging: the operator asked for it to be filled.
    if (published.size > 0)
      this.#log.warn(
        { from: published.size, to: size },
        `staging.sqlite has the first ${published.size} of the store's ${counted(size, 'entry')}: it is an older copy, its -wal was lost, or another writer went on. Reading the others from the store`,
      );
    await refusingDamage('tiles', () => bringUp(this.#staging, tree, this.#onBringUp));
    // The batch from that size is not in staging, so `claims` does not list the claim that it may have left.
    await this.#dropClaim(published.size);
  }
}

/** @throws StartRefusedError unless the store's log begins with the tree that staging has published. */
async function requireExtendsStaging(stored: TreeReader, staged: Tree): Promise<void> {
  const { size } = stored.tree;
  if (staged.size > size) throw storeRolledBack(size, staged.size);
  if (!equalBytes(await refusingDamage('tree', () => stored.rootAt(staged.size)), staged.root))
    throw forkFromStaging(size, staged.size);
}
