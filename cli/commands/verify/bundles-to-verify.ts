/**
 * The Sigstore bundles that `stele verify` verifies: those of a given file, the one that a proof which stands alone makes,
 * or the one of an entry that is looked up in a log, with its proof from the log's tiles.
 * @module
 */
import { bundlesIn, type ShippedBundles } from '../../../src/sigstore/bundle/bundle-files.js';
import { bundleOfEntry } from '../../../src/sigstore/bundle/bundle-of-entry.js';
import type { SigstoreBundle } from '../../../src/sigstore/bundle/sigstore-bundle.js';
import { entryOf, type PublishedEntry } from '../../../src/sigstore/bundle/transparency-log-entry.js';
import type { TrustedLog } from '../../../src/sigstore/trust/trusted-root.js';
import { ConfigurationError } from '../../../src/errors.js';
import { parseBody } from '../../../src/kinds/canonical-body.js';
import { opensslSha256 } from '../../../src/node/openssl-sha256.js';
import {
  equalBytes,
  FormatError,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  ProofError,
  verifyTlogProof,
  type TlogProof,
} from '../../../tiles-spec/index.js';
import { entryName, findEntry, type EntryValues } from '../../log/entry.js';
import { pemLabels } from '../../../src/pem.js';
import { readInput } from '../../files.js';
import { latestOf, openTrustedLog, trustedLogs, type LogInvocation } from '../../log/open-log.js';
import { SettingError, type Values } from '../../settings/setting.js';
import type { SIGNATURE_SETTINGS } from '../../settings/signature-settings.js';
import type { SIGNER_SETTINGS } from '../../settings/signer-settings.js';
import { canonicalBodyOf, readSignedArtifact, type SignedArtifact } from '../../signature/signed-artifact.js';

/** What `stele verify` is run with. */
export interface VerifyInvocation extends LogInvocation {
  readonly values: LogInvocation['values'] &
    EntryValues &
    Values<typeof SIGNATURE_SETTINGS & typeof SIGNER_SETTINGS>;
  readonly args: readonly string[];
}

/** The bundles, and the logs whose entries are believed. */
export interface BundlesToVerify {
  readonly bundles: ShippedBundles;
  readonly logs: readonly TrustedLog[];
  /** The bundle was made of the artifact, an envelope: its signature is over the artifact if it is good. */
  readonly isMadeOfArtifact?: true;
}

const TLOG_PROOF = 'c2sp.org/tlog-proof@';
/** UTF-8's byte order mark, with a character for each byte. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** A verification, with the file of `--trusted-root` if that is given. */
type Verification = VerifyInvocation & Pick<LogInvocation, 'trustedRoot'>;

/**
 * Finds what the arguments and settings name.
 * @throws ConfigurationError when they name nothing, or a file cannot be read; and what reading the log throws.
 */
export async function bundlesToVerify(invocation: Verification): Promise<BundlesToVerify> {
  const { args, values } = invocation;
  const [file] = args;
  const isNamed = values['log-index'] !== undefined || values.uuid !== undefined;
  const isSigned = values.signature !== undefined || values.type === 'dsse';
  if (file !== undefined) {
    const bytes = await readInput('BUNDLE', file);
    const logs = await trustedLogs(invocation);
    if (Buffer.from(bytes).toString('latin1', 0, TLOG_PROOF.length) === TLOG_PROOF)
      return fromProof(
        parsed(file, () => parseTlogProof(bytes)),
        logs,
        isSigned ? await readSignedArtifact(values) : undefined,
      );
    if (values.signature !== undefined)
      throw new SettingError('--signature', `the bundle ${file} holds it`, ' has no place:');
    if (values.type !== undefined)
      throw new SettingError('--type', `the bundle ${file} says what it is of`, ' has no place:');
    requireText(bytes, file);
    return { bundles: parsed(file, () => bundlesIn(bytes)), logs };
  }
  if (isNamed || isSigned)
    return fromLog(invocation, isSigned ? await readSignedArtifact(values) : undefined);
  throw new ConfigurationError(
    'give a bundle or proof; or --log-index or --uuid; or --artifact with --signature and --public-key',
  );
}

/** Names the file in what `parse` throws of its content. @throws FormatError */
function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof FormatError ? new FormatError(`${file}: ${error.message}`) : error;
  }
}

