/**
 * Following a log: the loop of everything that keeps up with one, as an index, a monitor or a standby does.
 * @module
 */
import { ProofError, type SignedCheckpoint } from '../tiles-spec/index.js';
import { UnreachableError } from './errors.js';
import type { LogReader } from './log-reader.js';
import type { TreeReader } from './tree-reader.js';

/** The log has grown: it has entries `from` (inclusive) to `checkpoint.size` (exclusive) more than before. */
export interface LogGrowth {
  readonly from: number;
  readonly checkpoint: SignedCheckpoint;
  readonly tree: TreeReader;
}

export interface FollowOptions {
  /** Entries that the follower has already: 0 for a new one. */
  readonly from: number;
  /** The pause between two looks at the log, in milliseconds. */
  readonly poll: number;
  /** Ends the loop; what is being read ends by its own time limit. */
  readonly signal: AbortSignal;
  /** Told each time that the log cannot be reached. It is asked again after the next pause. */
  readonly onUnreachable?: ((error: UnreachableError) => void) | undefined;
}

/**
 * Yields each growth of a log, each proved to extend all before it, until the signal ends it. While a growth is being
 * handled the log is not asked: growths that come meanwhile are one. Costs one GET a poll, and two tiles a level for a
 * growth.
 * @throws InconsistentLogError; ProofError where the log has fewer entries than `from`; StateError; FormatError.
 */
export async function* follow(
  log: LogReader,
  { from, poll, signal, onUnreachable }: FollowOptions,
): AsyncGenerator<LogGrowth, void, undefined> {
  for (let size = from; !signal.aborted;) {
    const growth = await growthSince(log, size, onUnreachable);
    if (growth === undefined) {
      await pause(poll, signal);
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
        `the log has ${checkpoint.size} entries, and its follower has ${from}: it is another log, or it was rolled back`,
      );
    }
    return checkpoint.size === from ? undefined : { from, checkpoint, tree };
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    onUnreachable?.(error);
    return undefined;
  }
}

/** Waits, or until the signal is aborted. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
