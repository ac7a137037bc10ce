/**
 * The newest head seen of a log. Each new checkpoint is compared with it, which detects rollback, changed history and
 * split views.
 * @module
 */
import { messageOf } from '../src/errors.js';
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
   * Compare-and-swap, atomic between all processes that share the place.
   * @returns false, and nothing changed, where another checkpoint than `expected` is kept by now: the caller reads that
   *   one, and compares again.
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
    const isExpected = kept === undefined ? expected === undefined : expected && equalBytes(kept, expected);
    if (isExpected === true) this.#checkpoint = checkpoint;
    return Promise.resolve(isExpected === true);
  }

  keepEvidence(found: Contradiction): Promise<string> {
    const { seen, shown, code } = found;
    const others = this.evidence.filter(
      (kept) =>
        kept.code !== code ||
        (code !== 'rolled-back' && !(equalBytes(kept.seen, seen) && equalBytes(kept.shown, shown))),
    );
    this.evidence = [...others, found];
    return Promise.resolve(this.place);
  }
}

/** What a checkpoint of a log is compared with. */
export interface HeldAgainst {
  readonly heads: Heads;
  readonly verifier: NoteVerifier;
  /** The note in `heads`, read before the log was asked for the checkpoint. */
  readonly kept: Uint8Array;
  /** The log at a tree. */
  readonly at: (tree: Tree) => TreeReader;
}

/**
 * Demands that a checkpoint, whose signature was verified, extends the newest one seen. Reads at most two tiles a level.
 * @returns the checkpoint that was kept.
 * @throws InconsistentLogError when it does not; StateError; any error of reading tiles.
 */
export async function requireExtends(
  against: HeldAgainst,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const seen = await openSeen(against, shown);
  if (shown.size >= seen.size) {
    await requireOneHistory(against, seen, shown);
    return seen;
  }
  try {
    await requireOneHistory(against, seen, shown);
  } catch (error) {
    if (error instanceof InconsistentLogError || error instanceof StateError) throw error;
    // The log may no longer serve the tiles of the larger tree. Its rollback is proved by the two sizes alone.
  }
  throw await contradiction(
    against.heads,
    `${shown.origin} has ${shown.size} entries, and had ${seen.size}: entries were taken back, or a cache is behind`,
    { seen: seen.bytes, shown: shown.bytes, code: 'rolled-back' },
  );
}

/**
 * Demands that a checkpoint, whose signature was verified, is of the same history as the newest one seen. It may be the
 * older of the two. Reads at most two tiles a level.
 * @returns the checkpoint that was kept.
 * @throws InconsistentLogError when it is not; StateError; any error of reading tiles.
 */
export async function requireConsistent(
  against: HeldAgainst,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const seen = await openSeen(against, shown);
  await requireOneHistory(against, seen, shown);
  return seen;
}

/** @throws StateError unless the kept note is a checkpoint of this log; InconsistentLogError when another key signed it. */
async function openSeen(
  { heads, verifier, kept }: HeldAgainst,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const { name, keyId } = verifier;
  try {
    const { text, signatures } = parseNote(kept);
    const isOfThisLog = parseCheckpoint(text).origin === name;
    const isSigned = signatures.some((signature) => signature.name === name && signature.keyId === keyId);
    if (isSigned || !isOfThisLog) return openCheckpoint(kept, verifier);
  } catch (error) {
    throw new StateError(
      `the checkpoint of ${name} that was kept in ${heads.place} is damaged: ${messageOf(error)}`,
    );
  }
  throw await contradiction(
    heads,
    `${name} was seen with another key before: if it is another log of that name, remember it elsewhere or not at all; if its operator says that the key was changed, delete ${heads.place}`,
    { seen: kept, shown: shown.bytes, code: 'rekeyed' },
  );
}

/** @throws InconsistentLogError unless the larger of two trees begins with the smaller. */
async function requireOneHistory(
  { heads, at }: HeldAgainst,
  seen: SignedCheckpoint,
  shown: SignedCheckpoint,
): Promise<void> {
  const [smaller, larger] = shown.size < seen.size ? [shown, seen] : [seen, shown];
  // Tiles are authenticated against the larger, signed root. A mismatch therefore is the log's contradiction, and not a
  // damaged cache.
  const root = smaller.size === larger.size ? larger.root : await at(larger).rootAt(smaller.size);
  if (equalBytes(root, smaller.root)) return;
  throw await contradiction(
    heads,
    `${shown.origin} has signed two histories: its first ${smaller.size} entries are not those that it showed before`,
    { seen: seen.bytes, shown: shown.bytes, code: 'forked' },
  );
}

/** Keeps the notes of a contradiction, and makes the error that carries them. @throws StateError when they cannot be kept. */
async function contradiction(
  heads: Heads,
  message: string,
  found: Contradiction,
): Promise<InconsistentLogError> {
  return new InconsistentLogError(message, found, await heads.keepEvidence(found));
}
