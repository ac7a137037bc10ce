/**
 * The bundle that `stele upload` writes, and the signature that is kept beside it until then. Most keys make another
 * signature each time: if one were lost between signing and writing, the next try would log a second entry.
 * @module
 */
import { rm, stat } from 'node:fs/promises';
import { replaceFile } from '../../../src/node/durable-file.js';
import { hasCode, reasonOf } from '../../../src/node/system-error.js';
import {
  formatSigstoreBundle,
  MAX_BUNDLE_LENGTH,
  parseSigstoreBundle,
  type SigstoreBundle,
} from '../../../src/sigstore/bundle/sigstore-bundle.js';
import type { TransparencyLogEntry } from '../../../src/sigstore/bundle/transparency-log-entry.js';
import type { TrustedLog } from '../../../src/sigstore/trust/trusted-root.js';
import { decodeBase64, encodeBase64, equalBytes, FormatError } from '../../../tiles-spec/index.js';
import { SettingError } from '../../settings/setting.js';
import { notReplaceable, readBytes, readInput, requireWritable, writeOutput } from '../../files.js';
import type { SignedArtifact } from '../../signature/signed-artifact.js';

const WHAT = '--output';

export class UploadBundle {
  readonly file: string;
  /** Signatures that an earlier upload left here. They may be of other artifacts and other keys. */
  readonly signatures: readonly Uint8Array[];
  /** The file for a signature that is made here. A device has none: no file can be put beside it. */
  readonly #place: string | undefined;
  /** The bundle that the new one replaces. */
  readonly #earlier: SigstoreBundle | undefined;
  /** The file that holds this upload's signature now. */
  #kept: string | undefined;

  private constructor(
    file: string,
    signatures: readonly Uint8Array[],
    place: string | undefined,
    earlier?: SigstoreBundle,
  ) {
    this.file = file;
    this.signatures = signatures;
    this.#place = place;
    this.#earlier = earlier;
  }

  /**
   * Checks that the bundle of an entry of `log` can be written, before anything is signed or sent.
   * @param isSigning whether the signature is made here, and so has to be kept.
   * @throws ConfigurationError where the file cannot be written, or would be lost: it holds a bundle of another log, or no
   *   bundle; and where the file for the signature holds anything else.
   */
  static async open(file: string, log: TrustedLog, isSigning: boolean): Promise<UploadBundle> {
    await requireWritable(WHAT, file);
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() === false) return new UploadBundle(file, [], undefined);
    const place = isSigning ? `${file}.signature` : undefined;
    const signatures = place === undefined ? [] : await readKept(place);
    if (found === undefined || found.size === 0) return new UploadBundle(file, signatures, place);
    const earlier = await readReplaceable(file, found.size, log);
    const { content } = earlier;
    const signature = content.type === 'messageSignature' ? [content.signature] : [];
    return new UploadBundle(file, [...signatures, ...signature], place, earlier);
  }

  /** Demands that a bundle which the new one replaces is of the same artifact and signer. @throws ConfigurationError */
  requireSame({ content, material }: SignedArtifact): void {
    if (this.#earlier === undefined) return;
    if (!isSameContent(this.#earlier.content, content))
      throw notReplaceable(WHAT, this.file, 'is of another artifact');
    if (!isSameMaterial(this.#earlier.material, material))
      throw notReplaceable(WHAT, this.file, 'is by another key');
  }

  /** Keeps the signature, durably, until the bundle is written. @throws ConfigurationError */
  async keep({ content: { signature } }: SignedArtifact): Promise<void> {
    if (this.#place === undefined) return;
    try {
      await replaceFile(this.#place, `${encodeBase64(signature)}\n`);
      this.#kept = this.#place;
    } catch (error) {
      throw new SettingError(WHAT, `cannot write ${this.#place}: ${reasonOf(error)}`);
    }
  }

  /** What the user can do when a failure leaves open whether the entry is logged. @param line the command line. */
  advice(line: string): string {
    if (this.#kept === undefined) return '';
    return `. The signature is kept in ${this.#kept}, so that the same command logs the same entry, or finds it logged: ${line}`;
  }

  /** Writes the bundle, which has the signature from then on. @throws ConfigurationError */
  async write({ content, material }: SignedArtifact, entry: TransparencyLogEntry): Promise<void> {
    await writeOutput(
      WHAT,
      this.file,
      formatSigstoreBundle({ content, material, entries: [entry], timestamps: [] }),
    );
    await this.forget();
  }

  /** Forgets the signature that `keep` has kept: it is in the bundle, or known not to be logged. */
  async forget(): Promise<void> {
    if (this.#kept !== undefined) await rm(this.#kept, { force: true });
    this.#kept = undefined;
  }
}

/** The bundle that the new one replaces. @throws ConfigurationError where it must not be replaced. */
async function readReplaceable(
  file: string,
  size: number,
  { logId, origin }: TrustedLog,
): Promise<SigstoreBundle> {
  if (size > MAX_BUNDLE_LENGTH) throw notReplaceable(WHAT, file, 'is no Sigstore bundle');
  let bundle: SigstoreBundle;
  try {
    bundle = parseSigstoreBundle(await readInput(WHAT, file));
  } catch (error) {
    throw error instanceof FormatError ? notReplaceable(WHAT, file, 'is no Sigstore bundle') : error;
  }
  const other = bundle.entries.find((entry) => !equalBytes(entry.logId, logId));
  if (other === undefined) return bundle;
  const [name = ''] = other.proof?.checkpoint?.split('\n') ?? [];
  throw notReplaceable(
    WHAT,
    file,
    `is of ${name === '' ? 'another log' : `the log ${JSON.stringify(name)}`}, not of ${origin} by this key`,
  );
}

function isSameContent(one: SigstoreBundle['content'], other: SigstoreBundle['content']): boolean {
  if (one.type === 'messageSignature')
    return other.type === 'messageSignature' && equalBytes(one.digest, other.digest);
  return (
    other.type === 'dsseEnvelope' &&
    one.payloadType === other.payloadType &&
    equalBytes(one.payload, other.payload)
  );
}

function isSameMaterial(one: SigstoreBundle['material'], other: SigstoreBundle['material']): boolean {
  if (one.type === 'publicKey') return other.type === 'publicKey' && one.hint === other.hint;
  return other.type === 'certificate' && equalBytes(one.der, other.der);
}

/**
 * The signature that an earlier upload kept; empty where there is no file, or an empty one.
 * @throws ConfigurationError where the file cannot be read, or holds anything else.
 */
async function readKept(file: string): Promise<Uint8Array[]> {
  const isMissing = await stat(file).then(
    () => false,
    (error: unknown) => hasCode(error, 'ENOENT'),
  );
  if (isMissing) return [];
  const text = Buffer.from(await readBytes(WHAT, file)).toString('latin1');
  if (text === '') return [];
  try {
    const signature = decodeBase64(text.replace(/\n$/, ''));
    if (signature.length > 0) return [signature];
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw notReplaceable(WHAT, file, 'is no signature that stele kept');
}
