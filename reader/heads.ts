/**
 * The newest head seen of a log. Each new checkpoint is compared with it, which detects rollback, changed history and
 * split views.
 * @module
 */
import { messageOf } from '../src/errors.js';
import { counted } from '../tiles-spec/counted.js';
import {
  equalBytes,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  type NoteVerifier,
  type SignedCheckpoint,
  type Tree,
} from '../tiles-spec/index.js';
import { InconsistentLogError, StateError, type Contradiction } from './errors.js';
import type { TreeReader } from './tree-reader.js';

/** Keeps the newest checkpoint seen of one log, as the bytes of its signed note. */
export interface Heads {
  /** The place of the checkpoint, for messages. */
  readonly place: string;
  /** @throws StateError when the checkpoint cannot be read. */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Compare-and-swap by the notes' bytes, atomic between all processes that share the place.
   * @param expected the note that was kept when the caller read it; undefined where none was.
   * @returns false, and nothing changed, where another note than `expected` is kept by now: the caller reads that one,
   *   and compares again.
   * @throws StateError when the checkpoint cannot be kept.
   */
  replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean>;
  /**
   * Keeps the two notes of a contradiction, each contradiction once. Of those that are `rolled-back` the newest alone
   * need be kept: a cache that is behind may cause one with every read.
   * @returns where they are kept.
   * @throws StateError when they cannot be kept.
   */
  keepEvidence(contradiction: Contradiction): Promise<string>;
}

/**
 * Heads that are forgotten when the process ends.
 * @example
 * const heads = new MemoryHeads();
 * await heads.replace(Uint8Array.of(1), undefined); // => true
 * await heads.replace(Uint8Array.of(2), Uint8Array.of(1)); // => true
 * await heads.replace(Uint8Array.of(3), Uint8Array.of(1)); // => false
 * await heads.read(); // => Uint8Array(1) [ 2 ]
 */
export class MemoryHeads implements Heads {
  readonly place = 'memory';
  #checkpoint: Uint8Array | undefined;
  /** The contradictions found, each once; of those that are `rolled-back` the newest. */
  evidence: readonly Contradiction[] = [];

  read(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#checkpoint);
  }

  replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean> {
    const kept = this.#checkpoint;
    const isExpected =
      kept === undefined || expected === undefined ? kept === expected : equalBytes(kept, expected);
    if (isExpected) this.#checkpoint = checkpoint;
    return Promise.resolve(isExpected);
  }

  keepEvidence(found: Contradiction): Promise<string> {
    this.evidence = [...this.evidence.filter((kept) => !isReplacedBy(kept, found)), found];
    return Promise.resolve(this.place);
  }
}

/** Whether `found` makes the contradiction `kept` superfluous: it is the same one, or a newer rollback. */
function isReplacedBy(kept: Contradiction, found: Contradiction): boolean {
  if (kept.code !== found.code) return false;
  if (found.code === 'rolled-back') return true;
  return equalBytes(kept.seen, found.seen) && equalBytes(kept.shown, found.shown);
}

/** A log's newest head seen, and the means to compare a checkpoint with it. */
export interface NewestHead {
  /** The note of the newest checkpoint seen. It was read from `heads` before the log was asked for another checkpoint. */
  readonly note: Uint8Array;
  /** Where the note is kept, and where the evidence goes. */
  readonly heads: Heads;
  /** The log's key, which must have signed the note. */
  readonly verifier: NoteVerifier;
  /** Makes a reader of the log's tiles, which authenticates them against this tree. */
  readonly readerAt: (tree: Tree) => TreeReader;
}

/**
 * Demands that a checkpoint, whose signature was verified, extends the newest one seen. Reads at most two tiles a level.
 * @returns the newest checkpoint seen before.
 * @throws InconsistentLogError when it does not; StateError; any error of reading tiles.
 */
