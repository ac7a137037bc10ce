/**
 * Whether a bundle's signature is by a key, over an artifact.
 * @module
 */
import { constants, createHash, createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { encodeHex, equalBytes, FormatError, ProofError } from '../../../../tiles-spec/index.js';
import { InvalidEntryError } from '../../../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../../json.js';
import { ALGORITHMS, algorithmOf, type Algorithm } from '../../../signatures/algorithms.js';
import { DIGEST_NAMES, digestType, type DigestName } from '../../../signatures/digests.js';
import { preAuthenticationEncoding } from '../../../signatures/pre-authentication-encoding.js';
import { verifyEcdsaBatch } from '../../../signatures/node/ecdsa.js';
import { parsePublicKey, type PublicKey } from '../../../signatures/node/public-key.js';
import { verifySignatures } from '../../../signatures/node/verify.js';
import {
  IN_TOTO,
  type DsseEnvelope,
  type MessageSignature,
  type SigstoreBundle,
} from '../../bundle/sigstore-bundle.js';
import type { LoggedSignature } from '../entry-match.js';

/** A signed file, or as many of its digests as are known. */
export interface Artifact {
  /** The digest in bytes; undefined where it is not known. */
  digest(name: DigestName): Uint8Array | undefined;
  /**
   * Absent where only digests are known, or the file is too large for memory. A few kinds of signature are over the bytes
   * themselves, and cannot be verified without them.
   */
  readonly bytes?: Uint8Array;
}

/**
 * An artifact in memory.
 * @example
 * artifactOfBytes(new TextEncoder().encode('a release')).digest('sha256').length; // => 32
 */
export function artifactOfBytes(bytes: Uint8Array): Artifact {
  return { bytes, digest: (name) => digestOf(name, bytes) };
}

/** An artifact by its digests alone. */
export function artifactOfDigests(digests: Partial<Record<DigestName, Uint8Array>>): Artifact {
  return { digest: (name) => digests[name] };
}

/**
 * Checks that the bundle's signature is by this key and over this artifact. The artifact's digest must be the bundle's;
 * or, in an envelope, the artifact must be a subject of the in-toto statement or the payload itself.
 * @param spki the key in DER SubjectPublicKeyInfo, of a type that the log accepts.
 * @param artifact left out, the signature is verified over the digest or the envelope in the bundle.
 * @param logged what `matchEntry` returned: the entry names the signature's algorithm. Without an entry, the key and the
 *   digest determine the algorithm.
 * @throws ProofError when it is not shown; FormatError when the key or the in-toto statement is malformed.
 */
export function verifyArtifactSignature(
  bundle: SigstoreBundle,
  spki: Uint8Array,
  artifact?: Artifact,
  logged?: LoggedSignature,
): void {
  const { content } = bundle;
  const key: Key = { spki, parsed: readKey(spki) };
  const refusal =
    content.type === 'messageSignature'
      ? refusalOfMessage(content, key, artifact, logged)
      : refusalOfEnvelope(content, key, logged);
  if (refusal !== undefined) throw new ProofError(`the bundle's signature ${refusal}`);
  if (content.type === 'dsseEnvelope' && artifact !== undefined) requireSubject(content, artifact);
}

interface Key {
  readonly spki: Uint8Array;
  /** What is in `spki`. */
  readonly parsed: PublicKey;
}

function readKey(spki: Uint8Array): PublicKey {
  try {
    return parsePublicKey(spki);
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new FormatError(`the signer's key cannot be used: ${error.message}`);
  }
}

function refusalOfMessage(
  { digestAlgorithm, digest, signature }: MessageSignature,
  key: Key,
  artifact: Artifact | undefined,
  logged: LoggedSignature | undefined,
): string | undefined {
  const name = digestType(digestAlgorithm).name;
  if (artifact !== undefined) {
    const actual = artifact.digest(name);
    if (actual === undefined)
      throw new ProofError(`the bundle is over a ${name} digest, which is not known of the artifact`);
    if (!equalBytes(actual, digest)) {
      throw new ProofError(
        `the signature is over another artifact: its ${name} is ${encodeHex(digest)}, the artifact's ${encodeHex(actual)}`,
      );
    }
  }
  return refusalOf({ name, digest, message: artifact?.bytes }, signature, key, logged);
}

function refusalOfEnvelope(
  { payloadType, payload, signature }: DsseEnvelope,
  key: Key,
  logged: LoggedSignature | undefined,
): string | undefined {
  const message = preAuthenticationEncoding(payloadType, payload);
  const name =
    logged?.digestAlgorithm === undefined
      ? (algorithmOf(key.parsed.keyDetails)?.digestName ?? 'sha256')
      : digestType(logged.digestAlgorithm).name;
  return refusalOf({ name, digest: digestOf(name, message), message }, signature, key, logged);
}

interface Signed {
  readonly name: DigestName;
  readonly digest: Uint8Array;
  readonly message: Uint8Array | undefined;
}

/** The reason why a signature is not good, as a clause that follows "signature"; undefined for a good one. */
function refusalOf(
  signed: Signed,
  signature: Uint8Array,
  key: Key,
  logged: LoggedSignature | undefined,
): string | undefined {
  const keyDetails = logged?.verifier.keyDetails;
  const loggedAlgorithm = keyDetails === undefined ? undefined : algorithmOf(keyDetails);
  if (loggedAlgorithm !== undefined) return refusalBy(loggedAlgorithm, signed, signature, key);
  // Without an algorithm in the log, a signature by an Ed25519 key may be plain Ed25519.
  if (key.parsed.type === 'ed25519' && verifiesPure(signed, signature, key.spki)) return undefined;
  const usual = ALGORITHMS.find((known) => known.keyDetails === key.parsed.keyDetails);
  return usual?.digestName === signed.name
    ? refusalBy(usual, signed, signature, key)
    : refusalOfOtherHash(signed, signature, key);
}

/** The reason why a signature is not good by one of the log's algorithms. */
function refusalBy(
  algorithm: Algorithm,
  { digest }: Signed,
  signature: Uint8Array,
  { spki }: Key,
): string | undefined {
  const [error] = verifySignatures([{ key: spki, algorithm, digest, signature }]);
  return error === undefined ? undefined : `is refused: ${error.message}`;
}

/**
 * Whether a signature is plain Ed25519, over the message itself. Signers of envelopes make such signatures, and Rekor v1
 * logs them as `PKIX_ED25519`.
 */
function verifiesPure({ message }: Signed, signature: Uint8Array, spki: Uint8Array): boolean {
  return message !== undefined && verify(null, message, keyObject(spki), signature);
}

/**
 * The reason why a signature is not good by another hash than the key's usual one. Rekor v1 and older clients sign by P-384
 * with SHA-256.
 */
function refusalOfOtherHash(
  { name, digest, message }: Signed,
  signature: Uint8Array,
  { spki, parsed: key }: Key,
): string | undefined {
  const refused = 'does not verify with this key';
  if (key.type === 'ecdsa') return verifyEcdsaBatch(key.curve, [{ point: key.point, digest, signature }])[0];
  if (message === undefined)
    return `cannot be verified with this ${key.type === 'rsa' ? 'RSA' : 'Ed25519'} key from a ${name} digest alone: the artifact itself is needed`;
  if (key.type === 'ed25519') return refused;
  const rsa = { key: keyObject(spki), padding: constants.RSA_PKCS1_PADDING };
  return verify(name, message, rsa, signature) ? undefined : refused;
}

function keyObject(spki: Uint8Array) {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function digestOf(name: DigestName, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(name).update(message).digest());
}

const statement = z.object({
  _type: z.string().startsWith('https://in-toto.io/Statement/', 'is not an in-toto statement'),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()).default({}) })).min(1, 'is empty'),
});

