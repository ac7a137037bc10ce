/**
 * Whose certificate signed a bundle. Its chain, its certificate transparency and the time stamps are verified by
 * Sigstore's own library, which is loaded only here; the log's part and the signature by our own code.
 * @module
 */
import type { CertificateAuthority } from '@sigstore/protobuf-specs';
import type { SignedEntity, TrustMaterial } from '@sigstore/verify';
import { isBadData } from '../../../../tiles-spec/errors.js';
import { FormatError, ProofError } from '../../../../tiles-spec/index.js';
import { messageOf } from '../../../errors.js';
import type { SignerCertificate, SigstoreBundle } from '../../bundle/sigstore-bundle.js';
import type { VerbatimAuthorities } from '../../trust/trusted-root.js';
import { limitOf, requireSigningCertificate } from '../certificate-rules.js';
import type { VerifiedEntry } from '../entry-proof.js';
import { statedIdentity } from '../stated-identity.js';
import { verifyArtifactSignature, type Artifact } from './artifact-signature.js';
import { requireIdentity, type CertificateIdentity } from './certificate-identity.js';

/** Who signed. */
export interface VerifiedIdentity {
  /** The certificate's name that matched. */
  readonly identity: string;
  /** Absent where the certificate names no identity provider. */
  readonly issuer?: string;
  /** How many times of signing were verified: at least 1. */
  readonly timestamps: number;
}

/** A bundle that was signed with a certificate. */
type CertifiedBundle = SigstoreBundle & { readonly material: SignerCertificate };

/**
 * Checks that the bundle was signed by the key of a certificate of this identity, over this artifact: the certificate
 * is of a trusted authority, in a trusted certificate transparency log, and was valid when it signed. For that time
 * counts an RFC 3161 time stamp of a trusted authority, or the integrated time that the promise of one of the entries
 * signs. There must be one such time, and all that are there must be good.
 * @param entries the bundle's, proved and matched with its signature: the time of another signature's entry would say
 *   nothing of this one.
 * @param artifact left out, the signature is verified over what the bundle says of it.
 * @throws ProofError when it is not shown; FormatError when the certificate, a time stamp or an authority is malformed.
 */
export async function verifyIdentity(
  bundle: SigstoreBundle,
  entries: readonly VerifiedEntry[],
  artifact: Artifact | undefined,
  wanted: CertificateIdentity,
  authorities: VerbatimAuthorities,
): Promise<VerifiedIdentity> {
  if (!isCertified(bundle))
    throw new ProofError('the bundle was signed with a public key: it has no certificate with an identity');
  const { der } = bundle.material;
  const stated = statedIdentity(der);

  const { Verifier } = await import('@sigstore/verify');
  const { trust, leftOut } = await trustMaterial(authorities);
  const entity = await signedEntity(bundle, artifact, entries.flatMap(promisedTime));
  try {
    // The log's part is verified elsewhere, and the entity has none.
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 1, timestampThreshold: 1 }).verify(entity);
  } catch (error) {
    if (isBadData(error)) throw error;
    const reasons = [reasonOf(error), ...leftOut];
    throw new ProofError(`the certificate is not shown to be good: ${reasons.join('; ')}`);
  }

  requireSigningCertificate(der);
  const identity = requireIdentity(stated, wanted);
  const { issuer } = stated;
  return { identity, ...(issuer === undefined ? {} : { issuer }), timestamps: entity.timestamps.length };
}

function isCertified(bundle: SigstoreBundle): bundle is CertifiedBundle {
  return bundle.material.type === 'certificate';
}

type PromisedTime = Extract<SignedEntity['timestamps'][number], { $case: 'transparency-log' }>;

/** The time that an entry's promise signs, in the library's form; nothing for an entry without a promise. */
function promisedTime({ log, integratedTime }: VerifiedEntry): PromisedTime[] {
  if (integratedTime === undefined) return [];
  return [
    {
      $case: 'transparency-log',
      tlogEntry: {
        logId: { keyId: Buffer.from(log.logId) },
        integratedTime: String(integratedTime),
        // The library asks whether there is a promise, and looks at nothing else of the entry.
        inclusionPromise: { signedEntryTimestamp: Buffer.alloc(0) },
        inclusionProof: undefined,
        logIndex: '0',
        kindVersion: { kind: '', version: '' },
        canonicalizedBody: Buffer.alloc(0),
      },
    },
  ];
}

interface Trust {
  readonly trust: TrustMaterial;
  /** The certificate authorities that cannot be used, and why, for messages. */
  readonly leftOut: readonly string[];
}

async function trustMaterial(trusted: VerbatimAuthorities): Promise<Trust> {
  const [{ toTrustMaterial }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  try {
    const root = TrustedRoot.fromJSON(trusted);
    const authorities = root.certificateAuthorities.map((authority) => ({
      authority,
      why: whyLeftOut(authority),
    }));
    const used = authorities.filter(({ why }) => why === undefined).map(({ authority }) => authority);
    return {
      trust: toTrustMaterial({ ...root, certificateAuthorities: used }),
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

/**
 * What the library verifies: the certificate and the time stamps of the bundle, by our own check of its signature. The
 * library gets no log entries, which are proved elsewhere, and no payload, which only our check reads.
 */
async function signedEntity(
  bundle: CertifiedBundle,
  artifact: Artifact | undefined,
  promised: readonly PromisedTime[],
): Promise<SignedEntity> {
  const { toSignedEntity } = await import('@sigstore/verify');
  const { material, content, timestamps } = bundle;
  const signature = Buffer.from(content.signature);
  let entity: SignedEntity;
  try {
    entity = toSignedEntity({
      mediaType: '',
      content: {
        $case: 'dsseEnvelope',
        dsseEnvelope: {
          payload: Buffer.alloc(0),
          payloadType: '',
          signatures: [{ sig: signature, keyid: '' }],
        },
      },
      verificationMaterial: {
        content: { $case: 'certificate', certificate: { rawBytes: Buffer.from(material.der) } },
        tlogEntries: [],
        timestampVerificationData: {
          rfc3161Timestamps: timestamps.map((der) => ({ signedTimestamp: Buffer.from(der) })),
        },
      },
    });
  } catch (error) {
    throw new FormatError(`bundle: its certificate or a time stamp cannot be read: ${messageOf(error)}`);
  }
  if (entity.key.$case === 'certificate') hideNames(entity.key.certificate);
  return {
    ...entity,
    timestamps: [...entity.timestamps, ...promised],
    signature: {
      signature,
      // The library compares these with log entries. The entity has none, so a call would be a mistake.
      compareSignature: () => false,
      compareDigest: () => false,
      verifySignature: (key) => {
        verifyArtifactSignature(bundle, key.export({ format: 'der', type: 'spki' }), artifact);
        return true;
      },
    },
  };
}

/** The library would read the certificate's names too, and throws at some. Ours are read by `statedIdentity`. */
function hideNames(certificate: object): void {
  Object.defineProperty(certificate, 'subjectAltName', { value: undefined });
}

/** The library's message, and what it found that to be caused by. */
function reasonOf(error: unknown): string {
  // The library reads, unchecked, parts that every certificate of Fulcio's has, and other certificates may not.
  if (error instanceof TypeError) return 'a part of it is missing, or cannot be read';
  if (/expected \d+ SCT/.test(messageOf(error)))
    return 'it has no proof (SCT) of a certificate transparency log that the trusted root names, which a certificate of a private authority needs too';
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
