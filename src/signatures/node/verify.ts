/**
 * Signatures over digests, verified by the arithmetic of OpenSSL and, for Ed25519ph, of noble.
 * @module
 */
import { counted } from '../../../tiles-spec/counted.js';
import { InvalidEntryError } from '../../errors.js';
import { algorithmOf } from '../algorithms.js';
import type { Curve } from '../curves.js';
import { verifyEcdsaBatch } from './ecdsa.js';
import type { EcdsaItem } from './ecdsa.js';
import { verifyEd25519ph } from '../ed25519ph.js';
import { parsePublicKey } from './public-key.js';
import type { PublicKey } from './public-key.js';
import { verifyRsa } from './rsa.js';
import type { SignatureCheck } from '../suite.js';

/** The ECDSA checks of one curve, with their places in the list of all checks. */
interface EcdsaBatch {
  readonly indexes: number[];
  readonly items: EcdsaItem[];
}

/**
 * Checks signatures. ECDSA is checked in one batch a curve, which is what makes many at once cheaper than one by one;
 * see `verifyEcdsaBatch`, `verifyRsa` and `verifyEd25519ph` for the cost. Nothing is remembered between calls.
 * @returns for each check, in order, undefined when the signature is good, or else the error that says why not. No
 * bytes make it throw.
 */
export function verifySignatures(checks: readonly SignatureCheck[]): (InvalidEntryError | undefined)[] {
  const results = new Array<InvalidEntryError | undefined>(checks.length).fill(undefined);
  const batches = new Map<Curve, EcdsaBatch>();

  checks.forEach((check, index) => {
    const { digest, signature } = check;
    const key = keyFor(check);
    if (key instanceof InvalidEntryError) {
      results[index] = key;
    } else if (key.type === 'ecdsa') {
      const batch = batches.get(key.curve) ?? { indexes: [], items: [] };
      batch.indexes.push(index);
      batch.items.push({ point: key.point, digest, signature });
      batches.set(key.curve, batch);
    } else if (key.type === 'rsa') {
      results[index] = refusal(verifyRsa(key.key, key.modulusLength, digest, signature));
    } else {
      results[index] = refusal(verifyEd25519ph(key.point, digest, signature));
    }
  });

  for (const [curve, { indexes, items }] of batches) {
    const reasons = verifyEcdsaBatch(curve, items);
    indexes.forEach((index, i) => {
      results[index] = refusal(reasons[i]);
    });
  }
  return results;
}

/** The key of a check; or the error where the digest or the key is wrong already. */
function keyFor({ key: spki, algorithm, digest }: SignatureCheck): PublicKey | InvalidEntryError {
  const { keyDetails, digestAlgorithm, digestLength } = algorithm;
  if (digest.length !== digestLength) {
    return new InvalidEntryError(
      `digest: is ${counted(digest.length, 'byte')}; ${digestAlgorithm} has ${digestLength}`,
    );
  }
  let key;
  try {
    key = parsePublicKey(spki);
  } catch (error) {
    if (error instanceof InvalidEntryError) return error;
    throw error;
  }
  if (key.keyDetails !== keyDetails) {
    const actual = algorithmOf(key.keyDetails)?.key ?? key.type;
    return new InvalidEntryError(
      `keyDetails: ${keyDetails} names an ${algorithm.key} key, but the key is ${actual} (${key.keyDetails})`,
    );
  }
  return key;
}

function refusal(reason: string | undefined): InvalidEntryError | undefined {
  return reason === undefined ? undefined : new InvalidEntryError(`signature: ${reason}`);
}
