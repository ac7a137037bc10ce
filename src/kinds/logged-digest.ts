/**
 * The digests of entries, as the schemas of their kinds read them.
 * @module
 */
import { z } from 'zod';
import { counted } from '../../tiles-spec/counted.js';
import { digestType, type DigestAlgorithm } from '../signatures/digests.js';
import type { LoggedDigest } from './statement.js';

/** For a schema's `transform`: the digest, whose length must be its algorithm's. */
export function checkedDigest(
  algorithm: DigestAlgorithm,
  digest: Uint8Array,
  context: z.core.$RefinementCtx,
): LoggedDigest {
  const { length } = digestType(algorithm);
  if (digest.length === length) return { algorithm, digest };
  const message = `has ${counted(digest.length, 'byte')}; a ${algorithm} digest has ${length}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
