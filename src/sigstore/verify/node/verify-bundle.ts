/**
 * The verdict on a bundle. It is verified when a trusted log has its entry, the entry is of its signature, and the
 * signature is over the artifact and by the signer that the caller demands.
 * @module
 */
import { equalBytes, ProofError, type Sha256 } from '../../../../tiles-spec/index.js';
import { verifyArtifactSignature, type Artifact } from './artifact-signature.js';
import type { SigstoreBundle } from '../../bundle/sigstore-bundle.js';
import { textNames } from '../stated-identity.js';
import type { CertificateIdentity } from './certificate-identity.js';
import { entryOfBody } from '../../../kinds/read-entry.js';
import { nodeSuite } from '../../../signatures/node/suite.js';
import { loggedKey, matchEntry, type LoggedSignature } from '../entry-match.js';
import { verifyLoggedEntry, type VerifiedEntry } from '../entry-proof.js';
import type { VerifiedIdentity } from './identity.js';
import type { TransparencyLogEntry } from '../../bundle/transparency-log-entry.js';
import type { KnownLog, VerbatimAuthorities } from '../../trust/trusted-root.js';

/** The key that must have signed. */
export interface KeyPolicy {
  /** DER SubjectPublicKeyInfo, as `readPublicKeyFile` has it. */
  readonly publicKey: Uint8Array;
  readonly identity?: never;
}

/** The identity whose certificate must have signed. */
export interface IdentityPolicy extends CertificateIdentity {
  /** The authorities to believe, of `parseTrustedRoot`. The logs beside them are trusted only where they are passed too. */
  readonly authorities: VerbatimAuthorities;
  readonly publicKey?: never;
}

/** Who must have signed. */
export type SignerPolicy = KeyPolicy | IdentityPolicy;

/** Who signed, as far as it was checked. */
export type Signer =
  | { readonly type: 'given key'; readonly publicKey: Uint8Array }
  | ({ readonly type: 'identity' } & VerifiedIdentity)
  /** The logged key. Nobody checked who owns it. */
  | { readonly type: 'logged key'; readonly publicKey: Uint8Array }
  /** The logged certificate, unchecked, and the names that it gives itself. */
  | { readonly type: 'logged certificate'; readonly der: Uint8Array; readonly names: readonly string[] };

/** A part that the caller named nothing to check with: the owner of the key, the certificate's identity, or the artifact. */
export type NotChecked = 'public key' | 'certificate' | 'artifact';

/** What was shown of a bundle. */
export interface CheckedBundle {
  /** Everything was checked and is good: `notChecked` is empty. */
  readonly verified: boolean;
  readonly notChecked: readonly NotChecked[];
  /** All of the bundle's entries that are of a trusted log. */
  readonly entries: readonly [VerifiedEntry, ...VerifiedEntry[]];
  readonly signer: Signer;
}

/** Callbacks that show the steps. */
export interface VerifyBundleOptions {
  /** Makes the hash function for an entry's proof. Called once an entry, in the order of `CheckedBundle.entries`. */
  readonly sha?: (entry: TransparencyLogEntry) => Sha256;
  /** Called once, when all entries are proved and match the signature, before the signer is checked. */
  readonly onEntries?: (entries: CheckedBundle['entries']) => void;
}

/**
 * Verifies a bundle offline. It must have an entry of a trusted log, and every such entry must be proved and be of the
 * bundle's signature; entries of other logs count for nothing. A wrong part throws. A part that the caller named nothing
 * to check with is in `notChecked`, and then the bundle is not verified.
 *
 * Cost: some milliseconds an entry, for the log's signatures are verified in pure JavaScript. By identity several times
 * that, and the first call loads Sigstore's library, which takes longer than all else.
 * @param logs those that are trusted, for the entries and for the times of their promises: `parseTrustedRoot`'s or
 *   `trustedLogFromVerifierKey`'s.
 * @param policy who must have signed. Undefined: the signature is verified by the logged key, and the signer is not
 *   checked.
 * @param artifact what must have been signed, of `artifactOfBytes` or `artifactOfDigests`. Undefined: the signature is verified over the digest or the envelope
 *   in the bundle, and the artifact is not checked.
 * @throws ProofError when something is not shown; FormatError when a logged body, a checkpoint, a certificate or an
 *   authority is malformed.
 */
export async function verifyBundle(
  bundle: SigstoreBundle,
  logs: readonly KnownLog[],
  policy: SignerPolicy | undefined,
  artifact: Artifact | undefined,
  { sha, onEntries }: VerifyBundleOptions = {},
): Promise<CheckedBundle> {
  const proved = proveEntries(bundle, logs, policy?.publicKey, sha);
  const entries = mapAll(proved, ({ entry }) => entry);
  onEntries?.(entries);

  const [{ logged }] = proved;
  const signer =
    policy?.identity === undefined
      ? verifyKey(bundle, policy?.publicKey, artifact, logged)
      : await verifyCertificate(bundle, entries, artifact, policy);
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
  // Without a trusted one, the others are verified for the error, which names their log.
  const [first, ...more] = known.length > 0 ? known : bundle.entries;
  if (first === undefined) throw new ProofError('the bundle has no log entry');
  return mapAll([first, ...more], (each) => {
    const entry = verifyLoggedEntry(each, logs, shaOf?.(each));
    return { entry, logged: matchEntry(bundle, entryOfBody(entry.content), nodeSuite, publicKey) };
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
  const { verifyIdentity } = await import('./identity.js');
  const { authorities } = policy;
  return { type: 'identity', ...(await verifyIdentity(bundle, entries, artifact, policy, authorities)) };
}

function verifyKey(
  bundle: SigstoreBundle,
  given: Uint8Array | undefined,
  artifact: Artifact | undefined,
  logged: LoggedSignature,
): Signer {
  const publicKey = given ?? loggedKey(logged.verifier, nodeSuite);
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
