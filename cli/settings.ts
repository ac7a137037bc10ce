/**
 * The settings of each command but `serve`, which has many.
 * @module
 */
import type { Alternatives } from './settings/alternatives.js';
import type { Settings } from './settings/setting.js';
import {
  ENTRY_ALTERNATIVES,
  ENTRY_SETTINGS,
  FORMAT,
  FORMAT_OR_TLE,
  LOG_ALTERNATIVES,
  LOG_SETTINGS,
  SIGNATURE_SETTINGS,
} from './settings/log-settings.js';
import { NETWORK_SETTINGS, TOKEN_SETTINGS } from './settings/network-settings.js';
import { S3_SETTINGS } from './settings/s3-settings.js';

export const KEYGEN_SETTINGS = {
  origin: { value: 'NAME', description: "the log's origin: the host name that clients will reach it by" },
  key: { value: 'FILE', default: './log.key', description: 'the key file to make', file: true },
  format: FORMAT,
} as const satisfies Settings;

export const UPLOAD_SETTINGS = {
  ...SIGNATURE_SETTINGS,
  key: {
    value: 'FILE',
    description:
      'a private key, PEM: sign the artifact with it, in the place of --signature and --public-key',
    file: true,
    flagOnly: true,
    group: 'The signature',
  },
  output: {
    value: 'FILE',
    description: 'where the bundle goes (default: with --key ARTIFACT.sigstore.json, else none is written)',
    file: true,
    // For `trust` it is a folder.
    flagOnly: true,
  },
  ...LOG_SETTINGS,
  format: FORMAT_OR_TLE,
} as const satisfies Settings;

export const UPLOAD_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['key'], ['signature', 'public-key', 'artifact-hash']] },
  { of: [['key'], ['type']], together: true },
  { of: [['artifact'], ['artifact-hash']] },
  ...LOG_ALTERNATIVES,
];

export const VERIFY_SETTINGS = {
  ...SIGNATURE_SETTINGS,
  artifact: {
    ...SIGNATURE_SETTINGS.artifact,
    description:
      'the file that was signed: of a bundle with a signature, what it is over; of an attestation, a subject of its statement. With --type dsse the envelope itself, JSON',
  },
  ...ENTRY_SETTINGS,
  'certificate-identity': {
    value: 'NAME',
    description:
      'who must have signed: an e-mail address, URI, DNS name, IP address or user name that the certificate has, as it stands there',
    group: 'Who signed',
  },
  'certificate-identity-regexp': {
    value: 'REGEXP',
    description:
      'the same, for any name that matches in whole: a regular expression of JavaScript (flag u), anchored at both ends',
    group: 'Who signed',
  },
  'certificate-oidc-issuer': {
    value: 'URL',
    description: 'the identity provider that must have vouched for that name',
    group: 'Who signed',
  },
  'certificate-oidc-issuer-regexp': {
    value: 'REGEXP',
    description:
      "the same, for any provider that matches in whole; ^$ is for a certificate that names none, as a company's own authority makes (it needs an SCT of a log in the trusted root too)",
    group: 'Who signed',
  },
  ...LOG_SETTINGS,
} as const satisfies Settings;

/** What a bundle says of itself is not asked for; of a proof that stands alone its signature may be. */
export const VERIFY_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['BUNDLE'], ['log-index', 'uuid']] },
  ...ENTRY_ALTERNATIVES,
  { of: [['BUNDLE'], ['signature', 'type']], together: true },
  { of: [['artifact'], ['artifact-hash']] },
  { of: [['certificate-identity'], ['certificate-identity-regexp']] },
  { of: [['certificate-oidc-issuer'], ['certificate-oidc-issuer-regexp']] },
  {
    of: [
      ['public-key'],
      [
        'certificate-identity',
        'certificate-identity-regexp',
        'certificate-oidc-issuer',
        'certificate-oidc-issuer-regexp',
      ],
    ],
  },
  ...LOG_ALTERNATIVES,
];

export const GET_SETTINGS = {
  ...ENTRY_SETTINGS,
  proof: {
    value: 'FILE',
    description: 'write a proof that stands alone: *.tlog-proof, or *.json for a Sigstore bundle',
    file: true,
  },
  ...LOG_SETTINGS,
  format: FORMAT_OR_TLE,
} as const satisfies Settings;

export const GET_ALTERNATIVES: readonly Alternatives[] = [...ENTRY_ALTERNATIVES, ...LOG_ALTERNATIVES];

export const LOGINFO_SETTINGS = LOG_SETTINGS;

export const LOGPROOF_SETTINGS = {
  'first-size': { value: 'N', default: '1', description: 'the size of the older tree' },
  'last-size': { value: 'N', description: "the size of the newer tree (default: the log's)" },
  ...LOG_SETTINGS,
} as const satisfies Settings;

export const FSCK_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['LOG'], ['rekor_server']] },
  ...LOG_ALTERNATIVES,
];

export const FSCK_SETTINGS = {
  'no-times': { description: 'leave the times out: logs of other software have none' },
  ...LOG_SETTINGS,
} as const satisfies Settings;

const SERVICES = "Sigstore's other services";

export const TRUST_SETTINGS = {
  pin: {
    description: "fetch the log's key once, and keep it for the commands after",
    flagOnly: true,
  },
  vkey: {
    value: 'KEY|FILE',
    description: "the log's verifier key, or a file that holds it: refuse another",
    file: true,
  },
  output: { value: 'DIR', default: '.', description: 'where the trust files go', folder: true },
  format: FORMAT,
  fulcio: {
    value: 'FILE',
    description: "a certificate authority's chain, PEM",
    many: true,
    file: true,
    group: SERVICES,
  },
  'fulcio-url': {
    value: 'URL',
    description: 'where certificates are asked for: left out, the files serve for verifying alone',
    group: SERVICES,
  },
  ctlog: {
    value: 'FILE',
    description: "a certificate transparency log's public key, PEM or DER",
    many: true,
    file: true,
    group: SERVICES,
  },
  'ctlog-url': { value: 'URL', description: 'where that log is', group: SERVICES },
  tsa: {
    value: 'FILE',
    description: "a time stamp authority's chain, PEM",
    many: true,
    file: true,
    group: SERVICES,
  },
  'tsa-url': { value: 'URL', description: 'where time stamps are asked for', group: SERVICES },
  'oidc-url': { value: 'URL', description: 'where signers prove who they are', group: SERVICES },
  timeout: LOG_SETTINGS.timeout,
  retry: LOG_SETTINGS.retry,
  ...S3_SETTINGS,
  ...NETWORK_SETTINGS,
  ...TOKEN_SETTINGS,
} as const satisfies Settings;

export const VERSION_SETTINGS = { format: FORMAT } as const satisfies Settings;
