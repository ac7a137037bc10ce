/**
 * From requests to entries, in a validating thread: each request is proposed, and its checks are run, many together where
 * that is cheaper.
 * @module
 */
import { errorOf } from '../../src/errors.js';
import { checkEntries, orError, type Refusal } from '../../src/requests/check.js';
import { isOwnCheck, type ProposedEntry } from '../../src/requests/proposal.js';
import type { KeyDetails } from '../../src/signatures/algorithms.js';
import { nodeSuite } from '../../src/signatures/node/suite.js';

/** Signatures that are verified together: they cost 0.3 ms at most. Others cost from 1.5 to 10 ms, and go alone. */
const CHEAP: ReadonlySet<KeyDetails> = new Set<KeyDetails>([
  'PKIX_ECDSA_P256_SHA_256',
  'PKIX_RSA_PKCS1V15_2048_SHA256',
  'PKIX_RSA_PKCS1V15_3072_SHA256',
  'PKIX_RSA_PKCS1V15_4096_SHA256',
]);

/** What became of one request. */
export interface Outcome {
  /** The request's place among those given. */
  readonly place: number;
  /** The entry, whose checks hold; an InvalidEntryError for a request that makes none. */
  readonly entry: ProposedEntry | Error;
  /** Milliseconds of the thread's time; of work that was done for several at once, an equal share. */
  readonly cost: number;
}

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
 * Validates requests, and gives outcomes as soon as they are known: first all that are refused
 * already, then those of cheap checks, together, then the dear ones one by one, so that nobody waits for a dear signature of another's. An
 * outcome is a promise only where a form or a check is.
 * @param propose makes the entry that a request asks for, or throws an InvalidEntryError. What it throws refuses its
 *   request alone.
 * @param onRequest called with the place of the request that is worked on; with undefined while it is several.
 */
export function* validateInGroups(
  requests: readonly Uint8Array[],
  propose: (request: Uint8Array) => ProposedEntry | Promise<ProposedEntry>,
  onRequest: (place: number | undefined) => void = () => undefined,
): Generator<Outcome[] | Promise<Outcome[]>> {
  const refused: Outcome[] = [];
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
  return checks.every((each) => !isOwnCheck(each) && CHEAP.has(each.algorithm.keyDetails));
}

/** Runs the checks of all candidates in one call. */
function check(candidates: readonly Candidate[]): Outcome[] | Promise<Outcome[]> {
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
  refusals: readonly Refusal[],
  started: number,
): Outcome[] {
  const share = (performance.now() - started) / candidates.length;
  return candidates.map(({ place, entry, cost }, i) => ({
    place,
    entry: refusals[i] ?? entry,
    cost: cost + share,
  }));
}

async function settle({ place, entry: proposed, cost }: Pending): Promise<Outcome[]> {
  const started = performance.now();
  const entry = await proposed;
  const total = cost + performance.now() - started;
  return entry instanceof Error ? [{ place, entry, cost: total }] : check([{ place, entry, cost: total }]);
}
