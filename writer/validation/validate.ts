/**
 * From requests to entries: each is parsed, and its signatures verified, many together because that is cheaper.
 * @module
 */
import { hash } from 'node:crypto';
import { messageOf } from '../../src/errors.js';
import type { Digest, SignatureToCheck } from '../../src/kinds/kind.js';
import { proposeEntry, type ProposedEntry } from '../../src/kinds/registry.js';
import { certificateKey } from '../../src/signatures/certificate.js';
import { verifySignatures, type SignatureCheck } from '../../src/signatures/verify.js';

const digest: Digest = (name, message) => hash(name, message, 'buffer');

/**
 * Checks requests (`CreateEntryRequest`, JSON). One that is no entry is an InvalidEntryError. This is where an entry's signatures are verified: what comes out as
 * an entry has none that does not hold.
 */
export function checkRequests(requests: readonly Uint8Array[]): (ProposedEntry | Error)[] {
  const results = requests.map((request) => orError(() => proposeEntry(request, digest)));
  const places: number[] = [];
  const checks: SignatureCheck[] = [];
  results.forEach((proposed, place) => {
    if (proposed instanceof Error) return;
    const prepared = orError(() => proposed.signatures.map(prepare));
    if (prepared instanceof Error) {
      results[place] = prepared;
      return;
    }
    checks.push(...prepared);
    places.push(...prepared.map(() => place));
  });
  verifyEach(checks).forEach((error, i) => {
    const place = places[i];
    if (error !== undefined && place !== undefined) results[place] = error;
  });
  return results;
}

function prepare({ verifier, digest, signature }: SignatureToCheck): SignatureCheck {
  const key = verifier.form === 'publicKey' ? verifier.der : certificateKey(verifier.der);
  return { key, algorithm: verifier.algorithm, digest, signature };
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

/** A request that fails for whatever reason fails alone: others are checked beside it. */
function orError<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}
