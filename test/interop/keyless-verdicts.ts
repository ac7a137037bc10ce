/**
 * What verifiers say: when they accept, and when they refuse, for which reason.
 * @module
 */
import type { Verifier } from './keyless-clients.js';

/** What may be wrong with what a verifier is asked, or with what it trusts. */
export const CONTROLS = [
  'identity',
  'issuer',
  'artifact',
  'log',
  'certificate authority',
  'certificate log',
  'time stamp authority',
] as const;
export type Control = (typeof CONTROLS)[number];

/** What a verifier writes when it accepts. */
export const ACCEPTS: Readonly<Record<Verifier, RegExp>> = {
  cosign: /^Verified OK$/m,
  'sigstore-python': /^OK: \S+$/m,
  'sigstore-java': /^Verified$/m,
  'sigstore-rust': /^Verified$/m,
  stele: /^Verified$/m,
};

/** What a verifier writes when it refuses for this reason. */
export const REFUSES: Readonly<Record<Verifier, Readonly<Record<Control, RegExp>>>> = {
  cosign: {
    identity: /expected SAN value "\S+", got "\S+"/,
    issuer: /expected issuer value "\S+", got "\S+"/,
    artifact:
      /could not verify message: invalid signature|artifact digests do not match digests in statement/,
    log: /not enough verified log entries from transparency log: 0 < 1/,
    'certificate authority': /leaf certificate verification failed/,
    'certificate log': /only able to verify 0 SCT entries/,
    'time stamp authority': /threshold not met for verified signed timestamps: 0 < 1/,
  },
  'sigstore-python': {
    identity: /Certificate's SANs do not match/,
    issuer: /Certificate's OIDCIssuer does not match/,
    artifact: /Bundle message digest mismatch|in-toto statement has no subject for digest/,
    log: /invalid log entry: checkpoint: invalid signature/,
    'certificate authority': /failed to build timestamp certificate chain: validation failed/,
    'certificate log': /SCT verify failed: keyring: invalid signature/,
    'time stamp authority': /not enough sources of verified time/,
  },
  'sigstore-java': {
    identity: /No provided certificate identities matched values in certificate/,
    issuer: /No provided certificate identities matched values in certificate/,
    artifact: /Provided artifact digest does not match digest used for verification/,
    log: /Transparency log entry could not be verified/,
    'certificate authority': /Certificate was not verifiable against CAs/,
    'certificate log': /No valid SCTs were found/,
    'time stamp authority': /Certificates in token were not verifiable against TSAs/,
  },
  'sigstore-rust': {
    identity: /^identity mismatch: expected \S+, got \S+$/m,
    issuer: /^issuer mismatch: expected \S+, got \S+$/m,
    artifact: /^artifact mismatch: /m,
    log: /No matching Rekor key found for checkpoint signature/,
    'certificate authority': /^certificate chain is invalid: /m,
    'certificate log': /^invalid signed certificate timestamp: /m,
    'time stamp authority': /^invalid RFC 3161 timestamp: /m,
  },
  stele: {
    identity: /^stele: the certificate is of \S+, not of \S+$/m,
    issuer: /^stele: the certificate's identity is by \S+, not by \S+$/m,
    artifact:
      /^stele: the (?:signature is over another artifact|in-toto statement is not about the artifact)/m,
    log: /^stele: the entry is of the log .*with id \S+, which is none of the trusted logs/m,
    'certificate authority': /^stele: the certificate is not shown to be good: .*no valid certificate path/m,
    'certificate log': /^stele: the certificate is not shown to be good: SCT verification failed/m,
    'time stamp authority':
      /^stele: the certificate is not shown to be good: timestamp could not be verified/m,
  },
};

/**
 * What a verifier writes of every attestation here, where it verifies none. Sigstore-java demands an entry of kind
 * `dsse`; Stele logs a DSSE envelope as the signature over its digest, of kind `hashedrekord`.
 */
export const REFUSES_ATTESTATIONS: Readonly<Partial<Record<Verifier, RegExp>>> = {
  'sigstore-java': /Could not parse DSSE from log entry body/,
};
