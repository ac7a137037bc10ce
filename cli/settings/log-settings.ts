/**
 * Which log is read, the key that it is held to, and how it is reached.
 * @module
 */
import type { Alternatives } from './alternatives.js';
import { FORMAT } from './format-settings.js';
import { NETWORK_SETTINGS, TOKEN_SETTINGS } from './network-settings.js';
import { REQUEST_SETTINGS } from './request-settings.js';
import { S3_SETTINGS } from './s3-settings.js';
import type { Settings } from './setting.js';

const GROUP = 'The log';

export const LOG_SETTINGS = {
  rekor_server: {
    value: 'URL|DIR',
    description:
      "the log: its URL, s3://BUCKET/PREFIX, its data folder or its store's folder (default: the log that is pinned, where there is just one)",
    folder: true,
    group: GROUP,
  },
  vkey: {
    value: 'KEY|FILE',
    description: "the log's verifier key, or a file that holds it",
    file: true,
    group: GROUP,
  },
  'trusted-root': {
    value: 'FILE',
    description: "a trusted_root.json or .jsonl that names the log's key",
    file: true,
    group: GROUP,
  },
  ...REQUEST_SETTINGS,
  store_tree_state: {
    value: 'true|false',
    default: 'true',
    choices: ['true', 'false'],
    description: 'remember the newest checkpoint seen, and refuse an older or forked one',
    group: GROUP,
  },
  state: {
    value: 'DIR',
    description:
      'the folder in which it is remembered: two logs of one name need two (default: $XDG_STATE_HOME/stele/heads)',
    folder: true,
    group: GROUP,
  },
  format: FORMAT,
  ...S3_SETTINGS,
  ...NETWORK_SETTINGS,
  ...TOKEN_SETTINGS,
} as const satisfies Settings;

/** Where a log's key comes from. A trusted root also names the authorities of certificates, so it is always read. */
export const LOG_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['vkey'], ['trusted-root']], together: true, keeps: ['trusted-root'] },
];
