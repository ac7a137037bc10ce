/**
 * Sigstore bundles signed with certificates of any content, which a test authority issues and a Rekor v1 log has
 * logged; and the trusted root by which they verify.
 * @module
 */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { artifactOfBytes } from '#src/sigstore/verify/node/artifact-signature.js';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { verifyBundle, type CheckedBundle } from '#src/sigstore/verify/node/verify-bundle.js';
import type { CertificateIdentity } from '#src/sigstore/verify/node/certificate-identity.js';
import { encodeText } from '#tiles-spec/bytes.js';
import {
  encodeBase64,
  encodeHex,
  formatCheckpoint,
  formatNote,
  leafHash,
  readKeyId,
  sha256,
} from '#tiles-spec/index.js';
import { CODE_SIGNING, newAuthority, type Authority } from './certificates.js';
import { isTyped, jsonFile, pemFile } from './public-bundles.js';

const ARTIFACT = encodeText('an artifact');

const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rekor = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rekorSpki = new Uint8Array(rekor.publicKey.export({ type: 'spki', format: 'der' }));
const rekorId = sha256(rekorSpki);

/** The parts of a bundle that are not the usual ones. */
export interface BundleParts {
  /** The certificate's extensions. The usages for code signing are added unless `isComplete`. */
  readonly extensions: readonly Uint8Array[];
  readonly isComplete?: boolean;
  readonly authority?: Authority;
  /** Makes the certificates of a v0.1 bundle from the signer's certificate. Default: that certificate alone. */
  readonly chain?: (certificate: Buffer) => readonly unknown[];
  /** The name by which the log signs its checkpoints, and the first line of one. */
  readonly logName?: string;
  readonly logOrigin?: string;
  /** The key id in the checkpoint's signature line. */
  readonly keyId?: number;
}

export const trustedAuthority = newAuthority('trusted');

/** A v0.1 bundle over the artifact. */
export function certifiedBundle(parts: BundleParts): Uint8Array {
  const { extensions, isComplete = false, authority = trustedAuthority } = parts;
  const certificate = authority.issue(signer.publicKey, [
    ...(isComplete ? [] : [CODE_SIGNING]),
    ...extensions,
  ]);
  const signature = sign('sha256', ARTIFACT, signer.privateKey);
  const { chain = (signers: Buffer) => [rawBytes(signers)] } = parts;
  return jsonFile({
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates: chain(certificate) },
      tlogEntries: [loggedEntry(certificate, signature, parts)],
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: encodeBase64(sha256(ARTIFACT)) },
      signature: encodeBase64(signature),
    },
  });
}

/** A certificate in the form that a bundle holds it in. */
export const rawBytes = (der: Uint8Array) => ({ rawBytes: encodeBase64(der) });

function loggedEntry(certificate: Uint8Array, signature: Uint8Array, parts: BundleParts): object {
  const { logName = 'rekor.example', logOrigin = `${logName} - 1`, keyId = readKeyId(rekorId) } = parts;
  const body = jsonFile({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: encodeHex(sha256(ARTIFACT)) } },
      signature: {
        content: encodeBase64(signature),
        publicKey: { content: encodeBase64(encodeText(pemFile('CERTIFICATE', certificate))) },
      },
    },
  });
  const root = leafHash(body);
  const text = formatCheckpoint({ origin: logOrigin, size: 1, root, extensions: [] });
  const line = { name: logName, keyId, signature: sign('sha256', encodeText(text), rekor.privateKey) };
  const integratedTime = Math.floor(Date.now() / 1000);
  const promise = { body: encodeBase64(body), integratedTime, logID: encodeHex(rekorId), logIndex: 7 };
  return {
    logIndex: '7',
    logId: { keyId: encodeBase64(rekorId) },
    kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: {
      signedEntryTimestamp: encodeBase64(sign('sha256', jsonFile(promise), rekor.privateKey)),
    },
    inclusionProof: {
      logIndex: '0',
      treeSize: '1',
      rootHash: encodeBase64(root),
      hashes: [],
      checkpoint: { envelope: new TextDecoder().decode(formatNote({ text, signatures: [line] })) },
    },
    canonicalizedBody: encodeBase64(body),
  };
}

/** A trusted root of the log, and of one authority with its certificate transparency log. */
export function trustedRootOf({ root, certificateLog }: Authority = trustedAuthority): Uint8Array {
  const validFor = { start: '2024-01-01T00:00:00Z' };
  const keyed = (baseUrl: string, spki: Uint8Array) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { ...rawBytes(spki), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: encodeBase64(sha256(spki)) },
  });
  const certificateLogKey = createPublicKey(certificateLog.publicKey).export({ type: 'spki', format: 'der' });
  return jsonFile({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [keyed('https://rekor.example', rekorSpki)],
    certificateAuthorities: [
      {
        subject: { organization: '', commonName: '' },
        uri: 'https://ca.example',
        certChain: { certificates: [rawBytes(root)] },
        validFor,
      },
    ],
    ctlogs: [keyed('https://ct.example', certificateLogKey)],
    timestampAuthorities: [],
  });
}

/** Verifies a bundle over the artifact against the identity that must have signed it. */
export async function verifyBy(
  bundle: Uint8Array,
  identity: CertificateIdentity,
  trustedRoot = trustedRootOf(),
): Promise<CheckedBundle> {
  const { logs, authorities } = parseTrustedRoot(trustedRoot);
  const policy = { ...identity, authorities };
  return await verifyBundle(parseSigstoreBundle(bundle), logs, policy, artifactOfBytes(ARTIFACT));
}

/** `verified`, or the reason why not. */
export async function verdictOf(...given: Parameters<typeof verifyBy>): Promise<string> {
  try {
    return (await verifyBy(...given)).verified ? 'verified' : 'not checked';
  } catch (error) {
    if (!isTyped(error)) throw error;
    return error.message;
  }
}
