/**
 * From requests to entries, in a validating thread: each request is proposed, and its checks are run, many together
 * where that is cheaper.
 * @module
 */
import { errorOf } from '../../src/errors.js';
import { checkEntries, orError } from '../../src/requests/check.js';
import type { ProposedEntry } from '../../src/requests/proposal.js';
import { isOwnCheck } from '../../src/signatures/check.js';
import { nodeSuite } from '../../src/signatures/node/suite.js';
import type { Outcome } from './results.js';

/** The largest cost of a signature that is verified together with others, in milliseconds: the others wait for it. */
const CHEAP = 0.3;

/** An entry whose checks have not been run yet. */
interface Candidate {
  readonly place: number;
  readonly entry: ProposedEntry;
  /** Milliseconds, so far. */
  readonly cost: number;
}

/** A request whose form makes the entry in its own time. */
interface Pending {
  readonly place: number;
  readonly entry: Promise<ProposedEntry | Error>;
  readonly cost: number;
}

/**
 * Validates requests, and gives outcomes as soon as they are known: first those of requests that make no entry; then
 * those of cheap signatures, verified together; then those of dear signatures, one by one, so that no request waits for
 * the dear signature of another. An outcome is a promise only where a form or a check is.
 * @param propose makes the entry that a request asks for, or throws an InvalidEntryError. What it throws refuses its
 *   request alone.
 * @param onRequest called with the place of the request that is worked on; with undefined while it is several.
 */
export function* validateInGroups(
  requests: readonly Uint8Array[],
  propose: (request: Uint8Array) => ProposedEntry | Promise<ProposedEntry>,
  onRequest: (place: number | undefined) => void = () => undefined,
): Generator<Outcome<ProposedEntry>[] | Promise<Outcome<ProposedEntry>[]>> {
  const refused: Outcome<ProposedEntry>[] = [];
  const cheap: Candidate[] = [];
  const dear: Candidate[] = [];
  const pending: Pending[] = [];
  for (const [place, request] of requests.entries()) {
    onRequest(place);
    const started = performance.now();
    const entry = orError(() => propose(request));
    const cost = performance.now() - started;
    if (entry instanceof Error) refused.push({ place, entry, cost });
    // Caught at once: a rejection that waits for its turn would end the thread.
    else if (entry instanceof Promise) pending.push({ place, entry: entry.catch(errorOf), cost });
    else (isCheap(entry) ? cheap : dear).push({ place, entry, cost });
  }
  onRequest(undefined);
  if (refused.length > 0) yield refused;
  if (cheap.length > 0) yield check(cheap);
  for (const candidate of dear) {
    onRequest(candidate.place);
    yield check([candidate]);
  }
  for (const each of pending) {
    onRequest(each.place);
    yield settle(each);
  }
}

function isCheap({ checks }: ProposedEntry): boolean {
  return checks.every((each) => !isOwnCheck(each) && each.algorithm.cost <= CHEAP);
}

/** Runs the checks of all candidates in one call. */
function check(
  candidates: readonly Candidate[],
): Outcome<ProposedEntry>[] | Promise<Outcome<ProposedEntry>[]> {
  const started = performance.now();
  const refusals = checkEntries(
    candidates.map(({ entry }) => entry),
    nodeSuite,
  );
  return refusals instanceof Promise
    ? refusals.then((settled) => outcomesOf(candidates, settled, started))
    : outcomesOf(candidates, refusals, started);
}

function outcomesOf(
  candidates: readonly Candidate[],
  refusals: readonly (Error | undefined)[],
  started: number,
): Outcome<ProposedEntry>[] {
  const share = (performance.now() - started) / candidates.length;
  return candidates.map(({ place, entry, cost }, i) => ({
    place,
    entry: refusals[i] ?? entry,
    cost: cost + share,
  }));
}

async function settle({ place, entry: proposed, cost }: Pending): Promise<Outcome<ProposedEntry>[]> {
  const started = performance.now();
  const entry = await proposed;
  const total = cost + performance.now() - started;
  return entry instanceof Error ? [{ place, entry, cost: total }] : check([{ place, entry, cost: total }]);
}
