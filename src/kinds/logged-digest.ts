/**
 * The digests of entries as their schemas read them: a label and bytes, of which there must be as many as the label says.
 * @module
 */
import { z } from 'zod';
import { ALGORITHMS, type Algorithm } from '../signatures/algorithms.js';
import type { LoggedDigest } from './statement.js';

type DigestAlgorithm = Algorithm['digestAlgorithm'];

const BY_LABEL: ReadonlyMap<string, Algorithm> = new Map(
  ALGORITHMS.map((algorithm) => [algorithm.digestAlgorithm, algorithm]),
);
const BY_NAME: ReadonlyMap<string, Algorithm> = new Map(
  ALGORITHMS.map((algorithm) => [algorithm.digestName, algorithm]),
);

/** The digest algorithms that an entry may name, by their labels in Rekor v2 (`SHA2_256`). */
export const LABELS = [...BY_LABEL.keys()] as DigestAlgorithm[];
/** The same, by their names in Rekor v1 (`sha256`). */
export const NAMES = [...BY_NAME.keys()] as Algorithm['digestName'][];

export function labelOf(name: Algorithm['digestName']): DigestAlgorithm {
  return known(BY_NAME.get(name)).digestAlgorithm;
}

export function nameOf(label: DigestAlgorithm): Algorithm['digestName'] {
  return known(BY_LABEL.get(label)).digestName;
}

function known(algorithm: Algorithm | undefined): Algorithm {
  if (algorithm === undefined) throw new TypeError('the table of algorithms has every digest of its types');
  return algorithm;
}

/** For a schema's `transform`: the digest, if it has the length of its algorithm's. */
export function checkedDigest(
  algorithm: DigestAlgorithm,
  digest: Uint8Array,
  context: z.core.$RefinementCtx,
): LoggedDigest {
  const { digestLength } = known(BY_LABEL.get(algorithm));
  if (digest.length === digestLength) return { algorithm, digest };
  context.addIssue({
    code: 'custom',
    message: `has ${digest.length} bytes; a ${algorithm} digest has ${digestLength}`,
  });
  return z.NEVER;
}
