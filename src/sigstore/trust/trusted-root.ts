/**
 * What a reader trusts: the logs and authorities of Sigstore's `trusted_root.json`, or the log of a verifier key.
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
  maxLengthOf,
  noteVerifier,
  parseVerifierKey,
  type NoteVerifier,
  type VerifierKey,
} from '../../../tiles-spec/index.js';
import { ed25519Key, ed25519Spki } from '../../../tiles-spec/spki.js';
import { bytesOf, instant, list, parseMessageFile, readMessage, someBytes } from '../../protobuf-json.js';
import { ALGORITHMS, type KeyDetails } from '../../signatures/algorithms.js';

/** Unix milliseconds, both ends included. An end that is absent is open. */
export interface TimeRange {
  readonly start?: number;
  readonly end?: number;
}

/** A log as a trust file names it, with a key of any type. */
export interface KnownLog {
  /** Its `baseUrl`. */
  readonly url: string;
  /**
   * The name of its key: the host name of `url`. It is the origin of a checkpoint of Rekor v2 or Stele. A checkpoint of
   * Rekor v1 has another: a name that its operator or its machine chose, ` - `, and a tree id in decimal.
   */
  readonly origin: string;
  /** A `PublicKeyDetails` label; of a verifier key `PKIX_ED25519` or `PKIX_ECDSA_P256_SHA_256`. */
  readonly keyDetails: string;
  /** The key in DER: SubjectPublicKeyInfo, but for some RSA keys. */
  readonly spki: Uint8Array;
  /** All 32 bytes of the log id. */
  readonly logId: Uint8Array;
  /** The time in which the log used its key. */
  readonly validFor: TimeRange;
}

/** A log whose signatures Stele can verify: its key is Ed25519 (Rekor v2, Stele) or ECDSA P-256 (Rekor v1). */
export interface TrustedLog extends KnownLog {
  readonly verifier: NoteVerifier;
  /** The same key as text: `<name>+<key id>+<key>`. */
  readonly vkey: string;
}

/** The authorities of a trusted root, as its messages stand in the file, with fields in lowerCamelCase. */
export interface VerbatimAuthorities {
  readonly certificateAuthorities: readonly object[];
  /** Certificate transparency logs. */
  readonly ctlogs: readonly object[];
  readonly timestampAuthorities: readonly object[];
}

/** A parsed `trusted_root.json`. */
export interface TrustedRoot {
  /** In the file's order; `isTrustedLog` says which of them can be verified. */
  readonly logs: readonly KnownLog[];
  /** Not judged: `verifyBundle` refuses those that it cannot use. */
  readonly authorities: VerbatimAuthorities;
}

/** Whether Stele verifies signatures of the log's type of key. */
export function isTrustedLog(log: KnownLog): log is TrustedLog {
  return 'verifier' in log;
}

/**
 * Whether a log is of Rekor v1. Such a log has no tiles, and gives promises of inclusion. The type of its key tells, since
 * neither a trust file nor a verifier key has a field for it: Rekor v1 signs with ECDSA, whose type of verifier key C2SP
 * keeps for old logs alone, and Rekor v2 and Stele sign with Ed25519.
 */
export function isRekorV1({ keyDetails }: TrustedLog): boolean {
  return keyDetails === PKIX_ECDSA;
}

/** Whether an instant, in Unix milliseconds, is in the range. */
export function isWithin({ start = -Infinity, end = Infinity }: TimeRange, time: number): boolean {
  return start <= time && time <= end;
}

/** The longest `trusted_root.json`, in bytes. */
export const MAX_TRUSTED_ROOT_LENGTH = maxLengthOf({ kind: 'trusted_root' });
/** How many logs, and how many authorities of each sort, a trusted root may have. */
const MAX_MEMBERS = 100;
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.[12]|\.v0\.[12]\+json)$/;

/** The `PublicKeyDetails` of a log's key: Ed25519 in Rekor v2 and Stele, ECDSA in Rekor v1. */
export const PKIX_ED25519 = 'PKIX_ED25519';
const PKIX_ECDSA: KeyDetails = 'PKIX_ECDSA_P256_SHA_256';

/** The labels of the enum's numbers: protobuf's JSON may have either. Pure Ed25519 signs no entries, and is no algorithm. */
const LABELS: ReadonlyMap<number, string> = new Map([
  [7, PKIX_ED25519],
  ...ALGORITHMS.map(({ number, keyDetails }) => [number, keyDetails] as const),
]);

const authorities = list(z.looseObject({}), MAX_MEMBERS);

