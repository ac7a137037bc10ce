/**
 * The digests that signatures are made over, with each name and number that a format has for them.
 * @module
 */
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

/** A digest's name in `node:crypto`, in bodies of Rekor v1, in in-toto statements and in search keys. */
export type DigestName = 'sha256' | 'sha384' | 'sha512';

/** A digest's name in entries of Rekor v2 and in bundles: a `HashAlgorithm` label of `sigstore_common.proto`. */
export type DigestAlgorithm = 'SHA2_256' | 'SHA2_384' | 'SHA2_512';

/** One digest, by all its names. */
export interface DigestType {
  readonly name: DigestName;
  readonly algorithm: DigestAlgorithm;
  /** The number of `algorithm` in the `HashAlgorithm` enum. */
  readonly number: 1 | 2 | 3;
  /** In bytes. */
  readonly length: 32 | 48 | 64;
  /** Computes it in pure JavaScript, at about a tenth of OpenSSL's speed: for code that a browser runs too. */
  readonly hash: (message: Uint8Array) => Uint8Array;
}

/** Every digest that the log accepts. */
export const DIGESTS: readonly DigestType[] = [
  { name: 'sha256', algorithm: 'SHA2_256', number: 1, length: 32, hash: sha256 },
  { name: 'sha384', algorithm: 'SHA2_384', number: 2, length: 48, hash: sha384 },
  { name: 'sha512', algorithm: 'SHA2_512', number: 3, length: 64, hash: sha512 },
];

export const DIGEST_NAMES: readonly DigestName[] = DIGESTS.map(({ name }) => name);
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = DIGESTS.map(({ algorithm }) => algorithm);

const BY_NAME: ReadonlyMap<string, DigestType> = new Map(
  DIGESTS.flatMap((type) => [
    [type.name, type],
    [type.algorithm, type],
  ]),
);

/** The digest of either name. */
export function digestType(name: DigestName | DigestAlgorithm): DigestType {
  const type = BY_NAME.get(name);
  if (type === undefined) throw new TypeError(`${name} is in the table`);
  return type;
}
