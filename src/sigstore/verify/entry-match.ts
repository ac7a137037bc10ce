/**
 * Whether a logged entry is that of a bundle's signature: the same signature, by the same key or certificate, over the
 * same digest.
 * @module
 */
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { decodeText } from '../../../tiles-spec/bytes.js';
import { decodeBase64, equalBytes, FormatError, ProofError } from '../../../tiles-spec/index.js';
import { InvalidEntryError } from '../../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { preAuthenticationEncoding } from '../../kinds/dsse.js';
import { certificateKey } from '../../signatures/node/certificate.js';
import type { DigestAlgorithm, SigstoreBundle } from '../bundle/sigstore-bundle.js';
import { readMessage, someBytes } from '../bundle/message-fields.js';
import { parsePem } from '../../keys/pem.js';

/** What was used to sign, as it is logged. */
export interface LoggedVerifier {
  readonly form: 'publicKey' | 'certificate';
  readonly der: Uint8Array;
  /** A `PublicKeyDetails` label; entries of Rekor v1 have none. */
  readonly keyDetails?: string;
}

/** A signature as it is logged. */
export interface LoggedSignature {
  readonly verifier: LoggedVerifier;
  /** The hash of what was signed, where the entry says it. */
  readonly digestAlgorithm?: DigestAlgorithm;
}

/** A digest as it is logged. */
export interface LoggedDigest {
  readonly algorithm: DigestAlgorithm;
  readonly digest: Uint8Array;
}

/** What an entry of any kind says of its signature; one of the digests is there. */
export interface LoggedStatement {
  readonly signature: Uint8Array;
  readonly verifier: LoggedVerifier;
  /** Of what the signature is over: the artifact, or the envelope's pre-authentication encoding. */
  readonly signed?: LoggedDigest;
  /** Of an envelope's payload. */
  readonly payload?: LoggedDigest;
}

const HASHES = { SHA2_256: sha256, SHA2_384: sha384, SHA2_512: sha512 };
const V1_NAMES = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' } as const;

// The bodies of Rekor v1: hashes in hex, keys and certificates as base64 of PEM.
const v1Digest = z
  .object({ algorithm: z.enum(['sha256', 'sha384', 'sha512']), value: z.string().regex(/^([0-9a-f]{2})+$/i) })
  .transform(({ algorithm, value }) => ({
    algorithm: V1_NAMES[algorithm],
    digest: Uint8Array.from(value.match(/../g) ?? [], (byte) => parseInt(byte, 16)),
  }));

const v1Hashedrekord = z.object({
  data: z.object({ hash: v1Digest }),
  signature: z.object({ content: someBytes, publicKey: z.object({ content: someBytes }) }),
});

const v1Dsse = z.object({
  payloadHash: v1Digest,
  signatures: z.array(z.object({ signature: someBytes, verifier: someBytes })),
});

const v1Intoto = z.object({
  content: z.object({
    envelope: z.object({ signatures: z.array(z.object({ sig: someBytes, publicKey: someBytes })) }),
    payloadHash: v1Digest,
  }),
});

// The bodies of Rekor v2 and Stele.
const v2Digest = z.object({ algorithm: z.enum(['SHA2_256', 'SHA2_384', 'SHA2_512']), digest: someBytes });
const v2Der = z.object({ rawBytes: someBytes });
const v2Signature = z.object({
  content: someBytes,
  verifier: z
    .object({ keyDetails: z.string(), publicKey: v2Der.optional(), x509Certificate: v2Der.optional() })
    .transform(({ keyDetails, publicKey, x509Certificate }, context): LoggedVerifier => {
      if (publicKey !== undefined && x509Certificate === undefined)
        return { form: 'publicKey', der: publicKey.rawBytes, keyDetails };
      if (publicKey === undefined && x509Certificate !== undefined)
        return { form: 'certificate', der: x509Certificate.rawBytes, keyDetails };
      context.addIssue({ code: 'custom', message: 'must have exactly one of publicKey and x509Certificate' });
      return z.NEVER;
    }),
});

const v2Hashedrekord = z.object({ hashedRekordV002: z.object({ data: v2Digest, signature: v2Signature }) });
const v2Dsse = z.object({
  dsseV002: z.object({ payloadHash: v2Digest, signatures: z.array(v2Signature) }),
});

const SPEC = "canonical body's spec";

/** By kind and version: how the `spec` of a body is read. */
const READERS: ReadonlyMap<string, (spec: unknown) => LoggedStatement> = new Map<
  string,
  (spec: unknown) => LoggedStatement
>([
  [
    'hashedrekord 0.0.1',
    (spec) => {
      const { data, signature } = readMessage(v1Hashedrekord, spec, SPEC);
      const verifier = verifierOf(signature.publicKey.content);
      return { signature: signature.content, verifier, signed: data.hash };
    },
  ],
  [
    'hashedrekord 0.0.2',
    (spec) => {
      const { data, signature } = readMessage(v2Hashedrekord, spec, SPEC).hashedRekordV002;
      return { signature: signature.content, verifier: signature.verifier, signed: data };
    },
  ],
  [
    'dsse 0.0.1',
    (spec) => {
      const { payloadHash, signatures } = readMessage(v1Dsse, spec, SPEC);
      const { signature, verifier } = theOne(signatures);
      return { signature, verifier: verifierOf(verifier), payload: payloadHash };
    },
  ],
  [
    'dsse 0.0.2',
    (spec) => {
      const { payloadHash, signatures } = readMessage(v2Dsse, spec, SPEC).dsseV002;
      const { content, verifier } = theOne(signatures);
      return { signature: content, verifier, payload: payloadHash };
    },
  ],
  [
    'intoto 0.0.2',
    (spec) => {
      const { envelope, payloadHash } = readMessage(v1Intoto, spec, SPEC).content;
      const { sig, publicKey } = theOne(envelope.signatures);
      // Rekor v1 encodes twice what an envelope has in base64 already.
      const signature = decodeBase64(decodeText(sig, 'the signature in the canonical body'));
      return { signature, verifier: verifierOf(publicKey), payload: payloadHash };
    },
  ],
]);