function requireSubject({ payloadType, payload }: DsseEnvelope, artifact: Artifact): void {
  if (payloadType !== IN_TOTO) {
    const digests = digestsOf(artifact);
    if (digests.every(([name, hex]) => encodeHex(digestOf(name, payload)) === hex) && digests.length > 0)
      return;
    throw new ProofError(
      `the envelope's payload (${payloadType.slice(0, 80)}) is not the artifact, nor an in-toto statement about it`,
    );
  }
  const parsed = statement.safeParse(parseJson(payload, 'in-toto statement', DOCUMENT_LIMITS));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError(
      `in-toto statement: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is malformed'}`,
    );
  }
  const digests = digestsOf(artifact);
  const isOfArtifact = parsed.data.subject.some(({ digest }) => {
    const named = digests.filter(([name]) => Object.hasOwn(digest, name));
    // A subject that names several digests has to be right in each.
    return named.length > 0 && named.every(([name, hex]) => digest[name]?.toLowerCase() === hex);
  });
  if (!isOfArtifact) {
    throw new ProofError(
      `the in-toto statement is not about the artifact: none of its ${parsed.data.subject.length} subjects has a digest of it (${digests.map((digest) => digest.join(':')).join(', ')})`,
    );
  }
}

function digestsOf(artifact: Artifact): [DigestName, string][] {
  return DIGEST_NAMES.flatMap((name): [DigestName, string][] => {
    const digest = artifact.digest(name);
    return digest === undefined ? [] : [[name, encodeHex(digest)]];
  });
}
