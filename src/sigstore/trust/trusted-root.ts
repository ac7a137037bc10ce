/**
 * The logs that a reader trusts: read from Sigstore's `trusted_root.json`, or made from a verifier key.
 * @module
 */
import { z } from 'zod';
import {
  ECDSA,
  ED25519,
  encodeBase64,
  equalBytes,
  FormatError,
  formatVerifierKey,
  keyHash,
  noteVerifier,
  parseVerifierKey,
  type NoteVerifier,
  type VerifierKey,
} from '../../../tiles-spec/index.js';
import { ed25519Key, ed25519Spki } from '../../../tiles-spec/spki.js';
import {
  bytesOf,
  instant,
  list,
  parseMessageFile,
  readMessage,
  someBytes,
} from '../bundle/message-fields.js';

/** Unix milliseconds, both ends included. Without an end it is open there. */
export interface TimeRange {
  readonly start?: number;
  readonly end?: number;
}

/** A log as a trust file names it, whatever its key is. */
export interface KnownLog {
  /** Its `baseUrl`. */
  readonly url: string;
  /**
   * The name of its key: the host name of `url`. A checkpoint of Rekor v2 or Stele has it as its origin; one of Rekor
   * v1 has a name that its operator or its machine gave it, ` - ` and a tree id in decimal.
   */
  readonly origin: string;
  /** A `PublicKeyDetails` label; of a verifier key `PKIX_ED25519` or `PKIX_ECDSA_P256_SHA_256`. */
  readonly keyDetails: string;
  /** The key in DER: SubjectPublicKeyInfo, but for some RSA keys. */
  readonly spki: Uint8Array;
  /** All 32 bytes of the log id. */
  readonly logId: Uint8Array;
  /** When its key was in use. */
  readonly validFor: TimeRange;
}

/** A log whose signatures Stele can verify: its key is Ed25519 (Rekor v2, Stele) or ECDSA P-256 (Rekor v1). */
export interface TrustedLog extends KnownLog {
  readonly verifier: NoteVerifier;
  /** The same key as text: `<name>+<key id>+<key>`. */
  readonly vkey: string;
}

/** Whether the key of a log is of a type that Stele verifies. */
export function isTrustedLog(log: KnownLog): log is TrustedLog {
  return 'verifier' in log;
}

/** Whether an instant, in Unix milliseconds, is in the range. */
export function isWithin({ start = -Infinity, end = Infinity }: TimeRange, time: number): boolean {
  return start <= time && time <= end;
}

const MAX_BYTES = 1 << 20;
const MAX_LOGS = 100;
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.[12]|\.v0\.[12]\+json)$/;

const ED25519_DETAILS = 'PKIX_ED25519';
const ECDSA_DETAILS = 'PKIX_ECDSA_P256_SHA_256';
/** The labels of the enum numbers that Stele knows; protobuf's JSON may have either. */
const LABELS: ReadonlyMap<number, string> = new Map([
  [5, ECDSA_DETAILS],
  [7, ED25519_DETAILS],
]);

const trustedRoot = z.object({
  mediaType: z.string().regex(MEDIA_TYPE, 'is not of a trusted root'),
  tlogs: list(
    z.object({
      baseUrl: z.url(),
      // Of what the tree is made; there has been no other.
      hashAlgorithm: z.literal(['SHA2_256', 1]).optional(),
      publicKey: z.object({
        rawBytes: someBytes,
        keyDetails: z.union([z.string(), z.number().transform((n) => LABELS.get(n) ?? String(n))]),
        // A key without a start would have been good for ever: the clients that Stele follows refuse that.
        validFor: z.object({ start: instant, end: instant.optional() }),
      }),
      logId: z.object({ keyId: bytesOf(32) }),
    }),
    MAX_LOGS,
  ),
});

/**
 * Reads a `trusted_root.json` of at most 1 MiB and 100 logs. Of it only the logs are taken: the rest is for
 * `verifyIdentity`.
 * @returns Its logs, in their order; `isTrustedLog` says which of them can be verified.
 * @throws FormatError when it is none, or a log id is not that of the log's key.
 */
export function parseTrustedRoot(file: Uint8Array): KnownLog[] {
  const { tlogs } = readMessage(
    trustedRoot,
    parseMessageFile(file, 'trusted root', MAX_BYTES),
    'trusted root',
  );
  return tlogs.map(({ baseUrl, publicKey, logId }) => {
    const { rawBytes, keyDetails, validFor } = publicKey;
    const log: KnownLog = {
      url: baseUrl,
      origin: new URL(baseUrl).hostname,
      keyDetails,
      spki: rawBytes,
      logId: logId.keyId,
      validFor: {
        start: validFor.start,
        ...(validFor.end === undefined ? {} : { end: validFor.end }),
      },
    };
    const key = verifierKeyOf(log);
    if (key === undefined) return log;
    if (!equalBytes(keyHash(key), log.logId)) {
      throw new FormatError(
        `trusted root: the log id ${encodeBase64(log.logId)} is not that of the key of ${log.url} (${encodeBase64(keyHash(key))})`,
      );
    }
    return { ...log, verifier: noteVerifier(key), vkey: formatVerifierKey(key) };
  });
}

/** Messages of a `trusted_root.json`, by field. */
export interface VerbatimAuthorities {
  readonly certificateAuthorities: readonly object[];
  readonly ctlogs: readonly object[];
  readonly timestampAuthorities: readonly object[];
}

const authorities = z.object({
  certificateAuthorities: list(z.looseObject({}), MAX_LOGS),
  ctlogs: list(z.looseObject({}), MAX_LOGS),
  timestampAuthorities: list(z.looseObject({}), MAX_LOGS),
});

/** The authorities beside the logs in a `trusted_root.json`, as they stand there. @throws FormatError when it is none. */
export function authoritiesIn(file: Uint8Array): VerbatimAuthorities {
  return readMessage(authorities, parseMessageFile(file, 'trusted root', MAX_BYTES), 'trusted root');
}

/**
 * The log of a verifier key (`<name>+<key id>+<key>`), good at any time.
 * @param url where the log is; otherwise it is taken to be at `https://` and its name.
 * @throws FormatError unless the text is a verifier key of a type that Stele knows.
 */
export function trustedLogFromVerifierKey(vkey: string, url?: string): TrustedLog {
  const key = parseVerifierKey(vkey);
  return {
    url: url ?? `https://${key.name}`,
    origin: key.name,
    keyDetails: key.type === ED25519 ? ED25519_DETAILS : ECDSA_DETAILS,
    spki: key.type === ED25519 ? ed25519Spki(key.publicKey) : key.publicKey,
    logId: keyHash(key),
    validFor: {},
    verifier: noteVerifier(key),
    vkey,
  };
}

function verifierKeyOf({ url, origin, keyDetails, spki }: KnownLog): VerifierKey | undefined {
  if (keyDetails === ED25519_DETAILS) {
    const publicKey = ed25519Key(spki);
    if (publicKey === undefined)
      throw new FormatError(`trusted root: the key of ${url} is not an Ed25519 key as DER SPKI`);
    return { name: origin, type: ED25519, publicKey };
  }
  if (keyDetails !== ECDSA_DETAILS) return undefined;
  // To write it and to read it again is what checks the key.
  return parseVerifierKey(formatVerifierKey({ name: origin, type: ECDSA, publicKey: spki }));
}
