/**
 * Whether all holds that must hold before an entry is accepted. This is where an entry's signatures are verified.
 * @module
 */
import { errorOf } from '../errors.js';
import { isOwnCheck, type Check } from '../signatures/check.js';
import type { SignatureCheck, SignatureSuite } from '../signatures/suite.js';
import type { ProposedEntry } from './proposal.js';

/**
 * Checks entries. The signatures of all of them are verified in one call, which is cheaper than one by one. An entry
 * whose check fails for another reason than its signature, such as a lack of memory, is refused alone.
 * @returns for each entry, in order, why the first check that does not hold fails; undefined where all hold. A promise
 *   only where an entry has a check that runs itself: those run one after another, once the entry's signatures hold.
 */
export function checkEntries(
  entries: readonly ProposedEntry[],
  suite: SignatureSuite,
): (Error | undefined)[] | Promise<(Error | undefined)[]> {
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

/** Verifies all signatures at once or, where the suite throws, each alone. */
function verifyAll(checks: readonly SignatureCheck[], suite: SignatureSuite): (Error | undefined)[] {
  const together = orError(() => suite.verify(checks));
  if (!(together instanceof Error)) return together;
  return checks.map((check) => {
    const alone = orError(() => suite.verify([check]));
    return alone instanceof Error ? alone : alone[0];
  });
}

async function ownRefusal(checks: readonly Check[]): Promise<Error | undefined> {
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
