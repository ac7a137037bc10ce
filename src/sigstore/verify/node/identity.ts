/**
 * Whose certificate signed a bundle. Its chain, its certificate transparency and the time stamps are verified by
 * Sigstore's own library, which is loaded only here; the log's part and the signature by our own code.
 * @module
 */
import type { CertificateAuthority } from '@sigstore/protobuf-specs';
import type { SignedEntity, TrustMaterial } from '@sigstore/verify';
import { equalBytes, FormatError, ProofError } from '../../../../tiles-spec/index.js';
import { messageOf } from '../../../errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../../json.js';
import { normalizeFields } from '../../../protobuf-json.js';
import { verifyArtifactSignature, type Artifact } from './artifact-signature.js';
import {
  formatSigstoreBundle,
  parseSigstoreBundle,
  type SigstoreBundle,
} from '../../bundle/sigstore-bundle.js';
import {
  requireIdentity,
  statedIdentity,
  type CertificateIdentity,
  type CertifiedIdentity,
} from '../certificate-identity.js';
import { limitOf, requireSigningCertificate } from '../certificate-rules.js';
import { matchEntry } from '../entry-match.js';
import { verifyLoggedEntry } from '../entry-proof.js';
import { parseTrustedRoot, type KnownLog } from '../../trust/trusted-root.js';

/** Who signed, and how many times show that the certificate was valid then. */
export interface VerifiedIdentity extends CertifiedIdentity {
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
  const stated = statedIdentity(material.der);
  const promised = promisedTimes(bundle, logs);

  const { Verifier } = await import('@sigstore/verify');
  const { trust, leftOut } = await trustedAuthorities(trustedRootFile);
  const entity = await signedEntity(bundle, artifact, promised);
  try {
    // The log's part is verified elsewhere, and the entity has none.
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 1, timestampThreshold: 1 }).verify(entity);
  } catch (error) {
    if (error instanceof ProofError || error instanceof FormatError) throw error;
    const reasons = [reasonOf(error), ...leftOut];
    throw new ProofError(`the certificate is not shown to be good: ${reasons.join('; ')}`);
  }

  requireSigningCertificate(material.der);
  return { ...requireIdentity(stated, wanted), timestamps: entity.timestamps.length };
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

interface TrustedAuthorities {
  readonly trust: TrustMaterial;
  /** The certificate authorities that cannot be used, and why, for messages. */
  readonly leftOut: readonly string[];
}

async function trustedAuthorities(trustedRootFile: Uint8Array): Promise<TrustedAuthorities> {
  const [{ toTrustMaterial }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  // What the library does not ask: that it is a trusted root, and not too large.
  parseTrustedRoot(trustedRootFile);
  const json = normalizeFields(parseJson(trustedRootFile, 'trusted root', DOCUMENT_LIMITS));
  try {
    const root = TrustedRoot.fromJSON(json);
    const authorities = root.certificateAuthorities.map((authority) => ({
      authority,
      why: whyLeftOut(authority),
    }));
    const used = authorities.filter(({ why }) => why === undefined).map(({ authority }) => authority);
    return {
      trust: toTrustMaterial({ ...root, certificateAuthorities: used, tlogs: [] }),
      leftOut: authorities.flatMap(({ why }) => why ?? []),
    };
  } catch (error) {
    throw new FormatError(`trusted root: an authority in it cannot be used: ${messageOf(error)}`);
  }
}

/**
 * The library looks at few extensions: an authority may be limited by others in the names that it certifies, or in what
 * its certificates are for.
 */
function whyLeftOut({ uri, certChain }: CertificateAuthority): string | undefined {
  const [limit] = (certChain?.certificates ?? []).flatMap(({ rawBytes }) => limitOf(rawBytes) ?? []);
  return limit === undefined ? undefined : `the authority ${uri} was left out: a certificate of it ${limit}`;
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
  if (entity.key.$case === 'certificate') hideNames(entity.key.certificate);
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

/** The library reads the names of a certificate as well, throws at some, and is not asked for them. */
function hideNames(certificate: object): void {
  Object.defineProperty(certificate, 'subjectAltName', { value: undefined });
}

/** The library's message, and what it found that to be caused by. */
function reasonOf(error: unknown): string {
  // It reaches into a certificate for what every one of Fulcio's has.
  if (error instanceof TypeError) return 'a part of it is missing, or cannot be read';
  if (/expected \d+ SCT/.test(messageOf(error)))
    return 'it has no proof (SCT) of a certificate transparency log that the trusted root names, which a certificate of a private authority needs too';
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
