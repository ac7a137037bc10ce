/**
 * `stele upload`: puts a signature into a log. Its code is in `upload/`.
 * @module
 */
import { command } from '../command.js';
import { FORMAT_OR_TLE } from '../settings/format-settings.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';
import { SIGNATURE_SETTINGS } from '../settings/signature-settings.js';

export const uploadCommand = command({
  summary: 'Put a signature into the log',
  details:
    'Submits a signature with its key or certificate, and checks the proof that comes back. One that is in the log already is no error. With --key the artifact is signed as well, and a Sigstore bundle is written that verifies offline. The same command again logs nothing twice: it takes the signature from the bundle or, where the answer of the log was lost, from the file beside the bundle, OUTPUT.signature. A bundle of another artifact or by another key is never replaced. An Ed25519 key signs as Ed25519ph, which cosign verify-blob --key refuses: for cosign, sign with an ECDSA P-256 key.',
  settings: {
    ...SIGNATURE_SETTINGS,
    key: {
      value: 'FILE',
      description: 'a private key, PEM: sign the artifact with it, instead of --signature and --public-key',
      file: true,
      flagOnly: true,
      group: 'The signature',
    },
    output: {
      value: 'FILE',
      description: 'where the bundle goes (default: with --key ARTIFACT.sigstore.json, else none is written)',
      file: true,
      // `trust` has an --output too, which is a folder: a configuration file for both must not name this file.
      flagOnly: true,
    },
    ...LOG_SETTINGS,
    format: FORMAT_OR_TLE,
  },
  alternatives: [
    { of: [['key'], ['signature', 'public-key']] },
    { of: [['key'], ['artifact-hash']], because: 'it signs a file, --artifact' },
    { of: [['key'], ['type']], together: true },
    { of: [['artifact'], ['artifact-hash']] },
    ...LOG_ALTERNATIVES,
  ],
  examples: [
    {
      what: 'Log a signature that was made with openssl',
      command:
        'stele upload --rekor_server https://log.example.com --artifact app.tgz --signature app.sig --public-key key.pub',
    },
    {
      what: 'Sign an artifact and log that, in one step',
      command: 'stele upload --rekor_server https://log.example.com --artifact app.tgz --key private.pem',
    },
  ],
  run: async (invocation) => {
    const { upload } = await import('./upload/upload.js');
    return upload(invocation);
  },
});
