/**
 * A staging whose calls pass through the model of a writer's process, which can fail them.
 */
import type { Hash } from '#tiles-spec/index.js';
import type {
  Block,
  LogIdentity,
  SequencedBatch,
  StagedTree,
  Staging,
  StagingDamage,
} from '#writer/staging/staging.js';
import type { Kind, WriterProcess } from './writer-process.js';

/** Every method of the interface. The type check fails for a method that is missing here. */
export const STAGING_METHODS = {
  create: 'durable',
  sequence: 'durable',
  markPublished: 'durable',
  discard: 'durable',
  adopt: 'durable',
  identity: 'read',
  damage: 'read',
  tree: 'read',
  published: 'read',
  unpublished: 'read',
  claims: 'read',
  // In memory; `markPublished` makes it durable.
  claimDropped: 'read',
  find: 'read',
  close: 'read',
} as const satisfies Record<keyof Staging, Kind>;

export class FaultyStaging implements Staging {
  readonly #staging: Staging;
  readonly #process: WriterProcess;

  constructor(staging: Staging, process: WriterProcess) {
    this.#staging = staging;
    this.#process = process;
  }

  create(identity: LogIdentity): Promise<void> {
    return this.#call('create', () => this.#staging.create(identity));
  }

  sequence(batch: SequencedBatch, leafHashes: readonly Hash[]): Promise<void> {
    return this.#call('sequence', () => this.#staging.sequence(batch, leafHashes));
  }

  markPublished(oldSize: number): Promise<void> {
    return this.#call('markPublished', () => this.#staging.markPublished(oldSize));
  }

  discard(oldSize: number): Promise<void> {
    return this.#call('discard', () => this.#staging.discard(oldSize));
  }

  identity(): Promise<LogIdentity | undefined> {
    return this.#call('identity', () => this.#staging.identity());
  }

  adopt(tree: StagedTree, blocks: readonly Block[]): Promise<void> {
    return this.#call('adopt', () => this.#staging.adopt(tree, blocks));
  }

  damage(): StagingDamage {
    return this.#staging.damage();
  }

  tree(): Promise<StagedTree> {
    return this.#call('tree', () => this.#staging.tree());
  }

  published(): Promise<StagedTree> {
    return this.#call('published', () => this.#staging.published());
  }

  claims(): Promise<number[]> {
    return this.#call('claims', () => this.#staging.claims());
  }

  claimDropped(oldSize: number): void {
    // A dead process makes no calls.
    if (!this.#process.isDead) this.#staging.claimDropped(oldSize);
  }

  unpublished(): Promise<SequencedBatch[]> {
    return this.#call('unpublished', () => this.#staging.unpublished());
  }

  find(leafHash: Hash): Promise<number | undefined> {
    return this.#call('find', () => this.#staging.find(leafHash));
  }

  close(): Promise<void> {
    return this.#call('close', () => this.#staging.close());
  }

  #call<T>(method: keyof Staging, work: () => Promise<T>): Promise<T> {
    return this.#process.call(
      { name: `staging.${method}`, of: 'staging', kind: STAGING_METHODS[method] },
      work,
    );
  }
}