/** Refuses a file that is no JSON, and says what it is: many users give the artifact where the bundle belongs. */
function requireText(bytes: Uint8Array, file: string): void {
  const start = Buffer.from(bytes).toString('latin1', 0, 100);
  const [label] = pemLabels(start);
  const is = (what: string) =>
    new ConfigurationError(`${file} ${what}, where a bundle or a .tlog-proof belongs`);
  if (bytes.length === 0) throw is('is empty');
  if (label !== undefined) throw is(`holds PEM (${label})`);
  if (/^[^\s+]+\+[0-9a-f]{8}\+\S+\s*$/.test(start)) throw is('is a verifier key (--vkey)');
  if (start.startsWith(BYTE_ORDER_MARK)) {
    throw new ConfigurationError(
      `${file} begins with a byte order mark, as Windows programs write it: save it as UTF-8 without one`,
    );
  }
  if (/^\s*[{[]/.test(start)) return;
  throw new ConfigurationError(
    `${file} is neither a bundle nor a .tlog-proof: stele verify ${file}.sigstore.json --artifact ${file}`,
  );
}

/** A proof holds only the leaf hash of its entry. The body is in the proof's extra data, or made from the signature. */
async function fromProof(
  proof: TlogProof,
  logs: readonly TrustedLog[],
  signed: SignedArtifact | undefined,
): Promise<BundlesToVerify> {
  const body = signed === undefined ? proof.extra : await canonicalBodyOf(signed);
  if (body === undefined) {
    throw new ConfigurationError(
      'the proof does not hold its entry: give --artifact, --signature and --public-key, of which it is made',
    );
  }
  const log = logOf(proof, logs);
  const checkpoint = verifyTlogProof(proof, leafHash(body, opensslSha256), log.verifier, opensslSha256);
  const { kind, version } = parseBody(body);
  const entry = { kind, version, index: proof.index, body, proof: proof.hashes, checkpoint };
  return { ...bundleOf(entry, log, signed), logs };
}

/** The log that the proof's checkpoint names. Of several keys of one log, the one that signed. */
function logOf({ checkpoint }: TlogProof, logs: readonly TrustedLog[]): TrustedLog {
  const { text, signatures } = parseNote(checkpoint);
  const { origin } = parseCheckpoint(text);
  const named = logs.filter(({ verifier }) => verifier.name === origin);
  const signing = named.find(({ verifier: { name, keyId } }) =>
    signatures.some((signature) => signature.name === name && signature.keyId === keyId),
  );
  // Where none has signed, verifying with the first gives the error.
  const log = signing ?? named[0];
  if (log !== undefined) return log;
  const origins = [...new Set(logs.map((each) => each.origin))].join(', ');
  throw new ProofError(
    `the proof is of the log ${JSON.stringify(origin.slice(0, 200))}, which is none of the trusted logs (${origins})`,
  );
}

/** A signature is looked up by the leaf hash of its entry. Where an entry is named too, it must be that one. */
async function fromLog(
  invocation: Verification,
  signed: SignedArtifact | undefined,
): Promise<BundlesToVerify> {
  const { values, terminal } = invocation;
  const opened = await openTrustedLog(invocation);
  const { trusted } = opened;
  const leaf = signed === undefined ? undefined : leafHash(await canonicalBodyOf(signed), opensslSha256);
  const name = entryName(values, trusted, leaf);
  const entry = await findEntry(await latestOf(opened), name, terminal);
  if (leaf !== undefined && !equalBytes(leafHash(entry.body, opensslSha256), leaf))
    throw new ProofError(`entry ${entry.index} of ${trusted.origin} is not of this signature`);
  return { ...bundleOf(entry, trusted, signed), logs: [trusted] };
}

function bundleOf(
  entry: PublishedEntry,
  log: TrustedLog,
  signed: SignedArtifact | undefined,
): Omit<BundlesToVerify, 'logs'> {
  if (signed === undefined) return { bundles: alone(bundleOfEntry(entry, log.logId)) };
  const { content, material } = signed;
  return {
    bundles: alone({ content, material, entries: [entryOf(entry, log.logId)], timestamps: [] }),
    ...(content.type === 'dsseEnvelope' ? { isMadeOfArtifact: true } : {}),
  };
}

function alone(bundle: SigstoreBundle): ShippedBundles {
  return [{ name: undefined, bundle }];
}
