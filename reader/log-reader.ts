/**
 * Reads a log from its files, believing its key alone.
 * @module
 */
import { UnreachableError } from '../src/errors.js';
import { MAX_NOTE_LENGTH } from '../tiles-spec/note/note.js';
import {
  equalBytes,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  type NoteVerifier,
  type RightEdge,
  type SignedCheckpoint,
  type Tree,
} from '../tiles-spec/index.js';
import { readingObject } from './errors.js';
import { MemoryHeads, requireConsistent, requireExtends, type Heads } from './heads.js';
import { TreeReader, type ReadOptions } from './tree-reader.js';

/** What a log is read with. */
export interface LogReaderOptions extends ReadOptions {
  /** The log's key, from configuration: never from the server that is read. */
  readonly verifier: NoteVerifier;
  /** Where the newest checkpoint seen is remembered. Default: in this reader. */
  readonly heads?: Heads | undefined;
  /**
   * How long a checkpoint older than what was seen is put down to a cache on the way, and asked for again, in
   * milliseconds. Default 0.
   */
  readonly lag?: number | undefined;
}

/** How long to wait for a cache to have a newer checkpoint, in milliseconds. */
const LAG_PAUSE = 500;

/** The log at its newest checkpoint. */
export interface Latest {
  readonly checkpoint: SignedCheckpoint;
  readonly tree: TreeReader;
  /** The newest checkpoint seen before, which this one extends. */
  readonly seen: SignedCheckpoint | undefined;
}

export class LogReader {
  readonly options: LogReaderOptions & { readonly heads: Heads };
  #last: TreeReader | undefined;

  constructor(options: LogReaderOptions) {
    this.options = { ...options, heads: options.heads ?? new MemoryHeads() };
  }

  /**
   * The checkpoint that the log shows now, its signature verified, and not held against any other; undefined where
   * there is none.
   * @throws FormatError or ProofError when it is not this log's.
   */
  async checkpoint(): Promise<SignedCheckpoint | undefined> {
    const bytes = await this.options.read('checkpoint', MAX_NOTE_LENGTH);
    return bytes && readingObject('checkpoint', () => openCheckpoint(bytes, this.options.verifier));
  }

  /**
   * The log at the checkpoint that it shows now, proved to extend the newest one seen. Costs the checkpoint and, where
   * the log has grown, at most two tiles a level.
   * @throws UnreachableError where there is no log; InconsistentLogError; StateError; FormatError or ProofError.
   */
  async latest(): Promise<Latest> {
    for (let lag = 0; ; lag += LAG_PAUSE) {
      // Before the log is asked: what others see later may well be newer than its answer.
      const kept = await this.options.heads.read();
      const checkpoint = await this.checkpoint();
      if (checkpoint === undefined)
        throw new UnreachableError('there is no checkpoint: no log is here', 'no-log');
      if (lag < (this.options.lag ?? 0) && isOlder(checkpoint, kept)) {
        await new Promise((resolve) => setTimeout(resolve, LAG_PAUSE));
        continue;
      }
      const { isKept, seen } = await this.#hold(checkpoint, kept, requireExtends);
      if (isKept) return { checkpoint, tree: this.#treeAt(checkpoint), seen };
      // Others have seen a newer one meanwhile: the log is asked again, and held against that.
    }
  }

  /**
   * Holds a checkpoint that came another way, as the answer to a submission does, against the newest one seen. A newer
   * one must extend that, and is the newest one seen from then on; of an older one, as it may well be where others have
   * seen more, the newest must be the extension. Costs at most two tiles a level.
   * @returns the newest checkpoint seen before; undefined where there was none.
   * @throws InconsistentLogError (`forked` or `rekeyed`); UnreachableError where the tiles that tell cannot be had;
   *   StateError; FormatError or ProofError, also where the checkpoint is not this log's.
   */
  async see(checkpoint: SignedCheckpoint): Promise<SignedCheckpoint | undefined> {
    // What is remembered must open with this log's key, by whichever it was verified.
    const own = openCheckpoint(checkpoint.bytes, this.options.verifier);
    for (;;) {
      const { isKept, seen } = await this.#hold(own, await this.options.heads.read(), requireConsistent);
      if (isKept) return seen;
    }
  }

  /** The log as it was at a checkpoint. `edge` spares reading the right edge where the caller has it. */
  at(tree: Tree, edge?: RightEdge): TreeReader {
    return new TreeReader(tree, this.options, edge);
  }

  /** Holds a checkpoint against the one that is kept, and keeps it where it is newer: unless another is kept by now. */
  async #hold(
    checkpoint: SignedCheckpoint,
    kept: Uint8Array | undefined,
    require: typeof requireExtends,
  ): Promise<{ isKept: boolean; seen: SignedCheckpoint | undefined }> {
    const { heads, verifier } = this.options;
    // An empty tree has no tile that would show that its root is another's.
    if (checkpoint.size === 0) await this.#treeAt(checkpoint).edge();
    const at = (tree: Tree) => this.#treeAt(tree);
    const seen = kept && (await require({ heads, verifier, kept, at }, checkpoint));
    const isNewer = seen === undefined || checkpoint.size > seen.size;
    return { isKept: !isNewer || (await heads.replace(checkpoint.bytes, kept)), seen };
  }

  /** The log at a tree, with the tiles in memory where it is the tree that was read last. */
  #treeAt(tree: Tree): TreeReader {
    const last = this.#last;
    if (last?.tree.size === tree.size && equalBytes(last.tree.root, tree.root)) return last;
    return (this.#last = this.at(tree));
  }
}

/** Whether a checkpoint is of fewer entries than the one that is kept, as far as that can be read. */
function isOlder(checkpoint: SignedCheckpoint, kept: Uint8Array | undefined): boolean {
  if (kept === undefined) return false;
  try {
    return checkpoint.size < parseCheckpoint(parseNote(kept).text).size;
  } catch {
    // What is wrong with it is said where it is held against.
    return false;
  }
}
