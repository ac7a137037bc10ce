/**
 * Whether all holds that must hold before an entry is accepted. This is where an entry's signatures are verified.
 * @module
 */
import { errorOf } from '../errors.js';
import type { SignatureCheck, SignatureSuite } from '../signatures/suite.js';
import { isOwnCheck, type Check, type ProposedEntry } from './proposal.js';

/** Why an entry is refused; undefined where all its checks hold. */
export type Refusal = Error | undefined;

/**
 * Checks entries. The signatures of all of them are verified in one call, which is cheaper than one by one; what cannot
 * be verified for a reason that is not in a signature refuses its own entry alone.
 * @returns for each entry, in order, the first of its checks that does not hold. A promise only where an entry has a
 *   check that runs itself: those run one after another, once the entry's signatures hold.
 */
export function checkEntries(
  entries: readonly ProposedEntry[],
  suite: SignatureSuite,
): Refusal[] | Promise<Refusal[]> {
  const verdicts = verifyAll(entries.flatMap(signaturesOf), suite).values();
  const refusals = entries.map((entry) => {
    const own = signaturesOf(entry).map(() => verdicts.next().value);
    return own.find((refusal) => refusal !== undefined);
  });
  if (!entries.some(({ checks }) => checks.some(isOwnCheck))) return refusals;
  return Promise.all(entries.map(async ({ checks }, i) => refusals[i] ?? (await ownRefusal(checks))));
}

function signaturesOf({ checks }: ProposedEntry): SignatureCheck[] {
  return checks.filter((check): check is SignatureCheck => !isOwnCheck(check));
}

/** All at once or, where that fails for a reason that is not in a signature, each alone. */
function verifyAll(checks: readonly SignatureCheck[], suite: SignatureSuite): Refusal[] {
  const together = orError(() => suite.verify(checks));
  if (!(together instanceof Error)) return together;
  return checks.map((check) => {
    const alone = orError(() => suite.verify([check]));
    return alone instanceof Error ? alone : alone[0];
  });
}

async function ownRefusal(checks: readonly Check[]): Promise<Refusal> {
  try {
    for (const check of checks) if (isOwnCheck(check)) await check.verify();
    return undefined;
  } catch (error) {
    return errorOf(error);
  }
}

/** Runs what may fail for one entry without failing for those beside it. */
export function orError<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return errorOf(error);
  }
}
