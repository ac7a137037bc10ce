/**
 * Deletes partial tiles, entry bundles and times once the full ones have been published for a while. Readers of an
 * older checkpoint then take the full one and cut it to their width. Without this a busy log would keep every width of
 * every bundle that it ever published.
 * @module
 */
import type { Logger } from 'pino';
import type { ObjectStore } from '../src/store/store.js';
import { formatPath, TILE_WIDTH } from '../tiles-spec/index.js';

/** Entries whose partial objects are deleted before the progress is made durable. */
const STEP = 16 * TILE_WIDTH;

/** The record of the partial objects that the log has published, and of those that are deleted. */
export interface PartialRecord {
  /** The widths, 1 to 255, in which a tile was published before it was full. */
  partialWidths(level: number, index: number): Promise<number[]>;
  /** The tree size up to which partial objects are deleted. */
  collected(): Promise<number>;
  /** Makes that size durable. */
  markCollected(size: number): Promise<void>;
}

export class PartialCollector {
  readonly #store: Pick<ObjectStore, 'delete'>;
  readonly #record: PartialRecord;
  readonly #log: Logger;
  readonly #grace: number;
  /**
   * The published tree sizes that were seen, and when, by `performance.now()`: all younger than the grace, and the
   * newest of the older ones.
   */
  #seen: { readonly at: number; readonly size: number }[] = [];
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #collecting: Promise<void> = Promise.resolve();

  /** @param grace how long a full object must have been published, in milliseconds. */
  constructor(store: Pick<ObjectStore, 'delete'>, record: PartialRecord, log: Logger, grace: number) {
    this.#store = store;
    this.#record = record;
    this.#log = log;
    this.#grace = grace;
  }

  /**
   * Looks at the published tree's size four times a grace, and deletes what may go. Failures are logged and retried.
   */
  start(publishedSize: () => number): void {
    this.#timer = setInterval(() => {
      this.#collecting = this.#collecting.then(() => this.#tick(publishedSize()));
    }, this.#grace / 4).unref();
  }

  /** Stops, after the deletion that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#collecting;
  }

  async #tick(size: number): Promise<void> {
    const now = performance.now();
    this.#seen.push({ at: now, size });
    const old = this.#seen.findLastIndex(({ at }) => at <= now - this.#grace);
    if (old < 0) return;
    this.#seen = this.#seen.slice(old);
    try {
      await this.collect(this.#seen[0]?.size ?? 0);
    } catch (error) {
      this.#log.warn({ err: error }, 'partial tiles could not be deleted; trying again later');
    }
  }

  /**
   * Deletes the partial objects whose full ones a published tree of `size` entries has. Costs at most 12,240 deletes
   * for 4,096 entries.
   * @throws what the store and the record throw; the next call goes on from the last durable progress.
   */
  async collect(size: number): Promise<void> {
    for (let from = await this.#record.collected(); from < size && !this.#stopped;) {
      const to = Math.min(size, (Math.floor(from / STEP) + 1) * STEP);
      await this.#collectBetween(from, to);
      await this.#record.markCollected(to);
      from = to;
    }
  }

  /** Deletes the partial objects whose full ones a tree of `to` entries has, and a tree of `from` entries had not. */
  async #collectBetween(from: number, to: number): Promise<void> {
    const paths: string[] = [];
    for (let level = 0, span = TILE_WIDTH; span <= to; level++, span *= TILE_WIDTH) {
      for (let index = Math.floor(from / span); index < Math.floor(to / span); index++) {
        for (const width of await this.#record.partialWidths(level, index))
          paths.push(...partialPaths(level, index, width));
      }
    }
    await this.#store.delete(paths);
  }
}

/** The objects that exist in a tile's width while the tile is partial: at level 0 also the entry bundle and times. */
function partialPaths(level: number, index: number, width: number): string[] {
  const tile = formatPath({ kind: 'tile', level, index, width });
  if (level > 0) return [tile];
  return [tile, formatPath({ kind: 'entries', index, width }), formatPath({ kind: 'times', index, width })];
}
