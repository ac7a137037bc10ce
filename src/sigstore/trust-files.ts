/**
 * The files by which Sigstore clients know a log: `trusted_root.json` and `signing_config.json`, in the form that
 * the JavaScript, Go and Python clients all take.
 * @module
 */
import { encodeBase64 } from '../../tiles-spec/index.js';

/** A log as its clients are told of it. */
export interface PublicLog {
  /** Where clients post and read: no trailing slash, no path of the API. Its host name is the log's origin. */
  readonly url: string;
  /** DER SPKI of its Ed25519 key. */
  readonly spki: Uint8Array;
  /** All 32 bytes of SHA-256(origin LF 0x01 key). */
  readonly logId: Uint8Array;
  /** When the log was made, Unix milliseconds. */
  readonly created: number;
}

/** `trusted_root.json`. One line: `gh attestation verify --custom-trusted-root` reads JSON lines. */
export function formatTrustedRoot({ url, spki, logId, created }: PublicLog): string {
  return jsonLine({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: url,
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: encodeBase64(spki),
          keyDetails: 'PKIX_ED25519',
          validFor: { start: rfc3339(created) },
        },
        logId: { keyId: encodeBase64(logId) },
      },
    ],
    // Clients demand that these are there, if empty: a log has no certificate authority of its own.
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [],
  });
}

/** `signing_config.json`. */
export function formatSigningConfig({ url, created }: PublicLog): string {
  return jsonLine({
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [],
    oidcUrls: [],
    rekorTlogUrls: [
      { url, majorApiVersion: 2, validFor: { start: rfc3339(created) }, operator: new URL(url).hostname },
    ],
    // Cosign demands the selectors, and sigstore-python refuses them empty.
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [],
    tsaConfig: { selector: 'ANY' },
  });
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Whole seconds: not every client reads fractions. */
function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
