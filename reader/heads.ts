/**
 * What was seen of a log before, against which its next checkpoint is held: a log that takes entries back, changes
 * them, or shows others to others, is found out by whoever remembers.
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
import { InconsistentLogError, StateError } from './errors.js';
import type { TreeReader } from './tree-reader.js';

/** Keeps the newest checkpoint seen of one log: its note's bytes. */
export interface Heads {
  /** Where, for messages. */
  readonly place: string;
  /** @throws StateError when what is kept is damaged. */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Compare-and-swap, atomic. False, and nothing changed, where another than `expected` is kept by now; what is kept is
   * then read, and compared, again.
   */
  replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean>;
  /**
   * Keeps two checkpoints of the log that contradict each other. Returns where. Those that are `rolled-back` may come
   * from a cache that is behind, time and again: it does to keep the newest of them.
   */
  keepEvidence(seen: Uint8Array, shown: Uint8Array, code: InconsistentLogError['code']): Promise<string>;
}

/** Two checkpoints of a log, the one seen and the one shown later, that contradict each other. */
export interface Evidence {
  readonly seen: Uint8Array;
  readonly shown: Uint8Array;
  readonly code: InconsistentLogError['code'];
}

/** Heads that are gone with the process. */
export class MemoryHeads implements Heads {
  readonly place = 'memory';
  #checkpoint: Uint8Array | undefined;
  /** The contradictions found, each once; of those that are `rolled-back` the newest. */
  evidence: readonly Evidence[] = [];

  read(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#checkpoint);
  }

  replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean> {
    if (this.#checkpoint !== expected) return Promise.resolve(false);
    this.#checkpoint = checkpoint;
    return Promise.resolve(true);
  }

  keepEvidence(seen: Uint8Array, shown: Uint8Array, code: Evidence['code']): Promise<string> {
    const others = this.evidence.filter(
      (kept) =>
        kept.code !== code ||
        (code !== 'rolled-back' && !(equalBytes(kept.seen, seen) && equalBytes(kept.shown, shown))),
    );
    this.evidence = [...others, { seen, shown, code }];
    return Promise.resolve(this.place);
  }
}

/** What a checkpoint of a log is held against. */
export interface HeldAgainst {
  readonly heads: Heads;
  readonly verifier: NoteVerifier;
  /** What `heads` kept, before the log was asked for the checkpoint. */
  readonly kept: Uint8Array;
  /** The log at a tree. */
  readonly at: (tree: Tree) => TreeReader;
}

/**
 * Demands that a checkpoint, whose signature was verified, extends the newest one seen.
 * @returns the checkpoint that was kept.
 * @throws InconsistentLogError when it does not; StateError; what reading tiles throws.
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
    // The tiles of what was seen may be gone with the entries. That those are fewer is shown without them.
  }
  throw new InconsistentLogError(
    `${shown.origin} has ${shown.size} entries, and had ${seen.size}: entries were taken back, or a cache is behind`,
    'rolled-back',
    await against.heads.keepEvidence(seen.bytes, shown.bytes, 'rolled-back'),
  );
}

/**
 * Demands that a checkpoint, whose signature was verified, is of the same history as the newest one seen. It may be the
 * older of the two.
 * @returns the checkpoint that was kept.
 * @throws InconsistentLogError when it is not; StateError; what reading tiles throws.
 */
export async function requireConsistent(
  against: HeldAgainst,
  shown: SignedCheckpoint,
): Promise<SignedCheckpoint> {
  const seen = await openSeen(against, shown);
  await requireOneHistory(against, seen, shown);
  return seen;
}

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
  throw new InconsistentLogError(
    `${name} was seen with another key before: if it is another log of that name, remember it elsewhere or not at all; if its operator says that the key was changed, delete ${heads.place}`,
    'rekeyed',
    await heads.keepEvidence(kept, shown.bytes, 'rekeyed'),
  );
}

/** @throws InconsistentLogError unless the larger of two trees begins with the other. */
async function requireOneHistory(
  { heads, at }: HeldAgainst,
  seen: SignedCheckpoint,
  shown: SignedCheckpoint,
): Promise<void> {
  const [smaller, larger] = shown.size < seen.size ? [shown, seen] : [seen, shown];
  // The tiles are held to the root of the larger tree, which is signed: what differs is the log's own doing.
  const root = smaller.size === larger.size ? larger.root : await at(larger).rootAt(smaller.size);
  if (equalBytes(root, smaller.root)) return;
  throw new InconsistentLogError(
    `${shown.origin} has signed two histories: its first ${smaller.size} entries are not those that it showed before`,
    'forked',
    await heads.keepEvidence(seen.bytes, shown.bytes, 'forked'),
  );
}
