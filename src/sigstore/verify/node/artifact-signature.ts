/**
 * Verifies a bundle's signature by a key, and that it is over an artifact.
 * @module
 */
import { constants, createHash, createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { counted } from '../../../../tiles-spec/counted.js';
import { encodeHex, equalBytes, FormatError, ProofError } from '../../../../tiles-spec/index.js';
import { InvalidEntryError } from '../../../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../../json.js';
import { algorithmFor, algorithmOf, type Algorithm } from '../../../signatures/algorithms.js';
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

/** A file that was signed: its bytes, its digests, or both. */
export interface Artifact {
  /** The digest in bytes; undefined where it is not known. */
  digest(name: DigestName): Uint8Array | undefined;
  /**
   * The file's bytes; absent where only digests are known, or the file is too large for memory. Plain Ed25519 signatures,
   * and RSA signatures with another digest than SHA-256, cannot be verified without the bytes.
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
 * Checks that the bundle's signature is by this key and over this artifact. Where the bundle has a message signature, the
 * artifact must have the digest in the bundle. Where the bundle has an envelope, the artifact must be a subject of its
 * in-toto statement, or the payload itself.
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
  const key = readKey(spki);
  const signed =
    content.type === 'messageSignature'
      ? signedMessage(content, artifact)
      : signedEnvelope(content, key, logged);
  const refusal = refusalOf(signed, key, logged);
  if (refusal !== undefined) throw new ProofError(`the bundle's signature ${refusal}`);
  if (content.type === 'dsseEnvelope' && artifact !== undefined) requireSubject(content, artifact);
}

/** The signer's key. */
interface SignerKey {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** The same key, parsed. */
  readonly parsed: PublicKey;
}

function readKey(spki: Uint8Array): SignerKey {
  try {
    return { spki, parsed: parsePublicKey(spki) };
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new FormatError(`the signer's key cannot be used: ${error.message}`);
  }
}

/** What the signature is over, and the signature. */
interface Signed {
  readonly digestName: DigestName;
  readonly digest: Uint8Array;
  /** The bytes that have the digest; undefined where they are not at hand. */
  readonly message: Uint8Array | undefined;
  readonly signature: Uint8Array;
}

/** @throws ProofError unless the artifact has the digest in the bundle. */
function signedMessage(
  { digestAlgorithm, digest, signature }: MessageSignature,
  artifact: Artifact | undefined,
): Signed {
  const digestName = digestType(digestAlgorithm).name;
  if (artifact !== undefined) {
    const actual = artifact.digest(digestName);
    if (actual === undefined)
      throw new ProofError(`the bundle is over a ${digestName} digest, which is not known of the artifact`);
    if (!equalBytes(actual, digest)) {
      throw new ProofError(
        `the signature is over another artifact: its ${digestName} is ${encodeHex(digest)}, the artifact's ${encodeHex(actual)}`,
      );
    }
  }
  return { digestName, digest, message: artifact?.bytes, signature };
}

/** An envelope's signature is over its pre-authentication encoding, hashed as the entry or else the key's type says. */
function signedEnvelope(
  { payloadType, payload, signature }: DsseEnvelope,
  key: SignerKey,
  logged: LoggedSignature | undefined,
): Signed {
  const message = preAuthenticationEncoding(payloadType, payload);
  const digestName =
    logged?.digestAlgorithm === undefined
      ? algorithmFor(key.parsed.keyDetails).digestName
      : digestType(logged.digestAlgorithm).name;
  return { digestName, digest: digestOf(digestName, message), message, signature };
}

/**
 * Why a signature does not verify; undefined where it does. The reason is the end of a sentence that begins with "the
 * signature".
 */
function refusalOf(signed: Signed, key: SignerKey, logged: LoggedSignature | undefined): string | undefined {
  // The entry names one of the log's algorithms: the signature is verified by that one.
  const keyDetails = logged?.verifier.keyDetails;
  const loggedAlgorithm = keyDetails === undefined ? undefined : algorithmOf(keyDetails);
  if (loggedAlgorithm !== undefined) return refusalByAlgorithm(loggedAlgorithm, signed, key);
  // Nothing names the algorithm: the key and the digest determine it.
  if (key.parsed.type === 'ed25519' && verifiesAsPlainEd25519(signed, key)) return undefined;
  const keysAlgorithm = algorithmFor(key.parsed.keyDetails);
  return keysAlgorithm.digestName === signed.digestName
    ? refusalByAlgorithm(keysAlgorithm, signed, key)
    : refusalByOtherDigest(signed, key);
}

function refusalByAlgorithm(
  algorithm: Algorithm,
  { digest, signature }: Signed,
  { spki }: SignerKey,
): string | undefined {
  const [error] = verifySignatures([{ key: spki, algorithm, digest, signature }]);
  return error === undefined ? undefined : `is refused: ${error.message}`;
}

/**
 * Whether a signature is plain Ed25519, over the message itself. The log's own algorithm is Ed25519ph, but signers of
 * envelopes make plain signatures, and Rekor v1 logs them as `PKIX_ED25519`.
 */
function verifiesAsPlainEd25519({ message, signature }: Signed, { spki }: SignerKey): boolean {
  return message !== undefined && verify(null, message, keyObject(spki), signature);
}

/**
 * As `refusalOf`, for a digest that none of the log's algorithms pairs with the key's type. Rekor v1 and older clients
 * make such signatures: with P-384 over SHA-256.
 */
function refusalByOtherDigest(
  { digestName, digest, message, signature }: Signed,
  { spki, parsed: key }: SignerKey,
): string | undefined {
  const refused = 'does not verify with this key';
  if (key.type === 'ecdsa') return verifyEcdsaBatch(key.curve, [{ point: key.point, digest, signature }])[0];
  if (message === undefined)
    return `cannot be verified with this ${key.type === 'rsa' ? 'RSA' : 'Ed25519'} key from a ${digestName} digest alone: the artifact itself is needed`;
  if (key.type === 'ed25519') return refused;
  const rsa = { key: keyObject(spki), padding: constants.RSA_PKCS1_PADDING };
  return verify(digestName, message, rsa, signature) ? undefined : refused;
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

/** @throws ProofError unless the artifact is a subject of the envelope's in-toto statement, or is the payload. */
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
      `the in-toto statement is not about the artifact: of its ${counted(parsed.data.subject.length, 'subject')}, none has a digest of it (${digests.map((digest) => digest.join(':')).join(', ')})`,
    );
  }
}

function digestsOf(artifact: Artifact): [DigestName, string][] {
  return DIGEST_NAMES.flatMap((name): [DigestName, string][] => {
    const digest = artifact.digest(name);
    return digest === undefined ? [] : [[name, encodeHex(digest)]];
  });
}