const trustedRoot = z.object({
  mediaType: z.string().regex(MEDIA_TYPE, 'is not of a trusted root'),
  tlogs: list(
    z.object({
      baseUrl: z.url(),
      // The hash of the tree, for which there has been no other value.
      hashAlgorithm: z.literal(['SHA2_256', 1]).optional(),
      publicKey: z.object({
        rawBytes: someBytes,
        keyDetails: z.union([z.string(), z.number().transform((n) => LABELS.get(n) ?? String(n))]),
        // A key without a start would be good for entries of any age: Sigstore's own clients refuse that too.
        validFor: z.object({ start: instant, end: instant.optional() }),
      }),
      logId: z.object({ keyId: bytesOf(32) }),
    }),
    MAX_MEMBERS,
  ),
  certificateAuthorities: authorities,
  ctlogs: authorities,
  timestampAuthorities: authorities,
});

/**
 * Parses a `trusted_root.json` of at most 1 MiB, with at most 100 logs and 100 authorities of each sort.
 * @throws FormatError when it is none, or a log id is not that of the log's key.
 */
export function parseTrustedRoot(file: Uint8Array): TrustedRoot {
  return trustedRootOfJson(parseMessageFile(file, 'trusted root', MAX_TRUSTED_ROOT_LENGTH));
}

/** Reads a trusted root from parsed JSON, as `parseTrustedRoot` reads it from a file. @throws FormatError */
export function trustedRootOfJson(json: unknown): TrustedRoot {
  const { tlogs, certificateAuthorities, ctlogs, timestampAuthorities } = readMessage(
    trustedRoot,
    json,
    'trusted root',
  );
  return {
    logs: tlogs.map(knownLog),
    authorities: { certificateAuthorities, ctlogs, timestampAuthorities },
  };
}

function knownLog({ baseUrl, publicKey, logId }: z.infer<typeof trustedRoot>['tlogs'][number]): KnownLog {
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
      `trusted root: the log id ${encodeBase64(log.logId)} is not that of the key of ${log.url} under the name ${log.origin} (${encodeBase64(keyHash(key))}): clients take the host of a log's URL for its origin. Where the origin is another, the log must be served at a URL of that host (stele serve --public-url)`,
    );
  }
  const trusted: TrustedLog = { ...log, verifier: noteVerifier(key), vkey: formatVerifierKey(key) };
  return trusted;
}

/** All that several trusted roots name, each log and authority once. */
export function joinTrustedRoots(roots: readonly TrustedRoot[]): TrustedRoot {
  const all = roots.map((root) => root.authorities);
  return {
    logs: onlyOnce(
      roots.flatMap(({ logs }) => logs),
      ({ url, keyDetails, spki, validFor }) => [url, keyDetails, encodeBase64(spki), validFor],
    ),
    authorities: {
      certificateAuthorities: onlyOnce(all.flatMap((each) => each.certificateAuthorities)),
      ctlogs: onlyOnce(all.flatMap(({ ctlogs }) => ctlogs)),
      timestampAuthorities: onlyOnce(all.flatMap((each) => each.timestampAuthorities)),
    },
  };
}

/** @param identity the JSON by which two are the same. */
function onlyOnce<Item>(items: readonly Item[], identity: (item: Item) => unknown = (item) => item): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(identity(item)), item])).values()];
}

/**
 * The log of a verifier key (`<name>+<key id>+<key>`), good at any time.
 * @param url of the log; left out, it is `https://` and the name.
 * @throws FormatError unless the text is a verifier key of a type that Stele knows.
 */
export function trustedLogFromVerifierKey(vkey: string, url?: string): TrustedLog {
  const key = parseVerifierKey(vkey);
  return {
    url: url ?? `https://${key.name}`,
    origin: key.name,
    keyDetails: key.type === ED25519 ? PKIX_ED25519 : PKIX_ECDSA,
    spki: key.type === ED25519 ? ed25519Spki(key.publicKey) : key.publicKey,
    logId: keyHash(key),
    validFor: {},
    verifier: noteVerifier(key),
    vkey,
  };
}

function verifierKeyOf({ url, origin, keyDetails, spki }: KnownLog): VerifierKey | undefined {
  if (keyDetails === PKIX_ED25519) {
    const publicKey = ed25519Key(spki);
    if (publicKey === undefined)
      throw new FormatError(`trusted root: the key of ${url} is not an Ed25519 key as DER SPKI`);
    return { name: origin, type: ED25519, publicKey };
  }
  if (keyDetails !== PKIX_ECDSA) return undefined;
  // `parseVerifierKey` checks the key.
  return parseVerifierKey(formatVerifierKey({ name: origin, type: ECDSA, publicKey: spki }));
}
