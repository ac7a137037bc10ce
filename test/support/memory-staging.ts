/**
 * A staging in memory. It keeps the promises of `Staging` with plain lists, for tests of everything above it.
 */
import { DamagedStoreError } from '#src/errors.js';
import { emptyRoot, type Hash } from '#tiles-spec/index.js';
import type {
  Block,
  LogIdentity,
  SequencedBatch,
  StagedTree,
  Staging,
  StagingDamage,
} from '#writer/staging/staging.js';

interface Batch extends SequencedBatch {
  readonly leafHashes: readonly string[];
}

export class MemoryStaging implements Staging {
  #identity: LogIdentity | undefined;
  #published: StagedTree = { size: 0, root: emptyRoot(), time: 0 };
  /** The leaf hashes of the published entries. */
  #leaves: readonly string[] = [];
  #batches: readonly Batch[] = [];
  #claims: readonly number[] = [];

  clone(): MemoryStaging {
    const staging = new MemoryStaging();
    staging.#identity = this.#identity;
    staging.#published = this.#published;
    staging.#leaves = this.#leaves;
    staging.#batches = this.#batches;
    staging.#claims = this.#claims;
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

  damage(): StagingDamage {
    return { blocks: [], batchesFrom: undefined };
  }

  tree(): Promise<StagedTree> {
    const { size, root, time } = this.#batches.at(-1) ?? this.#published;
    return Promise.resolve({ size, root, time });
  }

  published(): Promise<StagedTree> {
    return Promise.resolve(this.#published);
  }

  unpublished(): Promise<SequencedBatch[]> {
    return Promise.resolve(
      this.#batches.map(({ oldSize, size, root, time, claim }) => ({ oldSize, size, root, time, claim })),
    );
  }

  sequence(batch: SequencedBatch, hashes: readonly Hash[]): Promise<void> {
    const leafHashes = hashes.map(keyOf);
    const last = (this.#batches.at(-1) ?? this.#published).size;
    if (last !== batch.oldSize)
      return Promise.reject(new DamagedStoreError(`the batch begins at ${batch.oldSize}, not at ${last}`));
    if (leafHashes.some((hash) => this.#find(hash) !== undefined))
      return Promise.reject(new DamagedStoreError('a leaf is in the log already'));
    this.#batches = [...this.#batches, { ...batch, claim: batch.claim.slice(), leafHashes }];
    return Promise.resolve();
  }

  markPublished(oldSize: number): Promise<void> {
    const [first, ...others] = this.#batches;
    if (first?.oldSize !== oldSize) return Promise.resolve();
    this.#leaves = [...this.#leaves, ...first.leafHashes];
    this.#published = { size: first.size, root: first.root, time: first.time };
    this.#batches = others;
    this.#claims = [...this.#claims, oldSize];
    return Promise.resolve();
  }

  claims(): Promise<number[]> {
    return Promise.resolve([...this.#claims]);
  }

  claimDropped(oldSize: number): void {
    this.#claims = this.#claims.filter((claim) => claim !== oldSize);
  }

  discard(oldSize: number): Promise<void> {
    this.#batches = this.#batches.filter((batch) => batch.oldSize < oldSize);
    return Promise.resolve();
  }

  adopt(tree: StagedTree, blocks: readonly Block[]): Promise<void> {
    if (this.#batches.length > 0) return Promise.reject(new DamagedStoreError('staging has batches'));
    const [first] = blocks;
    if (first === undefined) return Promise.resolve();
    const leaves = Buffer.concat(blocks.map((block) => block.leaves));
    this.#leaves = [
      ...this.#leaves.slice(0, first.number * 256),
      ...Array.from({ length: leaves.length / 32 }, (_, i) => keyOf(leaves.subarray(32 * i, 32 * i + 32))),
    ];
    this.#published = tree;
    return Promise.resolve();
  }

  find(leafHash: Hash): Promise<number | undefined> {
    return Promise.resolve(this.#find(keyOf(leafHash)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #find(leafHash: string): number | undefined {
    const all = [...this.#leaves, ...this.#batches.flatMap(({ leafHashes }) => leafHashes)];
    const at = all.indexOf(leafHash);
    return at < 0 ? undefined : at;
  }
}

function keyOf(leafHash: Hash): string {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.length).toString('latin1');
}
