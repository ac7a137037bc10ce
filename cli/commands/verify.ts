/**
 * `stele verify`: proves that a signature is in a log, and who made it. Its code is in `verify/`.
 * @module
 */
import { command } from '../command.js';
import { ENTRY_ALTERNATIVES, ENTRY_SETTINGS } from '../settings/entry-settings.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';
import { SIGNATURE_SETTINGS } from '../settings/signature-settings.js';
import { SIGNER_ALTERNATIVES, SIGNER_SETTINGS } from '../settings/signer-settings.js';

export const verifyCommand = command({
  summary: 'Prove that a signature is in the log',
  details:
    "Takes a bundle or a proof that stands alone, and needs no network then; or a signature, an index or a leaf hash, and asks the log. Nothing is believed but the key of the log.\n\nBundles may be as they are shipped: several in the lines of a file, npm's or GitHub's list of attestations, PyPI's attestations and provenance. Each of several is verified by itself, and one that is good suffices; but a file of which a line cannot be read is refused whole.",
  arguments: [
    {
      name: 'BUNDLE',
      description: 'a Sigstore bundle, a file of several, an attestation of PyPI, or a .tlog-proof',
      optional: true,
      file: true,
    },
  ],
  settings: {
    ...SIGNATURE_SETTINGS,
    artifact: {
      ...SIGNATURE_SETTINGS.artifact,
      description:
        'the file that was signed: of a bundle with a signature, what it is over; of an attestation, a subject of its statement. With --type dsse the envelope itself, JSON',
    },
    ...ENTRY_SETTINGS,
    ...SIGNER_SETTINGS,
    ...LOG_SETTINGS,
  },
  // A bundle holds its signature. A .tlog-proof does not, so --signature and --type may be given beside BUNDLE.
  alternatives: [
    { of: [['BUNDLE'], Object.keys(ENTRY_SETTINGS)] },
    ...ENTRY_ALTERNATIVES,
    { of: [['BUNDLE'], ['signature', 'type']], together: true },
    { of: [['artifact'], ['artifact-hash']] },
    ...SIGNER_ALTERNATIVES,
    ...LOG_ALTERNATIVES,
  ],
  examples: [
    {
      what: 'A bundle, offline',
      command: 'stele verify app.tgz.sigstore.json --artifact app.tgz --public-key key.pub --vkey log.vkey',
    },
    {
      what: 'A bundle that was signed with a certificate, offline',
      command:
        'stele verify app.tgz.sigstore.json --artifact app.tgz --trusted-root trusted_root.json --certificate-identity release@example.com --certificate-oidc-issuer https://accounts.example.com',
    },
    {
      what: 'A signature that was logged',
      command:
        'stele verify --rekor_server https://log.example.com --artifact app.tgz --signature app.sig --public-key key.pub',
    },
  ],
  run: async (invocation) => {
    const { verify } = await import('./verify/verify.js');
    return verify(invocation);
  },
});
