/**
 * From requests to entries: each is parsed, and its signatures verified, many together because that is cheaper.
 * @module
 */
import { hash } from 'node:crypto';
import { InvalidEntryError } from '../../src/errors.js';
import type { Digest, SignatureToCheck } from '../../src/kinds/kind.js';
import { proposeEntry, type ProposedEntry } from '../../src/kinds/registry.js';
import { certificateKey } from '../../src/signatures/certificate.js';
import { verifySignatures, type SignatureCheck } from '../../src/signatures/verify.js';

const digest: Digest = (name, message) => hash(name, message, 'buffer');

/**
 * Checks requests (`CreateEntryRequest`, JSON). This is where an entry's signatures are verified: what comes out as
 * an entry has none that does not hold.
 */
export function checkRequests(requests: readonly Uint8Array[]): (ProposedEntry | InvalidEntryError)[] {
  const results = requests.map((request) => orInvalid(() => proposeEntry(request, digest)));
  const places: number[] = [];
  const checks: SignatureCheck[] = [];
  results.forEach((proposed, place) => {
    if (proposed instanceof InvalidEntryError) return;
    const prepared = orInvalid(() => proposed.signatures.map(prepare));
    if (prepared instanceof InvalidEntryError) {
      results[place] = prepared;
      return;
    }
    checks.push(...prepared);
    places.push(...prepared.map(() => place));
  });
  verifySignatures(checks).forEach((error, i) => {
    const place = places[i];
    if (error !== undefined && place !== undefined) results[place] = error;
  });
  return results;
}

function prepare({ verifier, digest, signature }: SignatureToCheck): SignatureCheck {
  const key = verifier.form === 'publicKey' ? verifier.der : certificateKey(verifier.der);
  return { key, algorithm: verifier.algorithm, digest, signature };
}

function orInvalid<T>(work: () => T): T | InvalidEntryError {
  try {
    return work();
  } catch (error) {
    if (error instanceof InvalidEntryError) return error;
    throw error;
  }
}
