/**
 * Whose certificate signed a bundle. Its chain, its certificate transparency and the time stamps are verified by
 * Sigstore's own library, which is loaded only here; the log's part and the signature by our own code.
 * @module
 */
// @peculiar/x509 needs it loaded first.
import 'reflect-metadata';
import { SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509';
import type { SignedEntity, TrustMaterial } from '@sigstore/verify';
import { decodeText, equalBytes, FormatError, ProofError } from '../../tiles-spec/index.js';
import { messageOf } from '../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../json.js';
import { normalizeFields } from '../kinds/protojson.js';
import { DerError, readElement } from '../signatures/der.js';
import { verifyArtifactSignature, type Artifact } from './artifact-signature.js';
import {
  formatSigstoreBundle,
  parseSigstoreBundle,
  type SignerCertificate,
  type SigstoreBundle,
} from './bundle.js';
import { matchEntry } from './entry-match.js';
import { verifyLoggedEntry } from './entry-proof.js';
import { parseTrustedRoot, type KnownLog } from './trusted-root.js';

/** Who must have signed. Both are compared as they are: no patterns, no other case. */
export interface CertificateIdentity {
  /** A subject alternative name of the certificate: a URI or an e-mail address. */
  readonly identity: string;
  /** The identity provider's URL: the extension 1.3.6.1.4.1.57264.1.8, or its elder 1.1. */
  readonly issuer: string;
}

/** Who signed, and how many times show that the certificate was valid then. */
export interface VerifiedIdentity extends CertificateIdentity {
  readonly timestamps: number;
}

/**
 * Checks that the bundle was signed by the key of a certificate of this identity, over this artifact: the certificate
 * is of a trusted authority, in a trusted certificate transparency log, and was valid when it signed. For that time
 * counts an RFC 3161 time stamp of a trusted authority, or the integrated time of Rekor v1, where the promise of one of
 * the logs signs it: that entry is verified here, and must be of the bundle's signature. There must be one such time,
 * and all that are there must be good; entries of other logs count for nothing.
 *
 * Entries without a promise are not asked for: `verifyBundle` has the whole.
 * @param bundleFile a bundle with a certificate, as `parseSigstoreBundle` takes it.
 * @param artifact left out, the signature is verified over what the bundle says of it.
 * @param trustedRootFile a `trusted_root.json` with the authorities. The logs in it are believed only as `logs` has them.
 * @param logs those whose promises count: `parseTrustedRoot`'s.
 * @throws ProofError when it is not shown, FormatError when a file is malformed.
 */
export async function verifyIdentity(
  bundleFile: Uint8Array,
  artifact: Artifact | undefined,
  trustedRootFile: Uint8Array,
  wanted: CertificateIdentity,
  logs: readonly KnownLog[],
): Promise<VerifiedIdentity> {
  const bundle = parseSigstoreBundle(bundleFile);
  const { material } = bundle;
  if (material.type !== 'certificate')
    throw new ProofError('the bundle was signed with a public key: it has no certificate with an identity');
  const names = namesOf(material);
  const promised = promisedTimes(bundle, logs);

  const { Verifier } = await import('@sigstore/verify');
  const trust = await trustMaterial(trustedRootFile);
  const entity = await signedEntity(bundle, artifact, promised);
  try {
    // The log's part is verified elsewhere, and the entity has none.
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 1, timestampThreshold: 1 }).verify(entity);
  } catch (error) {
    if (error instanceof ProofError || error instanceof FormatError) throw error;
    throw new ProofError(`the certificate is not shown to be good: ${reasonOf(error)}`);
  }

  requireIdentity(names, wanted);
  return { identity: wanted.identity, issuer: wanted.issuer, timestamps: entity.timestamps.length };
}

type PromisedTime = Extract<SignedEntity['timestamps'][number], { $case: 'transparency-log' }>;

/** The integrated times that the promises of these logs sign, of the bundle's own entries; verified. */
function promisedTimes(bundle: SigstoreBundle, logs: readonly KnownLog[]): PromisedTime[] {
  return bundle.entries.flatMap((entry): PromisedTime[] => {
    if (entry.promise === undefined || !logs.some(({ logId }) => equalBytes(logId, entry.logId))) return [];
    const { integratedTime, body } = verifyLoggedEntry(entry, logs);
    // Another signature's time says nothing of this one's.
    matchEntry(bundle, body);
    return [
      {
        $case: 'transparency-log',
        tlogEntry: {
          logIndex: String(entry.index),
          logId: { keyId: Buffer.from(entry.logId) },
          kindVersion: { kind: entry.kind, version: entry.version },
          integratedTime: String(integratedTime),
          inclusionPromise: { signedEntryTimestamp: Buffer.from(entry.promise) },
          inclusionProof: undefined,
          canonicalizedBody: Buffer.from(entry.body),
        },
      },
    ];
  });
}

