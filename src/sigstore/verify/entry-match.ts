/**
 * Whether a logged entry is that of a bundle's signature: the same signature, by the same key or certificate, over the
 * same digest.
 * @module
 */
import { equalBytes, FormatError, ProofError } from '../../../tiles-spec/index.js';
import { InvalidEntryError } from '../../errors.js';
import type { KnownEntry, UnknownEntry } from '../../kinds/read-entry.js';
import type { LoggedDigest, LoggedStatement, LoggedVerifier } from '../../kinds/statement.js';
import { digestType } from '../../signatures/digests.js';
import { preAuthenticationEncoding } from '../../signatures/pre-authentication-encoding.js';
import type { SignatureSuite } from '../../signatures/suite.js';
import type { SigstoreBundle } from '../bundle/sigstore-bundle.js';
import { soleStatement } from '../bundle/sole-statement.js';

/** The key of a matched entry, and the hash of what was signed where the entry says it. */
export interface LoggedSignature {
  readonly verifier: LoggedVerifier;
  readonly digestAlgorithm?: LoggedDigest['algorithm'];
}

/** Reads the keys of logged certificates. */
type KeyReader = Pick<SignatureSuite, 'certificateKey'>;

/**
 * Checks that an entry is that of the bundle's signature. The signature itself is not verified:
 * `verifyArtifactSignature` does that.
 *
 * An entry of a known kind can be compared where it has one signature. The kind intoto 0.0.1 is not known, for its
 * entries hold no signature.
 * @param publicKey DER SPKI. The logged key, bare or in a certificate, must be this one: a signature can verify under
 *   several keys, so verifying under this one does not prove that it is the key in the log. Left out, the logged key of
 *   a bundle that has only a hint of its key is compared with nothing.
 * @returns the logged key, and the hash of what was signed.
 * @throws ProofError when it is another signature's entry or cannot be compared; FormatError when the logged certificate
 *   is malformed.
 */
export function matchEntry(
  bundle: SigstoreBundle,
  entry: KnownEntry | UnknownEntry,
  suite: KeyReader,
  publicKey?: Uint8Array,
): LoggedSignature {
  const logged = soleStatement(entry);
  if (!equalBytes(logged.signature, bundle.content.signature))
    throw new ProofError("the logged entry is of another signature than the bundle's");
  requireVerifier(logged.verifier, bundle, suite, publicKey);
  requireDigest(logged, bundle);
  return {
    verifier: logged.verifier,
    ...(logged.digestOf === 'message' ? { digestAlgorithm: logged.digest.algorithm } : {}),
  };
}

function requireVerifier(
  verifier: LoggedVerifier,
  { material }: SigstoreBundle,
  suite: KeyReader,
  publicKey: Uint8Array | undefined,
): void {
  if (material.type === 'certificate') {
    if (verifier.form !== 'certificate')
      throw new ProofError('the logged entry is by a public key, the bundle by a certificate');
    // Equal certificates have equal keys, so comparing the logged key below covers the bundle's certificate too.
    if (!equalBytes(verifier.der, material.der))
      throw new ProofError("the logged entry is by another certificate than the bundle's");
  }
  if (publicKey !== undefined && !equalBytes(loggedKey(verifier, suite), publicKey))
    throw new ProofError('the logged entry is by another public key');
}

/**
 * The public key that is logged, bare or in a certificate, in DER SubjectPublicKeyInfo. The certificate is not judged.
 * @throws FormatError when the certificate is none.
 */
export function loggedKey({ form, der }: LoggedVerifier, suite: KeyReader): Uint8Array {
  if (form === 'publicKey') return der;
  try {
    return suite.certificateKey(der);
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new FormatError(`the certificate in the canonical body is none: ${error.message}`);
  }
}

function requireDigest(
  { digest: { algorithm, digest }, digestOf }: LoggedStatement,
  { content }: SigstoreBundle,
): void {
  if (content.type === 'dsseEnvelope') {
    const { payloadType, payload } = content;
    const isPayload = digestOf === 'payload';
    const message = isPayload ? payload : preAuthenticationEncoding(payloadType, payload);
    if (equalBytes(digestType(algorithm).hash(message), digest)) return;
    throw new ProofError(
      `the logged entry's digest is not that of ${isPayload ? "the envelope's payload" : 'the envelope (its PAE)'}`,
    );
  }
  if (digestOf === 'payload') {
    throw new ProofError(
      "the logged entry is of an envelope, and cannot be compared with a bundle's message signature",
    );
  }
  if (algorithm !== content.digestAlgorithm) {
    throw new ProofError(
      `the logged digest is a ${algorithm}, and cannot be compared with the bundle's ${content.digestAlgorithm}`,
    );
  }
  if (!equalBytes(digest, content.digest))
    throw new ProofError("the logged entry is of another digest than the bundle's");
}
