/**
 * `stele upload`: puts a signature into a log, and proves that it is there.
 * @module
 */
import { InconsistentLogError, type LogReader } from '../../../reader/index.js';
import { HeadFile } from '../../../reader/node/index.js';
import { isUrl } from '../../../reader/node/open-log.js';
import {
  ConfigurationError,
  InvalidEntryError,
  messageOf,
  SteleError,
  UnreachableError,
} from '../../../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../../src/json.js';
import { verifyLoggedEntry } from '../../../src/sigstore/verify/entry-proof.js';
import {
  entryOf,
  formatTransparencyLogEntry,
  parseTransparencyLogEntry,
  type PublishedEntry,
  type TransparencyLogEntry,
} from '../../../src/sigstore/bundle/transparency-log-entry.js';
import { opensslSha256 } from '../../../src/node/openssl-sha256.js';
import type { TrustedLog } from '../../../src/sigstore/trust/trusted-root.js';
import { encodeText } from '../../../tiles-spec/bytes.js';
import { counted } from '../../../tiles-spec/counted.js';
import {
  encodeHex,
  equalBytes,
  formatNote,
  leafHash,
  ProofError,
  type SignedCheckpoint,
} from '../../../tiles-spec/index.js';
import { SettingError, type Values } from '../../settings/setting.js';
import { networkOf, tokenOf } from '../../settings/network-settings.js';
import { latestOf, openTrustedLog, type LogInvocation, type OpenedLog } from '../../log/open-log.js';
import { requestBoundsOf } from '../../settings/request-settings.js';
import type { SIGNATURE_SETTINGS } from '../../settings/signature-settings.js';
import {
  canonicalBodyOf,
  readSignedArtifact,
  signWith,
  type SignedArtifact,
} from '../../signature/signed-artifact.js';
import { plain, type Terminal } from '../../terminal.js';
import { isSameFile } from '../../files.js';
import { UploadBundle } from './upload-bundle.js';

/** What `stele upload` is run with. */
interface UploadInvocation extends LogInvocation {
  readonly values: LogInvocation['values'] &
    Values<typeof SIGNATURE_SETTINGS> & {
      readonly key: string | undefined;
      readonly output: string | undefined;
    };
  /** The command line, for a shell. */
  readonly line: string;
}

export async function upload(invocation: UploadInvocation): Promise<number> {
  const { values, terminal } = invocation;
  requireUrl(values.rekor_server);
  const opened = await openTrustedLog(invocation);
  const { place, trusted, log } = opened;
  requireUrl(place);
  const signing = signingOf(values);
  const output = values.output ?? (signing && `${signing.artifact}.sigstore.json`);
  if (output !== undefined && values.artifact !== undefined && (await isSameFile(output, values.artifact)))
    throw new SettingError('--output', `${output} is the artifact: give another name`);
  const bundle =
    output === undefined ? undefined : await UploadBundle.open(output, trusted, signing !== undefined);
  const signed =
    signing === undefined
      ? await readSignedArtifact(values)
      : await signWith(signing, bundle?.signatures ?? []);
  bundle?.requireSame(signed);
  // The log's own checks run here first, and give the body that it must answer with.
  const expected = await canonicalBodyOf(signed);
  const sizeBefore = await requireReady(opened);

  const logged = await logEntry({ invocation, opened, signed, expected, bundle });
  await remember(log, logged.checkpoint, terminal);
  if (bundle !== undefined && signed.material.type === 'certificate') {
    terminal.err(
      `${bundle.file} has no time stamp: a certificate is believed only with one, so most clients will not verify the bundle`,
    );
  }
  const isRepeat = sizeBefore !== undefined && logged.index < sizeBefore;
  print({ ...opened, logged, isRepeat, output }, values.format, terminal);
  return 0;
}

/** The files of the key and of the artifact to sign; undefined where a signature is given. */
function signingOf({ key, artifact, type = 'hashedrekord' }: UploadInvocation['values']) {
  if (key === undefined) return undefined;
  if (artifact === undefined) throw new ConfigurationError('give --artifact: the file to sign');
  if (type !== 'hashedrekord')
    throw new ConfigurationError('--key signs an artifact: --type is hashedrekord');
  return { key, artifact };
}

/**
 * Finds out now what would otherwise fail after the entry is logged: the log has another key, contradicts what was seen
 * of it, or its checkpoint cannot be remembered.
 * @returns the size of the log; undefined where no checkpoint is at this URL, because its files are served elsewhere.
 */
async function requireReady(opened: OpenedLog): Promise<number | undefined> {
  const { heads } = opened.log.options;
  if (heads instanceof HeadFile) await heads.requireWritable();
  try {
    return (await latestOf(opened)).checkpoint.size;
  } catch (error) {
    if (error instanceof UnreachableError && error.code === 'no-log') return undefined;
    throw error;
  }
}

