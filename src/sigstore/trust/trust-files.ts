/**
 * The files by which Sigstore clients know a log: `trusted_root.json`, `signing_config.json`, and both in one as
 * `client_trust_config.json`, in the form that the JavaScript, Go, Python, Java and Rust clients all take.
 * @module
 */
import { encodeBase64, formatPath } from '../../../tiles-spec/index.js';
import { rfc3339Seconds } from '../../rfc3339.js';
import { PKIX_ED25519, type KnownLog, type VerbatimAuthorities } from './trusted-root.js';

/** The names of the files: the first two are also a log's objects of these names. */
export const TRUSTED_ROOT = formatPath({ kind: 'trusted_root' });
export const SIGNING_CONFIG = formatPath({ kind: 'signing_config' });
export const CLIENT_TRUST_CONFIG = 'client_trust_config.json';

/** A log as trust files describe it to clients. */
export interface PublicLog {
  /** Where clients post and read: no trailing slash, no path of the API. Its host name is the log's origin. */
  readonly url: string;
  /** DER SPKI of its key. */
  readonly spki: Uint8Array;
  /** A `PublicKeyDetails` label; left out it is `PKIX_ED25519`. */
  readonly keyDetails?: string;
  /** All 32 bytes: SHA-256(origin LF 0x01 key), or of ECDSA SHA-256(spki). */
  readonly logId: Uint8Array;
  /** When the log was made, Unix milliseconds. */
  readonly created: number;
  /** When it took its last entry, Unix milliseconds. Clients still read a frozen log, and write to others. */
  readonly frozen?: number;
}

/** A log of one trust file, for another. */
export function publicLogOf({ url, spki, keyDetails, logId, validFor }: KnownLog): PublicLog {
  const { start = 0, end } = validFor;
  return { url, spki, keyDetails, logId, created: start, ...(end === undefined ? {} : { frozen: end }) };
}

/** A certificate authority (Fulcio) or a time stamp authority. */
export interface CertifiedAuthority {
  /**
   * Where clients ask it; a time stamp authority's with its path, such as `/api/v1/timestamp`. Absent where its
   * certificates serve for verifying alone.
   */
  readonly url?: string | undefined;
  /** The root's subject. */
  readonly organization: string;
  readonly commonName: string;
  /** DER, root last. */
  readonly certificates: readonly Uint8Array[];
  /** The notBefore of the first certificate, Unix milliseconds. */
  readonly start: number;
}

/** A certificate transparency log. */
export interface CertificateLog {
  /** Absent where its key serves for verifying alone. */
  readonly url?: string | undefined;
  /** DER. */
  readonly spki: Uint8Array;
  readonly keyDetails: string;
  /** SHA-256 of `spki` (RFC 6962 section 3.2). */
  readonly logId: Uint8Array;
  /** The beginning of its key's validity, Unix milliseconds. */
  readonly start: number;
}

/** The authorities that clients are to trust certificates and time stamps by. A log by itself has none. */
export interface Authorities {
  readonly certificateAuthorities?: readonly CertifiedAuthority[];
  readonly certificateLogs?: readonly CertificateLog[];
  readonly timestampAuthorities?: readonly CertifiedAuthority[];
  /** Authorities of other trust files, as they stand there. */
  readonly verbatim?: VerbatimAuthorities;
}

/**
 * `trusted_root.json`. One line: `gh attestation verify --custom-trusted-root` reads JSON lines.
 * @param logs every log whose entries clients are to trust.
 */
export function formatTrustedRoot(
  logs: PublicLog | readonly PublicLog[],
  {
    certificateAuthorities = [],
    certificateLogs = [],
    timestampAuthorities = [],
    verbatim,
  }: Authorities = {},
): string {
  return jsonLine({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: several(logs).map(({ created, frozen, ...log }) => logJson(log, validFor(created, frozen))),
    // Clients demand these lists, also empty.
    certificateAuthorities: [
      ...certificateAuthorities.map(authorityJson),
      ...(verbatim?.certificateAuthorities ?? []),
    ],
    ctlogs: [...certificateLogs.map((log) => logJson(log, validFor(log.start))), ...(verbatim?.ctlogs ?? [])],
    timestampAuthorities: [
      ...timestampAuthorities.map(authorityJson),
      ...(verbatim?.timestampAuthorities ?? []),
    ],
  });
}

/**
 * `signing_config.json`: where clients get certificates and time stamps, and where they log. They verify the answers by
 * the trusted root of the same logs and authorities. An authority without a URL is left out.
 * @param logs those that take entries.
 * @param oidcUrls the identity providers that the certificate authority believes.
 */
export function formatSigningConfig(
  logs: PublicLog | readonly PublicLog[],
  { certificateAuthorities = [], timestampAuthorities = [] }: Authorities = {},
  oidcUrls: readonly string[] = [],
): string {
  // An identity provider counts from the start of the authority that believes it: nothing says when it began.
  const oidcStart = Math.min(...certificateAuthorities.map(({ start }) => start));
  return jsonLine({
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: servicesJson(certificateAuthorities),
    oidcUrls: oidcUrls.map((url) =>
      serviceJson(url, 1, validFor(Number.isFinite(oidcStart) ? oidcStart : 0)),
    ),
    rekorTlogUrls: several(logs).map(({ url, created, frozen }) =>
      serviceJson(url, 2, validFor(created, frozen)),
    ),
    // Cosign demands the selectors, and sigstore-python refuses them empty.
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: servicesJson(timestampAuthorities),
    tsaConfig: { selector: 'ANY' },
  });
}

/**
 * `client_trust_config.json`: both files in one, for clients that take no other (sigstore-python's command, and what is
 * built on it).
 * @param trustedRoot what `formatTrustedRoot` returned.
 * @param signingConfig what `formatSigningConfig` returned.
 */
export function formatClientTrustConfig(trustedRoot: string, signingConfig: string): string {
  return jsonLine({
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot: JSON.parse(trustedRoot) as unknown,
    signingConfig: JSON.parse(signingConfig) as unknown,
  });
}

function several(logs: PublicLog | readonly PublicLog[]): readonly PublicLog[] {
  return 'url' in logs ? [logs] : logs;
}

function logJson(
  {
    url,
    spki,
    keyDetails = PKIX_ED25519,
    logId,
  }: Omit<PublicLog, 'created' | 'url'> & { url?: string | undefined },
  range: object,
): object {
  return {
    ...(url === undefined ? {} : { baseUrl: url }),
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: encodeBase64(spki), keyDetails, validFor: range },
    logId: { keyId: encodeBase64(logId) },
  };
}

function authorityJson({ url, organization, commonName, certificates, start }: CertifiedAuthority): object {
  return {
    subject: { organization, commonName },
    ...(url === undefined ? {} : { uri: url }),
    certChain: { certificates: certificates.map((der) => ({ rawBytes: encodeBase64(der) })) },
    validFor: validFor(start),
  };
}

function servicesJson(authorities: readonly CertifiedAuthority[]): object[] {
  return authorities.flatMap(({ url, start }) =>
    url === undefined ? [] : [serviceJson(url, 1, validFor(start))],
  );
}

function serviceJson(url: string, majorApiVersion: number, range: object): object {
  return { url, majorApiVersion, validFor: range, operator: new URL(url).hostname };
}

function validFor(start: number, end?: number): object {
  return { start: rfc3339Seconds(start), ...(end === undefined ? {} : { end: rfc3339Seconds(end) }) };
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