function theOne<Signature>(signatures: readonly Signature[]): Signature {
  const [signature, ...more] = signatures;
  if (signature === undefined || more.length > 0) {
    throw new ProofError(
      `the logged entry has ${signatures.length} signatures, and cannot be compared with a bundle of one`,
    );
  }
  return signature;
}

/** What a PEM of Rekor v1 holds: a key, a certificate, or a chain that begins with the signer's. */
function verifierOf(pem: Uint8Array): LoggedVerifier {
  const what = 'the verifier in the canonical body';
  const [{ label, der }] = parsePem(decodeText(pem, what), what);
  if (label === 'CERTIFICATE') return { form: 'certificate', der };
  if (label === 'PUBLIC KEY') return { form: 'publicKey', der };
  throw new ProofError(`the logged entry is by a ${label.toLowerCase()}, which cannot be compared`);
}

/**
 * Checks that the entry with this canonical body is that of the bundle's signature. The signature itself is not
 * verified: `verifyArtifactSignature` does that.
 *
 * Known are hashedrekord 0.0.1 and 0.0.2, also over an envelope's encoding, dsse 0.0.1 and 0.0.2, and intoto 0.0.2. An
 * intoto 0.0.1 holds no signature to compare.
 * @param body from `verifyLoggedEntry`.
 * @param publicKey DER SPKI. The logged key, bare or in a certificate, must be this: a signature can be good by more
 *   than one key, so that it verifies with this one does not say that it was logged under it. Left out, the logged key
 *   of a bundle that has only a hint of its key is compared with nothing.
 * @returns what is logged of key and digest.
 * @throws ProofError when it is another signature's entry or cannot be compared; FormatError when the body is malformed.
 */
export function matchEntry(
  bundle: SigstoreBundle,
  body: Uint8Array,
  publicKey?: Uint8Array,
): LoggedSignature {
  const logged = readLogged(body);
  if (!equalBytes(logged.signature, bundle.content.signature))
    throw new ProofError("the logged entry is of another signature than the bundle's");
  requireVerifier(logged.verifier, bundle, publicKey);
  requireDigests(logged, bundle);
  return {
    verifier: logged.verifier,
    ...(logged.signed === undefined ? {} : { digestAlgorithm: logged.signed.algorithm }),
  };
}

const envelopeOfBody = z.object({ kind: z.string(), apiVersion: z.string(), spec: z.unknown() });

/** What a canonical body says of its one signature. @throws FormatError; ProofError for a kind that says nothing of it. */
export function readLogged(body: Uint8Array): LoggedStatement {
  const { kind, apiVersion, spec } = readMessage(
    envelopeOfBody,
    parseJson(body, 'canonical body', DOCUMENT_LIMITS),
    'canonical body',
  );
  const read = READERS.get(`${kind} ${apiVersion}`);
  if (read === undefined) {
    throw new ProofError(
      `the logged entry is a ${kind} ${apiVersion}, which cannot be compared with a bundle; ${[...READERS.keys()].join(', ')} can`,
    );
  }
  return read(spec);
}

function requireVerifier(
  verifier: LoggedVerifier,
  { material }: SigstoreBundle,
  publicKey: Uint8Array | undefined,
): void {
  if (material.type === 'certificate') {
    if (verifier.form !== 'certificate')
      throw new ProofError('the logged entry is by a public key, the bundle by a certificate');
    // The same certificate has the same key: what is compared with the key below is both.
    if (!equalBytes(verifier.der, material.der))
      throw new ProofError("the logged entry is by another certificate than the bundle's");
  }
  if (publicKey !== undefined && !equalBytes(loggedKey(verifier), publicKey))
    throw new ProofError('the logged entry is by another public key');
}

/**
 * The public key that is logged, bare or in a certificate, in DER SubjectPublicKeyInfo. The certificate is not judged.
 * @throws FormatError when the certificate is none.
 */
export function loggedKey({ form, der }: LoggedVerifier): Uint8Array {
  if (form === 'publicKey') return der;
  try {
    return certificateKey(der);
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new FormatError(`the certificate in the canonical body is none: ${error.message}`);
  }
}

function requireDigests({ signed, payload }: LoggedStatement, { content }: SigstoreBundle): void {
  if (content.type === 'dsseEnvelope') {
    const encoded = preAuthenticationEncoding(content.payloadType, content.payload);
    if (signed !== undefined) requireDigest(signed, encoded, 'the envelope (its PAE)');
    if (payload !== undefined) requireDigest(payload, content.payload, "the envelope's payload");
    return;
  }
  if (signed === undefined) {
    throw new ProofError(
      "the logged entry is of an envelope, and cannot be compared with a bundle's message signature",
    );
  }
  if (signed.algorithm !== content.digestAlgorithm) {
    throw new ProofError(
      `the logged digest is a ${signed.algorithm}, and cannot be compared with the bundle's ${content.digestAlgorithm}`,
    );
  }
  if (!equalBytes(signed.digest, content.digest))
    throw new ProofError("the logged entry is of another digest than the bundle's");
}

function requireDigest({ algorithm, digest }: LoggedDigest, message: Uint8Array, what: string): void {
  if (!equalBytes(HASHES[algorithm](message), digest))
    throw new ProofError(`the logged entry's digest is not that of ${what}`);
}
