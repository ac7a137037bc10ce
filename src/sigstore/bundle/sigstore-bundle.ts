/**
 * Sigstore bundles: a signature, what it was made with, and where it was logged, in one file.
 * @module
 */
import { z } from 'zod';
import { encodeBase64, FormatError, sha256 } from '../../../tiles-spec/index.js';
import { bytes, list, MAX_PROOFS, parseMessageFile, readMessage, someBytes } from './message-fields.js';
import {
  transparencyLogEntry,
  transparencyLogEntryJson,
  type TransparencyLogEntry,
} from './transparency-log-entry.js';

/** A digest's algorithm: a `HashAlgorithm` label. */
export type DigestAlgorithm = 'SHA2_256' | 'SHA2_384' | 'SHA2_512';

/** A signature over an artifact, which is not in the bundle. */
export interface MessageSignature {
  readonly type: 'messageSignature';
  readonly digestAlgorithm: DigestAlgorithm;
  /** The artifact's digest, as the bundle has it. */
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** A DSSE envelope: what was signed is its payload. A bundle's envelope has one signature. */
export interface DsseEnvelope {
  readonly type: 'dsseEnvelope';
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyid?: string;
}

/** A key that the verifier has to have already; the hint says which. */
export interface PublicKeyHint {
  readonly type: 'publicKey';
  readonly hint: string;
}

/**
 * The signer's certificate. Those that a bundle of v0.1 or v0.2 has behind it are not read: a verifier has its own
 * roots and intermediates, and a bundle that brings some cannot make them believed.
 */
export interface SignerCertificate {
  readonly type: 'certificate';
  readonly der: Uint8Array;
}

/** A parsed bundle. Nothing in it is verified. */
export interface SigstoreBundle {
  readonly version: '0.1' | '0.2' | '0.3';
  readonly content: MessageSignature | DsseEnvelope;
  readonly material: PublicKeyHint | SignerCertificate;
  /** At most 32. */
  readonly entries: readonly TransparencyLogEntry[];
  /** RFC 3161 time stamp responses over the signature, in DER, as they came. At most 32. */
  readonly timestamps: readonly Uint8Array[];
}

// An attestation holds its payload; large ones have some megabytes.
const MAX_BYTES = 16 << 20;
const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const VERSIONS: ReadonlyMap<string, SigstoreBundle['version']> = new Map([
  ['application/vnd.dev.sigstore.bundle+json;version=0.1', '0.1'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.2', '0.2'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.3', '0.3'],
  [MEDIA_TYPE, '0.3'],
]);
const ALGORITHMS: readonly DigestAlgorithm[] = ['SHA2_256', 'SHA2_384', 'SHA2_512'];

/** A `HashAlgorithm`, by label or number. */
const digestAlgorithm = z
  .union([z.enum(ALGORITHMS), z.literal([1, 2, 3])], {
    error: ({ input }) => `${JSON.stringify(input ?? null).slice(0, 40)} is not ${ALGORITHMS.join(', ')}`,
  })
  .transform((value) => (typeof value === 'string' ? value : (ALGORITHMS[value - 1] ?? 'SHA2_256')));

const certificate = z.object({ rawBytes: someBytes });

const bundleMessage = z.object({
  mediaType: z.string(),
  verificationMaterial: z.object({
    publicKey: z.object({ hint: z.string().default('') }).optional(),
    certificate: certificate.optional(),
    x509CertificateChain: z.object({ certificates: z.tuple([certificate], z.unknown()) }).optional(),
    tlogEntries: list(transparencyLogEntry, MAX_PROOFS),
    timestampVerificationData: z
      .object({ rfc3161Timestamps: list(z.object({ signedTimestamp: someBytes }), MAX_PROOFS) })
      .optional(),
  }),
  messageSignature: z
    .object({
      messageDigest: z.object({ algorithm: digestAlgorithm, digest: someBytes }),
      signature: someBytes,
    })
    .optional(),
  dsseEnvelope: z
    .object({
      payload: bytes.default(new Uint8Array()),
      payloadType: z.string().min(1, 'is empty'),
      signatures: z
        .array(z.object({ sig: someBytes, keyid: z.string().optional() }))
        .length(1, 'has not one signature, which is what a bundle has'),
    })
    .optional(),
});

type BundleMessage = z.infer<typeof bundleMessage>;

/**
 * Parses a bundle of v0.1, v0.2 or v0.3, of at most 16 MiB.
 * @throws FormatError when it is none, or has base64 or numbers in another than their one form.
 */
export function parseSigstoreBundle(file: Uint8Array): SigstoreBundle {
  const json = parseMessageFile(file, 'bundle', MAX_BYTES);
  const message = readMessage(bundleMessage, json, 'bundle');
  const version = VERSIONS.get(message.mediaType);
  if (version === undefined) {
    throw new FormatError(
      `bundle: its media type ${JSON.stringify(message.mediaType.slice(0, 80))} is not of v0.1, v0.2 or v0.3`,
    );
  }
  const { tlogEntries, timestampVerificationData } = message.verificationMaterial;
  return {
    version,
    content: contentOf(message),
    material: materialOf(message.verificationMaterial, version),
    entries:
      version === '0.1'
        ? tlogEntries.map((entry) => ({ ...entry, promiseSuffices: true as const }))
        : tlogEntries,
    timestamps:
      timestampVerificationData?.rfc3161Timestamps.map(({ signedTimestamp }) => signedTimestamp) ?? [],
  };
}

function contentOf({ messageSignature: message, dsseEnvelope: envelope }: BundleMessage) {
  if ((message === undefined) === (envelope === undefined))
    throw new FormatError('bundle: it must have exactly one of messageSignature and dsseEnvelope');
  if (message !== undefined) {
    const { algorithm, digest } = message.messageDigest;
    return {
      type: 'messageSignature',
      digestAlgorithm: algorithm,
      digest,
      signature: message.signature,
    } as const;
  }
  const [signature] = envelope?.signatures ?? [];
  if (envelope === undefined || signature === undefined) throw new TypeError('the schema demands one');
  return {
    type: 'dsseEnvelope',
    payloadType: envelope.payloadType,
    payload: envelope.payload,
    signature: signature.sig,
    // Protobuf has an empty string for none.
    ...(signature.keyid === undefined || signature.keyid === '' ? {} : { keyid: signature.keyid }),
  } as const;
}

function materialOf(
  { publicKey, certificate: single, x509CertificateChain: chain }: BundleMessage['verificationMaterial'],
  version: SigstoreBundle['version'],
): SigstoreBundle['material'] {
  if ([publicKey, single, chain].filter((material) => material !== undefined).length !== 1) {
    throw new FormatError(
      'bundle: its verificationMaterial must have exactly one of publicKey, certificate and x509CertificateChain',
    );
  }
  if (chain !== undefined && version === '0.3')
    throw new FormatError('bundle: of v0.3 it has an x509CertificateChain, which v0.3 forbids');
  if (publicKey !== undefined) return { type: 'publicKey', hint: publicKey.hint };
  const signer = single ?? chain?.certificates[0];
  if (signer === undefined) throw new TypeError('one of the three is there');
  return { type: 'certificate', der: signer.rawBytes };
}

/** The hint that cosign gives a public key: its SHA-256, as DER SPKI, in base64. */
export function publicKeyHint(spki: Uint8Array): string {
  return encodeBase64(sha256(spki));
}

/** Writes a bundle of v0.3, as a line of JSON. */
export function formatSigstoreBundle({
  content,
  material,
  entries,
  timestamps,
}: Omit<SigstoreBundle, 'version'>): string {
  const json = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      ...(material.type === 'publicKey'
        ? { publicKey: { hint: material.hint } }
        : { certificate: { rawBytes: encodeBase64(material.der) } }),
      tlogEntries: entries.map(transparencyLogEntryJson),
      ...(timestamps.length === 0
        ? {}
        : {
            timestampVerificationData: {
              rfc3161Timestamps: timestamps.map((der) => ({ signedTimestamp: encodeBase64(der) })),
            },
          }),
    },
    ...contentJson(content),
  };
  return `${JSON.stringify(json)}\n`;
}

function contentJson(content: SigstoreBundle['content']): object {
  if (content.type === 'messageSignature') {
    const messageDigest = { algorithm: content.digestAlgorithm, digest: encodeBase64(content.digest) };
    return { messageSignature: { messageDigest, signature: encodeBase64(content.signature) } };
  }
  const { payload, payloadType, signature, keyid } = content;
  return {
    dsseEnvelope: {
      payload: encodeBase64(payload),
      payloadType,
      signatures: [{ sig: encodeBase64(signature), ...(keyid === undefined ? {} : { keyid }) }],
    },
  };
}
