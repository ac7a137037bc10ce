/**
 * A staging in memory. What SqliteStaging promises, done as plainly as can be.
 */
import { DamagedStoreError } from '#src/errors.js';
import type { Hash } from '#tiles-spec/index.js';
import type { LogIdentity, SequencedBatch, StagedTree, Staging } from '#writer/staging/staging.js';

interface Batch extends SequencedBatch {
  readonly leafHashes: readonly string[];
  readonly published: boolean;
}

export class MemoryStaging implements Staging {
  #identity: LogIdentity | undefined;
  #batches: readonly Batch[] = [];

  clone(): MemoryStaging {
    const staging = new MemoryStaging();
    staging.#identity = this.#identity;
    staging.#batches = this.#batches;
    return staging;
  }

  identity(): Promise<LogIdentity | undefined> {
    return Promise.resolve(this.#identity);
  }

  create(identity: LogIdentity): Promise<void> {
    if (this.#identity !== undefined) return Promise.reject(new Error('staging has an identity'));
    this.#identity = identity;
    return Promise.resolve();
  }

  tree(size?: number): Promise<StagedTree | undefined> {
    const found =
      size === undefined ? this.#batches.at(-1) : this.#batches.find((batch) => batch.size === size);
    return Promise.resolve(found && { size: found.size, root: found.root, time: found.time });
  }

  unpublished(): Promise<SequencedBatch[]> {
    return Promise.resolve(
      this.#batches
        .filter(({ published }) => !published)
        .map(({ oldSize, size, root, time, claim }) => ({ oldSize, size, root, time, claim })),
    );
  }

  sequence(batch: SequencedBatch, hashes: readonly Hash[]): Promise<void> {
    const leafHashes = hashes.map(keyOf);
    const last = this.#batches.at(-1)?.size ?? 0;
    if (last !== batch.oldSize)
      return Promise.reject(new DamagedStoreError(`the batch begins at ${batch.oldSize}, not at ${last}`));
    if (leafHashes.some((hash) => this.#find(hash) !== undefined))
      return Promise.reject(new DamagedStoreError('a leaf is in the log already'));
    this.#batches = [
      ...this.#batches,
      { ...batch, claim: batch.claim.slice(), leafHashes, published: false },
    ];
    return Promise.resolve();
  }

  markPublished(oldSize: number): Promise<void> {
    this.#batches = this.#batches.map((batch) =>
      batch.oldSize === oldSize ? { ...batch, claim: new Uint8Array(0), published: true } : batch,
    );
    return Promise.resolve();
  }

  discard(oldSize: number): Promise<void> {
    this.#batches = this.#batches.filter((batch) => batch.oldSize < oldSize);
    return Promise.resolve();
  }

  find(leafHash: Hash): Promise<number | undefined> {
    return Promise.resolve(this.#find(keyOf(leafHash)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #find(leafHash: string): number | undefined {
    for (const { oldSize, leafHashes } of this.#batches) {
      const at = leafHashes.indexOf(leafHash);
      if (at >= 0) return oldSize + at;
    }
    return undefined;
  }
}

function keyOf(leafHash: Hash): string {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.length).toString('latin1');
}
