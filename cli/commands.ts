/**
 * All commands. Their code is loaded when they run, so that asking for help costs little.
 * @module
 */
import { command, type Commands } from './command.js';
import { LOG_ALTERNATIVES } from './settings/log-settings.js';
import { REBUILD_SETTINGS, SERVE_SETTINGS } from './commands/serve/configuration.js';
import {
  FSCK_ALTERNATIVES,
  FSCK_SETTINGS,
  GET_ALTERNATIVES,
  GET_SETTINGS,
  KEYGEN_SETTINGS,
  LOGINFO_SETTINGS,
  LOGPROOF_SETTINGS,
  TRUST_SETTINGS,
  UPLOAD_ALTERNATIVES,
  UPLOAD_SETTINGS,
  VERIFY_ALTERNATIVES,
  VERIFY_SETTINGS,
  VERSION_SETTINGS,
} from './settings.js';

const LOG = 'https://log.example.com';

const OTHERS = {
  serve: command({
    summary: 'Run the log',
    details:
      'Takes entries, and publishes the log as static files. Where there is no log yet it makes one, with its key. SIGTERM and SIGINT publish what was accepted, and end it.',
    settings: SERVE_SETTINGS,
    examples: [
      { what: 'A log for this machine alone', command: 'stele serve' },
      {
        what: 'A log behind a proxy',
        command: `stele serve --data /var/lib/stele --listen 127.0.0.1:8080 --public-url ${LOG}`,
      },
    ],
    load: async () => (await import('./commands/serve/daemon.js')).serve,
  }),
  'rebuild-staging': command({
    summary: "Make a writer's staging anew from its log",
    details:
      'Where staging.sqlite is lost or damaged, reads the leaf hashes from the published log, authenticated by its key, and writes them to a new one; where it is older than the store, brings it up; where it fits, changes nothing. What contradicts the store is refused. The log must not be running. A store that was rolled back together with a lost staging cannot be told from inside: start the log with --expect-checkpoint and the newest checkpoint that anyone has.',
    settings: REBUILD_SETTINGS,
    examples: [
      { what: 'In the default folder', command: 'stele rebuild-staging' },
      {
        what: 'Of a log in a bucket',
        command: 'stele rebuild-staging --data /var/lib/stele --store s3://my-bucket/log',
      },
    ],
    load: async () => (await import('./commands/rebuild-staging.js')).rebuildStaging,
  }),
  keygen: command({
    summary: "Make a log's key",
    details:
      'Prints the verifier key, the public key in PEM and the Sigstore log id. serve makes a key when it makes a log; this makes one beforehand.',
    settings: KEYGEN_SETTINGS,
    examples: [{ what: 'A key for a log to come', command: 'stele keygen --origin log.example.com' }],
    load: async () => (await import('./commands/keygen.js')).keygen,
  }),
  upload: command({
    summary: 'Put a signature into the log',
    details:
      'Submits a signature with its key or certificate, and checks the proof that comes back. One that is in the log already is no error. With --key the artifact is signed as well, and a Sigstore bundle is written that verifies offline. To do the same again logs nothing twice: the signature is taken from the bundle, or from the file beside it in which it is kept (.signature) where the answer of the log was lost.',
    settings: UPLOAD_SETTINGS,
    alternatives: UPLOAD_ALTERNATIVES,
    examples: [
      {
        what: 'Log a signature that was made with openssl',
        command: `stele upload --rekor_server ${LOG} --artifact app.tgz --signature app.sig --public-key key.pub`,
      },
      {
        what: 'Sign an artifact and log that, in one step',
        command: `stele upload --rekor_server ${LOG} --artifact app.tgz --key private.pem`,
      },
    ],
    load: async () => (await import('./commands/upload/upload.js')).upload,
  }),
  verify: command({
    summary: 'Prove that a signature is in the log',
    details:
      "Takes a bundle or a proof that stands alone, and needs no network then; or a signature, an index or a leaf hash, and asks the log. Nothing is believed but the key of the log.\n\nBundles may be as they are shipped: several in the lines of a file, npm's or GitHub's list of attestations, PyPI's attestations and provenance. Each of several is verified by itself, and one that is good suffices.",
    arguments: [
      {
        name: 'BUNDLE',
        description: 'a Sigstore bundle, a file of several, an attestation of PyPI, or a .tlog-proof',
        optional: true,
        file: true,
      },
    ],
    settings: VERIFY_SETTINGS,
    alternatives: VERIFY_ALTERNATIVES,
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
        command: `stele verify --rekor_server ${LOG} --artifact app.tgz --signature app.sig --public-key key.pub`,
      },
    ],
    load: async () => (await import('./commands/verify/verify.js')).verify,
  }),
  get: command({
    summary: 'Get an entry, and prove it',
    details: 'Fetches the tiles that hold and prove the entry. With --proof it keeps what proves it offline.',
    settings: GET_SETTINGS,
    alternatives: GET_ALTERNATIVES,
    examples: [
      { what: 'The first entry', command: `stele get --rekor_server ${LOG} --log-index 0` },
      {
        what: 'Its proof, to be kept',
        command: `stele get --rekor_server ${LOG} --log-index 0 --proof entry.tlog-proof`,
      },
    ],
    load: async () => (await import('./commands/get.js')).get,
  }),
  loginfo: command({
    summary: 'Show the newest checkpoint',
    details: 'Verifies its signature, and that it extends the newest one seen before.',
    settings: LOGINFO_SETTINGS,
    alternatives: LOG_ALTERNATIVES,
    examples: [{ what: 'How large the log is', command: `stele loginfo --rekor_server ${LOG}` }],
    load: async () => (await import('./commands/loginfo.js')).loginfo,
  }),
  logproof: command({
    summary: 'Prove that one tree extends another',
    details:
      "Prints the consistency proof between two sizes of the log, computed from its tiles and verified. In JSON it has what a witness's add-checkpoint (c2sp.org/tlog-witness) takes: ConsistencyProof, whose hashes are in base64, and Checkpoint, the signed checkpoint that it leads to; null unless --last-size is the log's. A witness that has none of the log yet takes it without a proof, after `old 0` and an empty line.",
    settings: LOGPROOF_SETTINGS,
    alternatives: LOG_ALTERNATIVES,
    examples: [
      {
        what: 'From size 100 to the newest',
        command: `stele logproof --rekor_server ${LOG} --first-size 100`,
      },
      {
        what: 'The request for a witness whose last checkpoint of the log is of size 100',
        command: `stele logproof --rekor_server ${LOG} --first-size 100 --format json | jq -r '"old \\(.FirstSize)", .ConsistencyProof[], "", (.Checkpoint | rtrimstr("\\n"))'`,
      },
    ],
    load: async () => (await import('./commands/logproof.js')).logproof,
  }),
  fsck: command({
    summary: 'Check all of a log',
    details: 'Reads every file of the log, and hashes all of it up to the root that the checkpoint signs.',
    arguments: [
      {
        name: 'LOG',
        description: 'its URL or folder, in the place of --rekor_server',
        optional: true,
        folder: true,
      },
    ],
    settings: FSCK_SETTINGS,
    alternatives: FSCK_ALTERNATIVES,
    examples: [
      { what: 'A log on this machine', command: 'stele fsck stele-data' },
      { what: 'A log of others', command: `stele fsck ${LOG} --vkey log.vkey` },
    ],
    load: async () => (await import('./commands/fsck.js')).fsck,
  }),
  trust: command({
    summary: 'Make and pin trust files',
    details:
      "Writes trusted_root.json and signing_config.json for Sigstore's clients, and both in one as client_trust_config.json, from logs and from the other services that they are to trust. With --pin it keeps a log's trust file instead, and the commands after need no key.",
    arguments: [
      {
        name: 'LOG',
        description: 'its URL or folder, or a trusted_root.json that names logs',
        optional: true,
        many: true,
        file: true,
      },
    ],
    settings: TRUST_SETTINGS,
    examples: [
      { what: 'Trust a log from now on', command: `stele trust --pin ${LOG}` },
      {
        what: 'Trust files of a log beside a certificate authority',
        command: `stele trust ${LOG} --fulcio ca.pem --fulcio-url https://ca.example.com --output trust`,
      },
    ],
    load: async () => (await import('./commands/trust/trust.js')).trust,
  }),
  completion: command({
    summary: 'Print a completion script for a shell',
    arguments: [{ name: 'SHELL', description: 'bash, zsh or fish', choices: ['bash', 'zsh', 'fish'] }],
    settings: {},
    examples: [
      { what: 'In ~/.bashrc', command: 'source <(stele completion bash)' },
      { what: 'In ~/.zshrc, after compinit', command: 'source <(stele completion zsh)' },
      { what: 'In ~/.config/fish/config.fish', command: 'stele completion fish | source' },
    ],
    load: async () => (await import('./commands/completion.js')).completion,
  }),
  version: command({
    summary: 'Show the version',
    settings: VERSION_SETTINGS,
    examples: [{ what: 'For a script', command: 'stele version --format json' }],
    load: async () => (await import('./commands/version.js')).version,
  }),
} satisfies Commands;

export const COMMANDS: Commands = {
  ...OTHERS,
  help: command({
    summary: 'Show help',
    arguments: [
      {
        name: 'COMMAND',
        description: 'what help is for',
        optional: true,
        choices: [...Object.keys(OTHERS), 'help'],
      },
    ],
    settings: {},
    examples: [{ what: 'All that upload can do', command: 'stele help upload' }],
    load: async () => (await import('./help.js')).help,
  }),
};
