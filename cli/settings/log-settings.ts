/**
 * Settings that several commands share: those of whatever reads a log, or speaks of a signature or an entry in it.
 * @module
 */
import type { Alternatives } from './alternatives.js';
import type { Settings } from './setting.js';
import { NETWORK_SETTINGS, TOKEN_SETTINGS } from './network-settings.js';
import { S3_SETTINGS } from './s3-settings.js';

export const FORMAT = {
  value: 'default|json',
  default: 'default',
  choices: ['default', 'json'],
  description: 'how the result is printed, and with json an error too',
} as const;

/** With Sigstore's own form of an entry. */
export const FORMAT_OR_TLE = {
  ...FORMAT,
  value: 'default|json|tle',
  choices: ['default', 'json', 'tle'],
  description:
    "how the result is printed, and with json an error too; tle is Sigstore's TransparencyLogEntry",
} as const;

export const LOG_SETTINGS = {
  rekor_server: {
    value: 'URL|DIR',
    description:
      "the log: its URL, s3://BUCKET/PREFIX, its data folder or its store's folder (default: the log that is pinned, where there is just one)",
    folder: true,
    group: 'The log',
  },
  vkey: {
    value: 'KEY|FILE',
    description: "the log's verifier key, or a file that holds it",
    file: true,
    group: 'The log',
  },
  'trusted-root': {
    value: 'FILE',
    description: "a trusted_root.json or .jsonl that names the log's key",
    file: true,
    group: 'The log',
  },
  timeout: {
    value: 'DURATION',
    default: '30s',
    description: 'how long one request may take',
    group: 'The log',
  },
  retry: {
    value: 'N',
    default: '3',
    description: 'how often a request that failed is tried again',
    group: 'The log',
  },
  store_tree_state: {
    value: 'true|false',
    default: 'true',
    choices: ['true', 'false'],
    description: 'remember the newest checkpoint seen, and refuse an older or forked one',
    group: 'The log',
  },
  state: {
    value: 'DIR',
    description:
      'where it is remembered, so that two logs of one name are told apart (default: $XDG_STATE_HOME/stele/heads)',
    folder: true,
    group: 'The log',
  },
  format: FORMAT,
  ...S3_SETTINGS,
  ...NETWORK_SETTINGS,
  ...TOKEN_SETTINGS,
} as const satisfies Settings;

/** What a log's key is taken from; of a trusted root the authorities are read besides. */
export const LOG_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['vkey'], ['trusted-root']], together: true, keeps: ['trusted-root'] },
];

/** An index and a leaf hash may be given together, and must then be of one entry. */
export const ENTRY_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['log-index'], ['uuid']], together: true },
];

/** A signature, and what it is over. */
export const SIGNATURE_SETTINGS = {
  artifact: {
    value: 'FILE',
    description: "what was signed; for a dsse the envelope's JSON",
    file: true,
    group: 'The signature',
  },
  'artifact-hash': {
    value: 'HASH',
    description: 'its digest in its place: hex, after sha256:, sha384: or sha512: if need be',
    group: 'The signature',
  },
  signature: {
    value: 'FILE',
    description: 'the signature',
    file: true,
    group: 'The signature',
  },
  'public-key': {
    value: 'FILE',
    description: 'the public key or certificate that it verifies with, PEM or DER',
    file: true,
    group: 'The signature',
  },
  'pki-format': {
    value: 'x509',
    default: 'x509',
    choices: ['x509'],
    description: 'what kind of key it is',
    group: 'The signature',
  },
  type: {
    value: 'hashedrekord|dsse',
    default: 'hashedrekord',
    choices: ['hashedrekord', 'dsse'],
    description: 'what kind of entry it is',
    group: 'The signature',
  },
} as const satisfies Settings;

/** What names an entry. */
export const ENTRY_SETTINGS = {
  'log-index': { value: 'N', description: "the entry's index in the log", group: 'The entry' },
  uuid: {
    value: 'HEX',
    description: "the entry's leaf hash, 64 digits, or the 80 of Rekor's id",
    group: 'The entry',
  },
} as const satisfies Settings;
