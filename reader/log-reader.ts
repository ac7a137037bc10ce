/**
 * Reads a log from its files. Trusts the log's key, and nothing that the server says.
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

/** How a log is read, and by which key. */
export interface LogReaderOptions extends ReadOptions {
  /** The log's key. It must come from configuration, never from the server that is read. */
  readonly verifier: NoteVerifier;
  /** The memory of the newest checkpoint seen. Default: one that lives as long as this reader. */
  readonly heads?: Heads | undefined;
  /**
   * How long to go on asking when the log shows a checkpoint older than the newest one seen, in milliseconds: a cache
   * on the way may be behind. After that, the log is taken to be rolled back. Default: 0.
   */
  readonly lag?: number | undefined;
}

/** Pause before the log is asked again because a cache may be behind, in milliseconds. */
const LAG_PAUSE = 500;

/** The log at its newest checkpoint. */
export interface Latest {
  readonly checkpoint: SignedCheckpoint;
  readonly tree: TreeReader;
  /** The newest checkpoint seen before, which this one extends; undefined where none was. */
  readonly seen: SignedCheckpoint | undefined;
}

/** All methods throw UnreachableError and UnexpectedAnswerError where an object cannot be read. */
export class LogReader {
  readonly options: LogReaderOptions & { readonly heads: Heads };
  #last: TreeReader | undefined;

  constructor(options: LogReaderOptions) {
    this.options = { ...options, heads: options.heads ?? new MemoryHeads() };
  }

  /**
   * Reads the checkpoint that the log shows now, and verifies its signature, but does not compare it with the newest
   * one seen. Undefined where there is none. One read.
   * @throws FormatError or ProofError when the checkpoint is not this log's.
   */
  async checkpoint(): Promise<SignedCheckpoint | undefined> {
    const bytes = await this.options.read('checkpoint', MAX_NOTE_LENGTH);
    return bytes && readingObject('checkpoint', () => openCheckpoint(bytes, this.options.verifier));
  }

  /**
   * The log at the checkpoint that it shows now, proved to extend the newest one seen, and remembered as that from now
   * on. Costs one read and, where the log has grown, at most two tiles a level.
   * @throws UnreachableError also where there is no log; InconsistentLogError; StateError; FormatError or ProofError.
   */
  async latest(): Promise<Latest> {
    for (let lag = 0; ; lag += LAG_PAUSE) {
      // Read our memory before asking the log. If another process stores a newer checkpoint in between, comparing with
      // that one would look like a rollback.
      const kept = await this.options.heads.read();
      const checkpoint = await this.checkpoint();
      if (checkpoint === undefined)
        throw new UnreachableError('there is no checkpoint: no log is here', {
          code: 'no-log',
          path: 'checkpoint',
        });
      if (lag < (this.options.lag ?? 0) && isOlder(checkpoint, kept)) {
        await new Promise((resolve) => setTimeout(resolve, LAG_PAUSE));
        continue;
      }
      const { isKept, seen } = await this.#hold(checkpoint, kept, requireExtends);
      if (isKept) return { checkpoint, tree: this.#treeAt(checkpoint), seen };
      // Another process has stored a newer checkpoint meanwhile: ask the log again, and compare with that one.
    }
  }

  /**
   * Compares a checkpoint that came another way, for example in the answer to a submission, with the newest one seen.
   * The larger of the two must extend the smaller. A larger one is remembered as the newest one seen; a smaller one is
   * no error, since other processes may have seen more. Costs at most two tiles a level.
   * @returns the newest checkpoint seen before; undefined where there was none.
   * @throws InconsistentLogError (`forked` or `rekeyed`); StateError; FormatError or ProofError, also where the checkpoint
   *   is not this log's.
   */
  async see(checkpoint: SignedCheckpoint): Promise<SignedCheckpoint | undefined> {
    // Verify it again with this reader's key, whatever the caller verified it with: a checkpoint that is remembered
    // must open with this key.
    const own = openCheckpoint(checkpoint.bytes, this.options.verifier);
    for (;;) {
      const { isKept, seen } = await this.#hold(own, await this.options.heads.read(), requireConsistent);
      if (isKept) return seen;
    }
  }

  /**
   * The log at a tree. Nothing is read yet.
   * @param tree of a verified checkpoint, or proved to be a tree of this log.
   * @param edge the right edge of the tree; a caller that has it spares reading the edge's tiles.
   */
  at(tree: Tree, edge?: RightEdge): TreeReader {
    return new TreeReader(tree, this.options, edge);
  }

  /**
   * Compares a checkpoint with the one that is kept, and keeps it where it is newer.
   * @param kept what `heads` kept before the log was asked.
   * @returns `isKept`: false where another process has changed `heads` meanwhile, and the caller must begin anew; `seen`:
   *   the checkpoint that was kept.
   */
  async #hold(
    checkpoint: SignedCheckpoint,
    kept: Uint8Array | undefined,
    require: typeof requireExtends,
  ): Promise<{ isKept: boolean; seen: SignedCheckpoint | undefined }> {
    const { heads, verifier } = this.options;
    // No tile is read for an empty tree, so check its root here: it is the hash of no entries, or the checkpoint is
    // wrong.
    if (checkpoint.size === 0) await this.#treeAt(checkpoint).edge();
    const readerAt = (tree: Tree) => this.#treeAt(tree);
    const seen = kept && (await require({ note: kept, heads, verifier, readerAt }, checkpoint));
    const isNewer = seen === undefined || checkpoint.size > seen.size;
    return { isKept: !isNewer || (await heads.replace(checkpoint.bytes, kept)), seen };
  }

  /** As `at`. Where the tree is the one that was asked for last, returns the same reader, with its tiles in memory. */
  #treeAt(tree: Tree): TreeReader {
    const last = this.#last;
    if (last?.tree.size === tree.size && equalBytes(last.tree.root, tree.root)) return last;
    return (this.#last = this.at(tree));
  }
}

/** Whether a checkpoint has fewer entries than the kept one. False where the kept one cannot be parsed. */
function isOlder(checkpoint: SignedCheckpoint, kept: Uint8Array | undefined): boolean {
  if (kept === undefined) return false;
  try {
    return checkpoint.size < parseCheckpoint(parseNote(kept).text).size;
  } catch {
    // `#hold` reports what is wrong with the kept checkpoint.
    return false;
  }
}
