/**
 * The signature algorithms that the log accepts: each pairs one type and size of key with one digest. They are Rekor
 * v2's (rekor-tiles `internal/algorithmregistry`); labels and numbers are those of `PublicKeyDetails` in sigstore's
 * `sigstore_common.proto`.
 * @module
 */

import { digestType, type DigestAlgorithm, type DigestName } from './digests.js';

/** A `PublicKeyDetails` label that the log accepts: one kind and size of key with one hash. */
export type KeyDetails =
  | 'PKIX_RSA_PKCS1V15_2048_SHA256'
  | 'PKIX_RSA_PKCS1V15_3072_SHA256'
  | 'PKIX_RSA_PKCS1V15_4096_SHA256'
  | 'PKIX_ECDSA_P256_SHA_256'
  | 'PKIX_ECDSA_P384_SHA_384'
  | 'PKIX_ECDSA_P521_SHA_512'
  | 'PKIX_ED25519_PH';

/** What one `keyDetails` label stands for. */
export interface Algorithm {
  readonly keyDetails: KeyDetails;
  /** The label's number in the `PublicKeyDetails` enum. */
  readonly number: number;
  /** The digest's name in an entry: a `HashAlgorithm` label. */
  readonly digestAlgorithm: DigestAlgorithm;
  /** The digest's name in `node:crypto`. */
  readonly digestName: DigestName;
  /** The digest's length in bytes. */
  readonly digestLength: 32 | 48 | 64;
  /** The key in words, such as `ECDSA P-256`. */
  readonly key: string;
  /** Milliseconds that the suite of Node takes to verify one signature alone, on one core (AMD EPYC, Node 20). */
  readonly cost: number;
}

/** The fields of an algorithm that its digest gives. */
function withDigest(digest: DigestName) {
  const { algorithm, name, length } = digestType(digest);
  return { digestAlgorithm: algorithm, digestName: name, digestLength: length };
}

const SHA256 = withDigest('sha256');
const SHA384 = withDigest('sha384');
const SHA512 = withDigest('sha512');

/** Every accepted algorithm. A key matches exactly one of them. */
export const ALGORITHMS: readonly Algorithm[] = [
  { keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256', number: 9, ...SHA256, key: 'RSA 2048', cost: 0.03 },
  { keyDetails: 'PKIX_RSA_PKCS1V15_3072_SHA256', number: 10, ...SHA256, key: 'RSA 3072', cost: 0.06 },
  { keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256', number: 11, ...SHA256, key: 'RSA 4096', cost: 0.09 },
  { keyDetails: 'PKIX_ECDSA_P256_SHA_256', number: 5, ...SHA256, key: 'ECDSA P-256', cost: 0.22 },
  { keyDetails: 'PKIX_ECDSA_P384_SHA_384', number: 12, ...SHA384, key: 'ECDSA P-384', cost: 4 },
  { keyDetails: 'PKIX_ECDSA_P521_SHA_512', number: 13, ...SHA512, key: 'ECDSA P-521', cost: 9 },
  { keyDetails: 'PKIX_ED25519_PH', number: 8, ...SHA512, key: 'Ed25519', cost: 1.6 },
];

const BY_LABEL: ReadonlyMap<string | number, Algorithm> = new Map<string | number, Algorithm>(
  ALGORITHMS.flatMap((algorithm) => [
    [algorithm.keyDetails, algorithm],
    [algorithm.number, algorithm],
  ]),
);

/**
 * The algorithm of a `keyDetails` value, as protobuf JSON writes an enum: its label or its number.
 * @returns undefined for every value that is not an accepted algorithm.
 */
export function algorithmOf(label: string | number): Algorithm | undefined {
  return BY_LABEL.get(label);
}

/** The algorithm of a `keyDetails` label that the log accepts. */
export function algorithmFor(keyDetails: KeyDetails): Algorithm {
  const algorithm = BY_LABEL.get(keyDetails);
  if (algorithm === undefined) throw new TypeError(`${keyDetails} is in the table`);
  return algorithm;
}
