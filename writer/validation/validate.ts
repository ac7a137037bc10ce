/**
 * From requests to entries: each is parsed, and its signatures verified, many together because that is cheaper.
 * @module
 */
import { hash } from 'node:crypto';
import { messageOf } from '../../src/errors.js';
import type { Digest, SignatureToCheck } from '../../src/kinds/kind.js';
import { proposeEntry, type ProposedEntry } from '../../src/kinds/registry.js';
import type { KeyDetails } from '../../src/signatures/algorithms.js';
import { certificateKey } from '../../src/signatures/node/certificate.js';
import { verifySignatures, type SignatureCheck } from '../../src/signatures/node/verify.js';

const digest: Digest = (name, message) => hash(name, message, 'buffer');

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
  readonly entry: ProposedEntry | Error;
  /** Milliseconds of the thread's time; of what was done for several at once, an equal share. */
  readonly cost: number;
}

/** A request that makes an entry if its signatures verify. */
interface Proposal {
  readonly place: number;
  readonly entry: ProposedEntry;
  readonly checks: readonly SignatureCheck[];
  readonly cost: number;
}

/**
 * Validates requests (`CreateEntryRequest`, JSON). A request that is no entry is an InvalidEntryError. This is where an
 * entry's signatures are verified: an entry that comes out has none that does not hold.
 */
export function validateRequests(requests: readonly Uint8Array[]): (ProposedEntry | Error)[] {
  const entries: (ProposedEntry | Error)[] = [];
  for (const group of validateInGroups(requests)) {
    for (const { place, entry } of group) entries[place] = entry;
  }
  return entries;
}

/**
 * The same, giving results as soon as they are known: first all those that are cheap or refused, together, then the dear
 * ones one by one, so that nobody waits for a dear signature of somebody else's.
 * @param onRequest told the place of the request that is worked on; undefined while it is several.
 */
export function* validateInGroups(
  requests: readonly Uint8Array[],
  onRequest: (place: number | undefined) => void = () => undefined,
): Generator<Outcome[]> {
  const outcomes: Outcome[] = [];
  const cheap: Proposal[] = [];
  const dear: Proposal[] = [];
  for (const [place, request] of requests.entries()) {
    onRequest(place);
    const started = performance.now();
    const proposed = orError(() => propose(request));
    const cost = performance.now() - started;
    if (proposed instanceof Error) outcomes.push({ place, entry: proposed, cost });
    else (proposed.isCheap ? cheap : dear).push({ place, ...proposed, cost });
  }
  onRequest(undefined);
  outcomes.push(...verify(cheap));
  if (outcomes.length > 0) yield outcomes;
  for (const proposal of dear) {
    onRequest(proposal.place);
    yield verify([proposal]);
  }
}

function propose(request: Uint8Array): Pick<Proposal, 'entry' | 'checks'> & { readonly isCheap: boolean } {
  const entry = proposeEntry(request, digest);
  return {
    entry,
    checks: entry.signatures.map(checkOf),
    isCheap: entry.signatures.every(({ verifier }) => CHEAP.has(verifier.algorithm.keyDetails)),
  };
}

function checkOf({ verifier, digest, signature }: SignatureToCheck): SignatureCheck {
  const key = verifier.form === 'publicKey' ? verifier.der : certificateKey(verifier.der);
  return { key, algorithm: verifier.algorithm, digest, signature };
}

/** Verifies the signatures of all proposals in one call. */
function verify(proposals: readonly Proposal[]): Outcome[] {
  if (proposals.length === 0) return [];
  const started = performance.now();
  const verdicts = verifyEach(proposals.flatMap(({ checks }) => checks)).values();
  const share = (performance.now() - started) / proposals.length;
  return proposals.map(({ place, entry, checks, cost }) => {
    const refusals = checks.map(() => verdicts.next().value);
    return { place, entry: refusals.find((refusal) => refusal !== undefined) ?? entry, cost: cost + share };
  });
}

/** All at once or, where that fails for a reason that is not in a signature, each alone. */
function verifyEach(checks: readonly SignatureCheck[]): (Error | undefined)[] {
  const together = orError(() => verifySignatures(checks));
  if (!(together instanceof Error)) return together;
  return checks.map((check) => {
    const alone = orError(() => verifySignatures([check]));
    return alone instanceof Error ? alone : alone[0];
  });
}

/** A request that fails for whatever reason fails alone: others are validated beside it. */
function orError<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}