async function trustMaterial(trustedRootFile: Uint8Array): Promise<TrustMaterial> {
  const [{ toTrustMaterial }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  // What the library does not ask: that it is a trusted root, and not too large.
  parseTrustedRoot(trustedRootFile);
  const json = normalizeFields(parseJson(trustedRootFile, 'trusted root', DOCUMENT_LIMITS));
  try {
    return toTrustMaterial({ ...TrustedRoot.fromJSON(json), tlogs: [] });
  } catch (error) {
    throw new FormatError(`trusted root: an authority in it cannot be used: ${messageOf(error)}`);
  }
}

/** What the library verifies: our reading of the bundle, without its log entries, and with our own signature check. */
async function signedEntity(
  bundle: SigstoreBundle,
  artifact: Artifact | undefined,
  promised: readonly PromisedTime[],
): Promise<SignedEntity> {
  const [{ toSignedEntity }, { bundleFromJSON }] = await Promise.all([
    import('@sigstore/verify'),
    import('@sigstore/bundle'),
  ]);
  const withoutLog = formatSigstoreBundle({ ...bundle, entries: [] });
  let entity: SignedEntity;
  try {
    entity = toSignedEntity(bundleFromJSON(JSON.parse(withoutLog)));
  } catch (error) {
    throw new FormatError(`bundle: its certificate or a time stamp cannot be read: ${messageOf(error)}`);
  }
  return {
    ...entity,
    timestamps: [...entity.timestamps, ...promised],
    signature: {
      signature: entity.signature.signature,
      // Asked of log entries, of which it has none.
      compareSignature: () => false,
      compareDigest: () => false,
      verifySignature: (key) => {
        verifyArtifactSignature(bundle, key.export({ format: 'der', type: 'spki' }), artifact);
        return true;
      },
    },
  };
}

/** The library's message, and what it found that to be caused by. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}

interface CertificateNames {
  readonly subjects: readonly string[];
  readonly issuer: string | undefined;
}

const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';
const UTF8_STRING = 0x0c;

function namesOf({ der, chain }: SignerCertificate): CertificateNames {
  try {
    const certificate = new X509Certificate(Uint8Array.from(der));
    const extension = (oid: string) => {
      const value = certificate.getExtension(oid)?.value;
      return value === undefined ? undefined : new Uint8Array(value);
    };
    const issuer = extension(ISSUER);
    const elder = extension(ISSUER_V1);
    // Trust comes from the trusted root alone: a bundle that brings its own root wants to be believed.
    if (chain.map((each) => new X509Certificate(Uint8Array.from(each))).some(isRoot))
      throw new FormatError("bundle: its certificate chain has a root; roots are the trusted root's");
    return {
      subjects: (certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [])
        .filter(({ type }) => type === 'url' || type === 'email')
        .map(({ value }) => value),
      issuer: issuer === undefined ? asText(elder) : asText(utf8String(issuer)),
    };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`bundle: its certificate cannot be read: ${messageOf(error)}`);
  }
}

function isRoot({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer;
}

function utf8String(der: Uint8Array): Uint8Array {
  const { content, rest } = readElement(der, UTF8_STRING);
  if (rest.length > 0) throw new DerError('bytes follow the issuer');
  return content;
}

function asText(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined
    ? undefined
    : decodeText(bytes, "bundle: the issuer in its certificate's extension");
}

function requireIdentity({ subjects, issuer }: CertificateNames, wanted: CertificateIdentity): void {
  if (!subjects.includes(wanted.identity)) {
    const actual = subjects.length === 0 ? 'nobody' : subjects.join(', ');
    throw new ProofError(`the certificate is of ${actual}, not of ${wanted.identity}`);
  }
  if (issuer !== wanted.issuer) {
    throw new ProofError(
      `the certificate's identity is by ${issuer ?? 'no named provider'}, not by ${wanted.issuer}`,
    );
  }
}
