/**
 * A log under test: a store and a staging in memory, writers that are opened on them one after the other, and all
 * acknowledgements.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { LogKey } from '#src/keys/node/log-key.js';
import type { ObjectStore } from '#src/store/store.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeHex, leafHash } from '#tiles-spec/index.js';
import type { NewEntry } from '#writer/batch.js';
import type { Staging } from '#writer/staging/staging.js';
import { Writer, type PublishedPlace } from '#writer/writer.js';
import { FaultyStaging } from './faulty-staging.js';
import { FaultyStore } from './faulty-store.js';
import { MemoryStaging } from './memory-staging.js';
import { MemoryStore } from './memory-store.js';
import { History, openNaively, requireIncluded } from './naive-log.js';
import { WriterProcess, type Plan } from './writer-process.js';

export const ORIGIN = 'log.example';
export const SILENT = pino({ level: 'silent' });
export const KEY = await makeKey();
export const NAME = { origin: ORIGIN, spki: KEY.spki };

/** The key of all logs under test. */
export async function makeKey(): Promise<LogKey> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-key-'));
  try {
    return await LogKey.create(join(folder, 'log.key'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `count` entries, each with another body, made from the label and a number. */
export function entries(label: string, count: number): NewEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const body = encodeText(JSON.stringify({ label, i }));
    return { body, leafHash: leafHash(body) };
  });
}

/** A writer that runs, or the error with which it failed to start. */
export type Opened =
  | { readonly state: 'open'; readonly writer: Writer; readonly process: WriterProcess }
  | { readonly state: 'failed'; readonly error: unknown; readonly process: WriterProcess }
  | { readonly state: 'crashed'; readonly process: WriterProcess };

export interface OpenOptions {
  /** A store to use in place of the one that passes through the process. */
  readonly store?: ObjectStore;
  readonly staging?: Staging;
  readonly key?: LogKey;
  readonly maxPending?: number;
  readonly batchSize?: number;
}

interface Acknowledged {
  readonly leaf: string;
  readonly index: number;
}

export class TestLog {
  readonly store: MemoryStore;
  readonly staging: MemoryStaging;
  readonly history: History;
  readonly acknowledged: Acknowledged[] = [];

  constructor(store = new MemoryStore(), staging = new MemoryStaging(), history = new History(NAME)) {
    this.store = store;
    this.staging = staging;
    this.history = history;
  }

  /** A log of `size` entries, labelled `before`. */
  static async of(size: number): Promise<TestLog> {
    const log = new TestLog();
    const writer = await log.reopen();
    await log.submitAll(writer, entries('before', size));
    await log.close(writer);
    return log;
  }

  /** A copy that changes on its own from here on. */
  clone(): TestLog {
    const log = new TestLog(this.store.clone(), this.staging.clone(), this.history.clone());
    log.acknowledged.push(...this.acknowledged);
    return log;
  }

  /** Starts a writer in a process of its own. */
  async open(plan?: Plan, options: OpenOptions = {}): Promise<Opened> {
    const process = new WriterProcess(plan);
    const opening = Writer.open(
      {
        store: options.store ?? new FaultyStore(this.store, process),
        staging: new FaultyStaging(options.staging ?? this.staging, process),
        key: options.key ?? KEY,
        origin: ORIGIN,
        batchAge: 0,
        batchSize: options.batchSize ?? 4096,
        maxPending: options.maxPending ?? 4096,
        log: SILENT,
        create: true,
      },
      new AbortController().signal,
    ).then(
      (writer): Opened => ({ state: 'open', writer, process }),
      (error: unknown): Opened => ({ state: 'failed', error, process }),
    );
    return Promise.race([opening, process.crashed.then((): Opened => ({ state: 'crashed', process }))]);
  }

  /** Starts a writer, and requires that it starts. */
  async reopen(options: OpenOptions = {}): Promise<Writer> {
    const opened = await this.open({}, options);
    if (opened.state === 'failed') throw opened.error;
    assert.equal(opened.state, 'open');
    return opened.writer;
  }

  /** Submits one entry, and records the acknowledgement. */
  async submit(writer: Writer, entry: NewEntry): Promise<PublishedPlace> {
    const proved = await writer.submit(entry);
    this.history.follow(this.store);
    const leaf = encodeHex(entry.leafHash);
    assert.ok(
      this.history.published(proved.checkpoint.bytes),
      'an answer shows a checkpoint that is not stored',
    );
    requireIncluded(leaf, proved.index, proved.proof, openNaively(proved.checkpoint.bytes, NAME));
    this.acknowledged.push({ leaf, index: proved.index });
    return proved;
  }

  /** Submits entries at the same time. Every entry must be acknowledged. */
  submitAll(writer: Writer, all: readonly NewEntry[]): Promise<PublishedPlace[]> {
    return Promise.all(all.map((entry) => this.submit(writer, entry)));
  }

  /**
   * Submits entries at the same time, and waits until all are answered or the process is dead. Returns the number of
   * acknowledgements.
   */
  async trySubmit(
    { writer, process }: Opened & { state: 'open' },
    all: readonly NewEntry[],
  ): Promise<number> {
    let count = 0;
    const wrong: unknown[] = [];
    const submitted = Promise.all(
      all.map((entry) =>
        this.submit(writer, entry).then(
          () => count++,
          (error: unknown) => {
            if (error instanceof assert.AssertionError) wrong.push(error);
          },
        ),
      ),
    );
    await Promise.race([submitted, process.crashed]);
    if (wrong.length > 0) throw wrong[0];
    return count;
  }

  /** Closes a writer, and requires that it stops without an error. */
  async close(writer: Writer): Promise<void> {
    const error = await writer.close();
    if (error !== undefined) throw error;
    this.check();
    await this.checkStaging(this.staging);
  }

  /** Requires that the whole log is right, and that every earlier checkpoint was. */
  check(): void {
    this.history.follow(this.store);
    // The history has checked that each log extends every earlier one, and `submit` has checked each acknowledgement
    // against the log of its checkpoint. So the newest log holds them all.
    for (const { leaf, index } of this.acknowledged)
      assert.equal(this.history.log.leaves[index], leaf, `acknowledged entry ${index} is not there`);
    const stored = this.store.peek('checkpoint');
    if (stored !== undefined) assert.equal(openNaively(stored, NAME).size, this.history.log.size);
  }

  /** Requires that a staging, whose writer has stopped, agrees with the store. */
  async checkStaging(staging: Staging): Promise<void> {
    const { size, root, leaves } = this.history.log;
    const tree = await staging.tree();
    assert.equal(tree.size, size);
    assert.equal(Buffer.from(tree.root).toString('base64'), root);
    assert.deepEqual(await staging.unpublished(), []);
    for (const [i, leaf] of leaves.entries()) assert.equal(await staging.find(Buffer.from(leaf, 'hex')), i);
  }

  /** The sizes whose claims are in the store. */
  claims(): number[] {
    return this.store
      .paths()
      .filter((path) => path.startsWith('staging/'))
      .map((path) => Number(path.slice('staging/'.length)));
  }
}
