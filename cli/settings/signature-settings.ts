/**
 * A signature, and what it is over.
 * @module
 */
import type { Settings } from './setting.js';

const GROUP = 'The signature';

export const SIGNATURE_SETTINGS = {
  artifact: {
    value: 'FILE',
    description: "what was signed; for a dsse the envelope's JSON",
    file: true,
    group: GROUP,
  },
  'artifact-hash': {
    value: 'HASH',
    description:
      'instead of --artifact its digest: hex, with or without sha256:, sha384: or sha512: before it',
    group: GROUP,
  },
  signature: { value: 'FILE', description: 'the signature', file: true, group: GROUP },
  'public-key': {
    value: 'FILE',
    description: 'the public key or certificate that it verifies with, PEM or DER',
    file: true,
    group: GROUP,
  },
  'pki-format': {
    value: 'x509',
    default: 'x509',
    choices: ['x509'],
    description: 'what kind of key it is',
    group: GROUP,
  },
  type: {
    // Without a default, so that a type which is given where a bundle says its own is told from none.
    value: 'hashedrekord|dsse',
    choices: ['hashedrekord', 'dsse'],
    description: 'what kind of entry it is; left out it is a hashedrekord',
    group: GROUP,
  },
} as const satisfies Settings;