interface Upload {
  readonly invocation: UploadInvocation;
  readonly opened: OpenedLog;
  readonly signed: SignedArtifact;
  /** The canonical body of its entry. */
  readonly expected: Uint8Array;
  readonly bundle: UploadBundle | undefined;
}

/**
 * Submits the entry, proves the answer, and writes the bundle. If a step fails, a signature that was made here is kept,
 * and the error says where.
 */
async function logEntry(upload: Upload): Promise<PublishedEntry> {
  const { invocation, opened, signed, bundle } = upload;
  await bundle?.keep(signed);
  try {
    const logged = provedEntry(await submitted(upload), opened.trusted);
    await bundle?.write(signed, entryOf(logged, opened.trusted.logId));
    return logged;
  } catch (error) {
    // The log refused the entry, so the signature is not logged and need not be kept.
    if (error instanceof InvalidEntryError) await bundle?.forget();
    throw noted(error, bundle?.advice(invocation.line) ?? '');
  }
}

/** The log's answer. @throws ProofError when it is of another entry than the one that was sent. */
async function submitted({ invocation, opened, signed, expected }: Upload): Promise<TransparencyLogEntry> {
  const { values } = invocation;
  // The HTTP client takes long to load, and much is refused before it is needed.
  const { submit } = await import('./submit.js');
  const answer = await submit(opened.place, encodeText(JSON.stringify(signed.request)), {
    ...requestBoundsOf(values),
    network: await networkOf(values, invocation.environment),
    token: tokenOf(values),
  });
  const entry = parseTransparencyLogEntry(parseJson(answer, "the log's answer", DOCUMENT_LIMITS));
  if (!equalBytes(entry.body, expected))
    throw new ProofError('the log has answered with another entry than the one that was sent');
  return entry;
}

/** The proved part of the answer. Of the checkpoint's signatures only the log's own is proved, and kept. */
function provedEntry(entry: TransparencyLogEntry, trusted: TrustedLog): PublishedEntry {
  const { index, checkpoint, hashes } = verifyLoggedEntry(entry, [trusted], opensslSha256);
  if (checkpoint === undefined) throw new ProofError('the log has answered without a checkpoint');
  const { kind, version, body } = entry;
  return { kind, version, index, body, proof: hashes, checkpoint: signedAlone(checkpoint, trusted) };
}

/** The same error, with a note on the signature that is kept. */
function noted(error: unknown, note: string): unknown {
  if (error instanceof SettingError) return new SettingError(error.where, error.reason + note, error.link);
  if (error instanceof SteleError) error.message += note;
  return error;
}

/**
 * Compares the checkpoint with the newest one seen of the log, and remembers it. The entry is logged and its bundle
 * written by now, so a failure is only a warning, unless the log contradicts itself.
 */
async function remember(log: LogReader, checkpoint: SignedCheckpoint, terminal: Terminal): Promise<void> {
  try {
    await log.see(checkpoint);
  } catch (error) {
    if (error instanceof InconsistentLogError) throw error;
    terminal.err(
      plain(`stele: the entry is logged, but its checkpoint is not remembered: ${messageOf(error)}`),
    );
  }
}

interface Uploaded extends OpenedLog {
  readonly logged: PublishedEntry;
  /** It was in the log before. */
  readonly isRepeat: boolean;
  readonly output: string | undefined;
}

function print(
  { place, trusted, logged, isRepeat, output }: Uploaded,
  format: string,
  terminal: Terminal,
): void {
  const { index, body, checkpoint } = logged;
  const uuid = encodeHex(leafHash(body, opensslSha256));
  if (format === 'tle') {
    terminal.out(formatTransparencyLogEntry(logged, trusted.logId));
  } else if (format === 'json') {
    terminal.json({
      AlreadyExists: isRepeat,
      Index: index,
      UUID: uuid,
      TreeSize: checkpoint.size,
      Location: place,
      ...(output === undefined ? {} : { Bundle: output }),
    });
  } else {
    if (isRepeat) terminal.out('It was in the log already: nothing is added');
    terminal.out(`Entry at index ${index} of ${trusted.origin}, available at: ${place}`);
    terminal.out(`UUID: ${uuid}`);
    terminal.out(
      terminal.good(
        `Proved: in the tree of ${counted(checkpoint.size, 'entry')} that ${trusted.origin} signed`,
      ),
    );
    if (output !== undefined) terminal.out(`Wrote ${output}`);
  }
}

/** Demands that a place is a URL: a folder takes no entries. @throws ConfigurationError */
function requireUrl(place: string | undefined): void {
  if (place === undefined || isUrl(place)) return;
  throw new SettingError(
    '--rekor_server',
    `entries are sent to a URL with http:// or https://, not to ${place}`,
  );
}

/** The checkpoint without the signatures of others, which nobody has verified. */
function signedAlone(checkpoint: SignedCheckpoint, { verifier }: TrustedLog): SignedCheckpoint {
  const signatures = checkpoint.note.signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
  );
  const note = { ...checkpoint.note, signatures };
  return { ...checkpoint, note, bytes: formatNote(note) };
}
