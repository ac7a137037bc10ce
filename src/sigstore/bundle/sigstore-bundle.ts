/**
 * Sigstore bundles: a signature, what it was made with, and where it was logged, in one file.
 * @module
 */
import { z } from 'zod';
import { encodeBase64, FormatError, sha256 } from '../../../tiles-spec/index.js';
import { bytes, list, parseMessageFile, readMessage, someBytes } from '../../protobuf-json.js';
import { DIGEST_ALGORITHMS, DIGESTS, type DigestAlgorithm } from '../../signatures/digests.js';
import {
  transparencyLogEntry,
  transparencyLogEntryJson,
  type TransparencyLogEntry,
} from './transparency-log-entry.js';

/** A signature over an artifact, which is not in the bundle. */
export interface MessageSignature {
  readonly type: 'messageSignature';
  readonly digestAlgorithm: DigestAlgorithm;
  /** The artifact's digest, as the bundle has it. */
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** A DSSE envelope around the signed payload. A bundle's envelope has one signature. */
export interface DsseEnvelope {
  readonly type: 'dsseEnvelope';
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyid?: string;
}

/** A key that the verifier must have already. The hint says which key it is. */
export interface PublicKeyHint {
  readonly type: 'publicKey';
  readonly hint: string;
}

/**
 * The signer's certificate. A bundle of v0.1 or v0.2 may have a chain of authorities after it, which is not read: a
 * verifier believes the authorities of its own trusted root, and no others that a bundle brings.
 */
export interface SignerCertificate {
  readonly type: 'certificate';
  readonly der: Uint8Array;
}

/** A parsed bundle: the same for v0.1, v0.2 and v0.3. Nothing in it is verified. */
export interface SigstoreBundle {
  readonly content: MessageSignature | DsseEnvelope;
  readonly material: PublicKeyHint | SignerCertificate;
  /** At most 32. */
  readonly entries: readonly TransparencyLogEntry[];
  /** RFC 3161 time stamp responses over the signature, in DER, as they came. At most 32. */
  readonly timestamps: readonly Uint8Array[];
}

/** The longest file of one bundle, in bytes: an envelope holds its payload, and some payloads have megabytes. */
export const MAX_BUNDLE_LENGTH = 16 << 20;

/** How many log entries, and how many time stamps, a bundle or an attestation may have. */
export const MAX_PROOFS = 32;

/** The payload type of an in-toto statement. */
export const IN_TOTO = 'application/vnd.in-toto+json';

type Version = '0.1' | '0.2' | '0.3';

const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const VERSIONS: ReadonlyMap<string, Version> = new Map([
  ['application/vnd.dev.sigstore.bundle+json;version=0.1', '0.1'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.2', '0.2'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.3', '0.3'],
  [MEDIA_TYPE, '0.3'],
]);

/** A `HashAlgorithm`, by label or number. */
const digestAlgorithm = z
  .union([z.enum(DIGEST_ALGORITHMS), z.literal(DIGESTS.map(({ number }) => number))], {
    error: ({ input }) =>
      `${JSON.stringify(input ?? null).slice(0, 40)} is not ${DIGEST_ALGORITHMS.join(', ')}`,
  })
  .transform((value, context): DigestAlgorithm => {
    const type = DIGESTS.find(({ algorithm, number }) => value === algorithm || value === number);
    if (type !== undefined) return type.algorithm;
    context.addIssue({ code: 'custom', message: 'is not accepted' });
    return z.NEVER;
  });

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
 * @throws FormatError when it is none, or its base64 or its numbers are not in their one form.
 */
export function parseSigstoreBundle(file: Uint8Array): SigstoreBundle {
  return bundleOfJson(parseMessageFile(file, 'bundle', MAX_BUNDLE_LENGTH));
}

/** Reads a bundle from parsed JSON, as `parseSigstoreBundle` reads it from a file. @throws FormatError */
export function bundleOfJson(json: unknown): SigstoreBundle {
  const message = readMessage(bundleMessage, json, 'bundle');
  const version = VERSIONS.get(message.mediaType);
  if (version === undefined) {
    throw new FormatError(
      `bundle: its media type ${JSON.stringify(message.mediaType.slice(0, 80))} is not of v0.1, v0.2 or v0.3`,
    );
  }
  const { tlogEntries, timestampVerificationData } = message.verificationMaterial;
  return {
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
    // Protobuf has an empty string for an absent one.
    ...(signature.keyid === undefined || signature.keyid === '' ? {} : { keyid: signature.keyid }),
  } as const;
}

function materialOf(
  { publicKey, certificate: single, x509CertificateChain: chain }: BundleMessage['verificationMaterial'],
  version: Version,
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
export function formatSigstoreBundle(bundle: SigstoreBundle): string {
  return `${JSON.stringify(sigstoreBundleJson(bundle))}\n`;
}

/** The JSON of a bundle of v0.3. */
export function sigstoreBundleJson({ content, material, entries, timestamps }: SigstoreBundle): object {
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      ...(material.type === 'publicKey'
        ? { publicKey: { hint: material.hint } }
        : { certificate: { rawBytes: encodeBase64(material.der) } }),
      tlogEntries: entries.map((entry) => transparencyLogEntryJson(entry)),
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
