/**
 * `stele trust`: writes trust files, or pins a log. Its code is in `trust/`.
 * @module
 */
import { command } from '../command.js';
import { FORMAT } from '../settings/format-settings.js';
import { NETWORK_SETTINGS, TOKEN_SETTINGS } from '../settings/network-settings.js';
import { REQUEST_SETTINGS } from '../settings/request-settings.js';
import { S3_SETTINGS } from '../settings/s3-settings.js';
import { SERVICE_SETTINGS } from './trust/services.js';

export const trustCommand = command({
  summary: 'Make and pin trust files',
  details:
    "Writes trusted_root.json and signing_config.json for Sigstore's clients, and both in one as client_trust_config.json, from logs and from the other services that they are to trust. With --pin it keeps a log's trust file instead, and later commands need no key.",
  arguments: [
    {
      name: 'LOG',
      description: 'its URL or folder, or a trusted_root.json that names logs',
      optional: true,
      many: true,
      file: true,
    },
  ],
  settings: {
    pin: {
      description: "fetch the log's key once, and keep it for later commands",
      flagOnly: true,
    },
    vkey: {
      value: 'KEY|FILE',
      description: "the log's verifier key, or a file that holds it: refuse another",
      file: true,
    },
    output: {
      value: 'DIR',
      description: 'where the trust files go (default: the folder you are in)',
      folder: true,
    },
    format: FORMAT,
    ...SERVICE_SETTINGS,
    ...REQUEST_SETTINGS,
    ...S3_SETTINGS,
    ...NETWORK_SETTINGS,
    ...TOKEN_SETTINGS,
  },
  alternatives: [
    {
      of: [['pin'], ['output', ...Object.keys(SERVICE_SETTINGS)]],
      because: 'a pin is of a log alone, and is kept by itself',
    },
  ],
  examples: [
    { what: 'Trust a log from now on', command: 'stele trust --pin https://log.example.com' },
    {
      what: 'Trust files of a log beside a certificate authority',
      command:
        'stele trust https://log.example.com --fulcio ca.pem --fulcio-url https://ca.example.com --output trust',
    },
  ],
  run: async (invocation) => {
    if (invocation.values.pin) {
      const { pinLog } = await import('./trust/pin-log.js');
      return pinLog(invocation);
    }
    const { writeTrustFiles } = await import('./trust/trust-files.js');
    return writeTrustFiles(invocation);
  },
});
