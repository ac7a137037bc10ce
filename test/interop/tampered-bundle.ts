/**
 * Sigstore bundles with a bare key, and what may be changed in them.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** A bundle as clients in Go write it, as far as the tests look at it. */
export interface Bundle {
  readonly verificationMaterial: { tlogEntries: [Entry, ...Entry[]] };
  readonly messageSignature?: { readonly signature: string };
  readonly dsseEnvelope?: { readonly signatures: readonly { readonly sig: string }[] };
}

interface Entry {
  /** Left out when it is 0. */
  readonly logIndex?: string;
  readonly logId: { keyId: string };
  inclusionProof?: { readonly hashes: string[]; readonly checkpoint: { envelope: string } };
}

export async function readBundle(file: string): Promise<Bundle> {
  return JSON.parse(await readFile(file, 'utf8')) as Bundle;
}

/** The index of the entry in a bundle. */
export async function indexIn(file: string): Promise<number> {
  const { verificationMaterial } = await readBundle(file);
  return Number(verificationMaterial.tlogEntries[0].logIndex ?? 0);
}

const NO_ENTRY = /not enough verified log entries from transparency log: 0 < 1/;
const NOT_PROVED = /verifying inclusion: calculated root/;
const NOT_SIGNED = /unverified checkpoint signature: .*invalid signature/;

/**
 * What may be changed in a bundle, given another one of the same key; and the words in which sigstore-go refuses it,
 * and so does cosign. A changed `canonicalizedBody` is not among them: sigstore-go makes the logged entry anew from the
 * rest of the bundle.
 */
export const TAMPERINGS: readonly (readonly [
  what: string,
  words: RegExp,
  change: (bundle: Bundle, other: Bundle) => void,
])[] = [
  [
    'no log entry',
    NO_ENTRY,
    ({ verificationMaterial }) => {
      Object.assign(verificationMaterial, { tlogEntries: [] });
    },
  ],
  [
    'no inclusion proof',
    // Cosign then takes it for a bundle of its own older form.
    /inclusion proof missing in bundle|only supported with --new-bundle-format/,
    (bundle) => {
      delete entryOf(bundle).inclusionProof;
    },
  ],
  [
    'a changed hash in the inclusion proof',
    NOT_PROVED,
    (bundle) => {
      const { hashes } = proofOf(bundle);
      hashes[0] = flipped(hashes[0]);
    },
  ],
  [
    "another artifact's entry, with its proof",
    NOT_PROVED,
    (bundle, other) => {
      bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
    },
  ],
  [
    'a changed root in the checkpoint',
    NOT_SIGNED,
    (bundle) => {
      inCheckpoint(bundle, (lines) => {
        lines[2] = flipped(lines[2]);
      });
    },
  ],
  [
    "a changed signature of the log's",
    NOT_SIGNED,
    (bundle) => {
      inCheckpoint(bundle, (lines) => {
        const [dash, name, signature] = lines[4]?.split(' ') ?? [];
        lines[4] = `${String(dash)} ${String(name)} ${flipped(signature)}`;
      });
    },
  ],
  [
    "another log's id",
    NO_ENTRY,
    (bundle) => {
      entryOf(bundle).logId.keyId = randomBytes(32).toString('base64');
    },
  ],
  [
    "another signature of the signer's",
    NOT_PROVED,
    (bundle, { messageSignature, dsseEnvelope }) => {
      Object.assign(bundle.messageSignature ?? {}, { signature: messageSignature?.signature });
      Object.assign(bundle.dsseEnvelope ?? {}, { signatures: dsseEnvelope?.signatures });
    },
  ],
];

/** Changes a bundle, given the file of another, and writes it to a file of its own, which is returned. */
export async function tamper(
  file: string,
  other: string,
  change: (bundle: Bundle, other: Bundle) => void,
): Promise<string> {
  const bundle = await readBundle(file);
  const before = JSON.stringify(bundle);
  change(bundle, await readBundle(other));
  const after = JSON.stringify(bundle);
  if (after === before) throw new Error('nothing was changed');
  const changed = `${file}.changed`;
  await writeFile(changed, after);
  return changed;
}

function entryOf({ verificationMaterial }: Bundle): Entry {
  return verificationMaterial.tlogEntries[0];
}

function proofOf(bundle: Bundle): NonNullable<Entry['inclusionProof']> {
  const { inclusionProof } = entryOf(bundle);
  if (inclusionProof === undefined) throw new Error('the entry has no proof');
  return inclusionProof;
}

function inCheckpoint(bundle: Bundle, change: (lines: string[]) => void): void {
  const { checkpoint } = proofOf(bundle);
  const lines = checkpoint.envelope.split('\n');
  change(lines);
  checkpoint.envelope = lines.join('\n');
}

/** Base64 with one bit of the last byte changed. */
function flipped(base64 = ''): string {
  const bytes = Buffer.from(base64, 'base64');
  const last = bytes.length - 1;
  bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
  return bytes.toString('base64');
}