export async function requireExtends(newest: NewestHead, shown: SignedCheckpoint): Promise<SignedCheckpoint> {
  const seen = await openSeen(newest, shown);
  if (shown.size >= seen.size) {
    await requireOneHistory(newest, seen, shown);
    return seen;
  }
  try {
    // A log that was rolled back may have gone on with other entries. A fork is the graver finding, and is reported first.
    await requireOneHistory(newest, seen, shown);
  } catch (error) {
    if (error instanceof InconsistentLogError || error instanceof StateError) throw error;
    // The log may no longer serve the tiles of the larger tree. The two sizes alone prove that it was rolled back.
  }
  throw await contradiction(
    newest.heads,
    `${shown.origin} has ${counted(shown.size, 'entry')}, and had ${seen.size}: entries were taken back, or a cache is behind`,
    { seen: seen.bytes, shown: shown.bytes, code: 'rolled-back' },
  );
}

/**
 * Demands that a checkpoint, whose signature was verified, is of the same history as the newest one seen. It may be the
 * older of the two. Reads at most two tiles a level.
 * @returns the newest checkpoint seen before.
 * @throws InconsistentLogError when it is not; StateError; any error of reading tiles.
 */
export async function requireConsistent(
  newest: NewestHead,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const seen = await openSeen(newest, shown);
  await requireOneHistory(newest, seen, shown);
  return seen;
}

/**
 * The newest checkpoint seen, its signature verified.
 * @throws InconsistentLogError (`rekeyed`) when the note is of this log and the log's key has not signed it; StateError
 *   when the note is no checkpoint of this log, or its signature does not verify.
 */
async function openSeen(
  { note, heads, verifier }: NewestHead,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const { name } = verifier;
  try {
    if (!isOfAnotherKey(note, verifier)) return openCheckpoint(note, verifier);
  } catch (error) {
    throw new StateError(
      `the checkpoint of ${name} that was kept in ${heads.place} is damaged: ${messageOf(error)}`,
    );
  }
  throw await contradiction(
    heads,
    `${name} was seen with another key before: it is another log of that name, or its key was changed. If the log's operator says that it was, delete ${heads.place}`,
    { seen: note, shown: shown.bytes, code: 'rekeyed' },
  );
}

/** Whether a note is a checkpoint of this log, and has no signature line of this key. @throws FormatError */
function isOfAnotherKey(note: Uint8Array, { name, keyId }: NoteVerifier): boolean {
  const { text, signatures } = parseNote(note);
  const hasOurLine = signatures.some((signature) => signature.name === name && signature.keyId === keyId);
  return parseCheckpoint(text).origin === name && !hasOurLine;
}

/** @throws InconsistentLogError unless the larger of two trees begins with the smaller. */
async function requireOneHistory(
  { heads, readerAt }: NewestHead,
  seen: SignedCheckpoint,
  shown: SignedCheckpoint,
): Promise<void> {
  const [smaller, larger] = shown.size < seen.size ? [shown, seen] : [seen, shown];
  // Tiles are authenticated against the larger, signed root. A mismatch therefore is the log's contradiction, and not a
  // damaged cache.
  const root = smaller.size === larger.size ? larger.root : await readerAt(larger).rootAt(smaller.size);
  if (equalBytes(root, smaller.root)) return;
  throw await contradiction(
    heads,
    `${shown.origin} has signed two histories: its tree of ${smaller.size} is not the one that it showed before`,
    { seen: seen.bytes, shown: shown.bytes, code: 'forked' },
  );
}

/**
 * Keeps the notes of a contradiction, and makes the error that carries them.
 * @throws StateError when they cannot be kept. Its message says both, and its cause is the contradiction.
 */
async function contradiction(
  heads: Heads,
  message: string,
  found: Contradiction,
): Promise<InconsistentLogError> {
  try {
    return new InconsistentLogError(message, { ...found, evidence: await heads.keepEvidence(found) });
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const cause = new InconsistentLogError(message, { ...found, evidence: 'memory' });
    throw new StateError(`${message}; and ${error.message}`, { cause });
  }
}
