/**
 * Following a log: the loop of every program that keeps up with one, such as an index, a monitor or a standby.
 * @module
 */
import { counted } from '../tiles-spec/counted.js';
import { ProofError, type SignedCheckpoint } from '../tiles-spec/index.js';
import { sleep } from '../src/retry.js';
import { UnreachableError } from './errors.js';
import type { LogReader } from './log-reader.js';
import type { TreeReader } from './tree-reader.js';

/** The log has grown: the entries `from` (inclusive) to `checkpoint.size` (exclusive) are new. */
export interface LogGrowth {
  readonly from: number;
  readonly checkpoint: SignedCheckpoint;
  /** The log at that checkpoint. */
  readonly tree: TreeReader;
}

export interface FollowOptions {
  /**
   * The number of entries that the follower has taken already; 0 for a new follower. A follower that survives restarts
   * keeps `checkpoint.size` of each growth together with its results, or after them: it may then take entries twice, and
   * leaves out none.
   */
  readonly from: number;
  /** Pause before the log is asked again when it had not grown, in milliseconds. */
  readonly poll: number;
  /** Ends the loop. A read that is under way ends by its own time limit. */
  readonly signal: AbortSignal;
  /** Called for each UnreachableError that is not final. The log is asked again after the next pause. */
  readonly onUnreachable?: ((error: UnreachableError) => void) | undefined;
}

/**
 * Yields each growth of a log, proved to extend all growths before it, until the signal is aborted. The log is not
 * asked while the caller handles a growth, so all growth of that time comes as one. Costs one GET a poll, and at most
 * two tiles a level for a growth.
 * @throws InconsistentLogError, also one that is not final, since the caller must see its evidence; UnreachableError that
 *   is final, such as `no-log`; ProofError where the log has fewer entries than `from`; StateError; FormatError.
 */
export async function* follow(
  log: LogReader,
  { from, poll, signal, onUnreachable }: FollowOptions,
): AsyncGenerator<LogGrowth, void, undefined> {
  for (let size = from; !signal.aborted;) {
    const growth = await growthSince(log, size, onUnreachable);
    if (growth === undefined) {
      await sleep(poll, signal);
    } else {
      yield growth;
      size = growth.checkpoint.size;
    }
  }
}

async function growthSince(
  log: LogReader,
  from: number,
  onUnreachable: FollowOptions['onUnreachable'],
): Promise<LogGrowth | undefined> {
  try {
    const { checkpoint, tree } = await log.latest();
    if (checkpoint.size < from) {
      throw new ProofError(
        `the log has ${counted(checkpoint.size, 'entry')}, and its follower has ${from}: it is another log, or it was rolled back`,
      );
    }
    return checkpoint.size === from ? undefined : { from, checkpoint, tree };
  } catch (error) {
    if (!(error instanceof UnreachableError) || error.isFinal) throw error;
    onUnreachable?.(error);
    return undefined;
  }
}
