/**
 * What it is for a bundle to be verified: its entry is in a trusted log, and is of its signature; the signature is good,
 * over the artifact, and by whom the caller says.
 * @module
 */
import { equalBytes, ProofError, type Sha256 } from '../../../tiles-spec/index.js';
import { verifyArtifactSignature, type Artifact } from './node/artifact-signature.js';
import type { SigstoreBundle } from '../bundle/sigstore-bundle.js';
import { textNames, type CertificateIdentity } from './certificate-identity.js';
import { loggedKey, matchEntry, type LoggedSignature } from './entry-match.js';
import { verifyLoggedEntry, type VerifiedEntry } from './entry-proof.js';
import type { VerifiedIdentity } from './node/identity.js';
import type { TransparencyLogEntry } from '../bundle/transparency-log-entry.js';
import type { KnownLog, VerbatimAuthorities } from '../trust/trusted-root.js';

/** The key that must have signed. */
export interface KeyPolicy {
  /** DER SubjectPublicKeyInfo, as `readPublicKeyFile` has it. */
  readonly publicKey: Uint8Array;
  readonly identity?: never;
}

/** Whose certificate must have signed. */
export interface IdentityPolicy extends CertificateIdentity {
  /** Those that are believed: `parseTrustedRoot`'s. */
  readonly authorities: VerbatimAuthorities;
  readonly publicKey?: never;
}

/** Who must have signed. */
export type SignerPolicy = KeyPolicy | IdentityPolicy;

/** Who signed, as far as it was checked. */
export type Signer =
  | { readonly type: 'given key'; readonly publicKey: Uint8Array }
  | ({ readonly type: 'identity' } & VerifiedIdentity)
  /** The key that the log has; whose that is, was not checked. */
  | { readonly type: 'logged key'; readonly publicKey: Uint8Array }
  /** The certificate that the log has, and the names that it gives itself; it was not checked. */
  | { readonly type: 'logged certificate'; readonly der: Uint8Array; readonly names: readonly string[] };

/** What nobody said enough of to check it: whose the key is, the certificate and so who signed, or what was signed. */
export type NotChecked = 'public key' | 'certificate' | 'artifact';

/** What was shown of a bundle. */
export interface CheckedBundle {
  /** That everything was checked, and is good: nothing is in `notChecked`. */
  readonly verified: boolean;
  readonly notChecked: readonly NotChecked[];
  /** All of the bundle's entries that are of a trusted log. */
  readonly entries: readonly [VerifiedEntry, ...VerifiedEntry[]];
  readonly signer: Signer;
}

/** How a caller sees more of it. */
export interface VerifyBundleOptions {
  /** Makes the hash function of an entry's proof, asked for each in the order of `entries`. */
  readonly sha?: (entry: TransparencyLogEntry) => Sha256;
  /** Called once, when all entries are proved and match, and nothing is known of the signer yet. */
  readonly onEntries?: (entries: CheckedBundle['entries']) => void;
}

/**
 * Verifies a bundle offline. Every entry that it has of a trusted log must be proved and be of its signature, and there
 * must be one; entries of other logs count for nothing. What is wrong is thrown; what nobody said enough of is in
 * `notChecked`, and then the bundle is not verified.
 * @param logs those that are trusted, for the entries and for the times of their promises: `parseTrustedRoot`'s or
 *   `trustedLogFromVerifierKey`'s.
 * @param policy who must have signed; undefined, nothing is verified, but what was shown is told.
 * @param artifact what must have been signed: `artifactOfBytes`'s or `artifactOfDigests`'s; `envelope` where that is the
 *   bundle's own envelope, which the caller has made the bundle of. Undefined, the signature is verified over what the
 *   bundle says of it, and that is not checked.
 * @throws ProofError when something is not shown; FormatError when a file is malformed.
 */
export async function verifyBundle(
  bundle: SigstoreBundle,
  logs: readonly KnownLog[],
  policy: SignerPolicy | undefined,
  artifact: Artifact | 'envelope' | undefined,
  { sha, onEntries }: VerifyBundleOptions = {},
): Promise<CheckedBundle> {
  const isEnvelope = artifact === 'envelope';
  if (isEnvelope && bundle.content.type !== 'dsseEnvelope')
    throw new ProofError('the bundle has no envelope: it is of an artifact beside it');

  const proved = proveEntries(bundle, logs, policy?.publicKey, sha);
  const entries = mapAll(proved, ({ entry }) => entry);
  onEntries?.(entries);

  const signed = isEnvelope ? undefined : artifact;
  const [{ logged }] = proved;
  const signer =
    policy?.identity === undefined
      ? verifyKey(bundle, policy?.publicKey, signed, logged)
      : await verifyCertificate(bundle, entries, signed, policy);
  const notChecked = [...notCheckedOf(signer), ...(artifact === undefined ? (['artifact'] as const) : [])];
  return { verified: notChecked.length === 0, notChecked, entries, signer };
}

interface MatchedEntry {
  readonly entry: VerifiedEntry;
  readonly logged: LoggedSignature;
}

type Some<Item> = readonly [Item, ...Item[]];

function proveEntries(
  bundle: SigstoreBundle,
  logs: readonly KnownLog[],
  publicKey: Uint8Array | undefined,
  shaOf: VerifyBundleOptions['sha'],
): Some<MatchedEntry> {
  const known = bundle.entries.filter(({ logId }) => logs.some((log) => equalBytes(log.logId, logId)));
  // Of a log that is not trusted: to verify it says so.
  const [first, ...more] = known.length > 0 ? known : bundle.entries;
  if (first === undefined) throw new ProofError('the bundle has no log entry');
  return mapAll([first, ...more], (each) => {
    const entry = verifyLoggedEntry(each, logs, shaOf?.(each));
    return { entry, logged: matchEntry(bundle, entry.body, publicKey) };
  });
}

function mapAll<From, To>([first, ...more]: Some<From>, change: (item: From) => To): Some<To> {
  return [change(first), ...more.map(change)];
}

async function verifyCertificate(
  bundle: SigstoreBundle,
  entries: readonly VerifiedEntry[],
  artifact: Artifact | undefined,
  policy: IdentityPolicy,
): Promise<Signer> {
  // Sigstore's library takes longer to load than all else: only bundles that are verified by identity load it.
  const { verifyIdentity } = await import('./node/identity.js');
  const { authorities } = policy;
  return { type: 'identity', ...(await verifyIdentity(bundle, entries, artifact, policy, authorities)) };
}

function verifyKey(
  bundle: SigstoreBundle,
  given: Uint8Array | undefined,
  artifact: Artifact | undefined,
  logged: LoggedSignature,
): Signer {
  const publicKey = given ?? loggedKey(logged.verifier);
  verifyArtifactSignature(bundle, publicKey, artifact, logged);
  if (given !== undefined) return { type: 'given key', publicKey };
  const { form, der } = logged.verifier;
  if (form === 'publicKey') return { type: 'logged key', publicKey };
  return { type: 'logged certificate', der, names: textNames(der) };
}

function notCheckedOf({ type }: Signer): NotChecked[] {
  if (type === 'logged key') return ['public key'];
  return type === 'logged certificate' ? ['certificate'] : [];
}
