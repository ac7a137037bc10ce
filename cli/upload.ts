/**
 * `stele upload`: puts a signature into a log, and proves that it is there.
 * @module
 */
import { InconsistentLogError, type LogReader } from '../reader/index.js';
import { isUrl } from '../reader/node/open-log.js';
import { HeadFile } from '../reader/node/index.js';
import { ConfigurationError, InvalidEntryError, messageOf, UnreachableError } from '../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../src/json.js';
import { verifyLoggedEntry } from '../src/sigstore/verify/entry-proof.js';
import {
  entryOf,
  formatTransparencyLogEntry,
  parseTransparencyLogEntry,
  type PublishedEntry,
  type TransparencyLogEntry,
} from '../src/sigstore/bundle/transparency-log-entry.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import type { TrustedLog } from '../src/sigstore/trust/trusted-root.js';
import {
  encodeHex,
  equalBytes,
  FormatError,
  formatNote,
  leafHash,
  ProofError,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { Invocation } from './command.js';
import { parseSetting, SettingError } from './configuration.js';
import { networkOf, tokenOf } from './network-settings.js';
import { latestOf, openTrustedLog, type OpenedLog } from './open-log.js';
import type { UPLOAD_SETTINGS } from './settings.js';
import { canonicalBodyOf, readSignedArtifact, signWith, type SignedArtifact } from './signed-artifact.js';
import { entries, plain, type Terminal } from './terminal.js';
import { parseDuration, parseNumber } from './units.js';
import { UploadBundle } from './upload-bundle.js';

export async function upload(invocation: Invocation<typeof UPLOAD_SETTINGS>): Promise<number> {
  const { values, terminal } = invocation;
  requireUrl(values.rekor_server);
  const opened = await openTrustedLog(invocation);
  const { place, trusted, log } = opened;
  requireUrl(place);
  const signing = signingOf(values);
  const output = values.output ?? (signing && `${signing.artifact}.sigstore.json`);
  const bundle =
    output === undefined ? undefined : await UploadBundle.open(output, trusted, signing !== undefined);
  const signed =
    signing === undefined
      ? await readSignedArtifact(values)
      : await signWith(signing, bundle?.signatures ?? []);
  // What the log would refuse is refused here, and what it must answer is known beforehand.
  const expected = canonicalBodyOf(signed);
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

/** The key to sign with, and the file to sign; undefined where a signature is given. */
function signingOf({ key, artifact, type }: Invocation<typeof UPLOAD_SETTINGS>['values']) {
  if (key === undefined) return undefined;
  if (artifact === undefined) throw new ConfigurationError('give --artifact: the file to sign');
  if (type !== 'hashedrekord')
    throw new ConfigurationError('--key signs an artifact: --type is hashedrekord');
  return { key, artifact };
}

/**
 * Makes fail now what would otherwise fail once the entry is logged: another log's key, what contradicts what was seen of the
 * log, and a checkpoint that cannot be remembered.
 * @returns the size of the log; undefined where its files are elsewhere, and the answer alone tells.
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
  readonly invocation: Invocation<typeof UPLOAD_SETTINGS>;
  readonly opened: OpenedLog;
  readonly signed: SignedArtifact;
  /** The canonical body of its entry. */
  readonly expected: Uint8Array;
  readonly bundle: UploadBundle | undefined;
}

/**
 * Submits the entry, proves the answer, and writes the bundle. Whatever fails between, a signature that was made here is
 * kept, and the error says where.
 */
async function logEntry(upload: Upload): Promise<PublishedEntry> {
  const { invocation, opened, signed, bundle } = upload;
  await bundle?.keep(signed);
  try {
    const logged = provedEntry(await submitted(upload), opened.trusted);
    await bundle?.write(signed, entryOf(logged, opened.trusted.logId));
    return logged;
  } catch (error) {
    // The log itself has refused it: it is not logged.
    if (error instanceof InvalidEntryError) await bundle?.forget();
    throw noted(error, bundle?.advice(invocation.line) ?? '');
  }
}

/** What the log answers, if it is of the entry that was sent. */
async function submitted({ invocation, opened, signed, expected }: Upload): Promise<TransparencyLogEntry> {
  const { values } = invocation;
  // With its HTTP client, which much of what is refused before does without.
  const { submit } = await import('./submit.js');
  const answer = await submit(opened.place, signed.request, {
    timeout: parseSetting('timeout', values.timeout, parseDuration),
    retries: parseSetting('retry', values.retry, parseNumber),
    network: await networkOf(values, invocation.environment),
    token: tokenOf(values),
  });
  const entry = parseTransparencyLogEntry(parseJson(answer, "the log's answer", DOCUMENT_LIMITS));
  if (!equalBytes(entry.body, expected))
    throw new ProofError('the log has answered with another entry than the one that was sent');
  return entry;
}

/** What was proved of the answer, and nothing else that is in it. */
function provedEntry(entry: TransparencyLogEntry, trusted: TrustedLog): PublishedEntry {
  const { index, checkpoint } = verifyLoggedEntry(entry, [trusted], opensslSha256);
  if (checkpoint === undefined) throw new ProofError('the log has answered without a proof');
  const { kind, version, body, proof } = entry;
  const hashes = proof?.hashes ?? [];
  return { kind, version, index, body, proof: hashes, checkpoint: signedAlone(checkpoint, trusted) };
}

/** The error, with what is kept of the upload. */
function noted(error: unknown, note: string): unknown {
  if (error instanceof UnreachableError)
    return new UnreachableError(error.message + note, error.code, { cause: error });
  if (error instanceof SettingError) return new SettingError(error.where, error.reason + note);
  if (error instanceof ProofError) return new ProofError(error.message + note, error.path);
  if (error instanceof FormatError) return new FormatError(error.message + note, error.path);
  return error;
}

/**
 * Holds the checkpoint against what was seen of the log, and remembers it. The entry is logged and its bundle is written
 * by now: what fails is said, and no failure of the upload, unless the log contradicts itself.
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
      terminal.good(`Proved: in the tree of ${entries(checkpoint.size)} that ${trusted.origin} signed`),
    );
    if (output !== undefined) terminal.out(`Wrote ${output}`);
  }
}

/** @throws ConfigurationError where a place is no URL: what takes no entries cannot be asked to. */
function requireUrl(place: string | undefined): void {
  if (place === undefined || isUrl(place)) return;
  throw new SettingError(
    '--rekor_server',
    `entries are sent to a URL with http:// or https://, not to ${place}`,
  );
}

/** The checkpoint with the log's own signature alone: nobody has verified the others. */
function signedAlone(checkpoint: SignedCheckpoint, { verifier }: TrustedLog): SignedCheckpoint {
  const signatures = checkpoint.note.signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
  );
  const note = { ...checkpoint.note, signatures };
  return { ...checkpoint, note, bytes: formatNote(note) };
}
