/**
 * Verifies Sigstore bundles by all steps that a command takes.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ConfigurationError } from '#src/errors.js';
import { artifactOfBytes, type Artifact } from '#src/sigstore/verify/node/artifact-signature.js';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import type { CertificateIdentity } from '#src/sigstore/verify/node/certificate-identity.js';
import { readPublicKeyFile } from '#src/keys/node/public-key-file.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { verifyBundle } from '#src/sigstore/verify/node/verify-bundle.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeBase64, FormatError, ProofError } from '#tiles-spec/index.js';
import { readVector, VECTORS } from './vectors.js';

/** A bundle, and the files and identity that a user verifies it with. */
export interface Case {
  readonly bundle: Uint8Array;
  readonly artifact: Artifact;
  readonly trustedRoot: Uint8Array;
  /** A public key file. Without it, the bundle must have the identity. */
  readonly key?: Uint8Array;
  readonly identity: CertificateIdentity;
}

/** The last step that verification reached, and why it ended there. `log`: the entries are proved, and match. */
export type Verdict =
  | { readonly stage: 'accepted'; readonly index: number }
  | { readonly stage: 'files' | 'log' | 'signer'; readonly message: string };

/** The identity that has signed the bundles of sigstore-conformance, unless a case names another. */
export const CONFORMANCE_IDENTITY = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
} as const satisfies CertificateIdentity;

/** The trusted root of Sigstore's public-good instance, as its TUF client ships it. */
export function productionTrustedRoot(): Uint8Array {
  const seeds = createRequire(import.meta.url).resolve('@sigstore/tuf/seeds.json');
  const [repository] = Object.values(
    JSON.parse(readFileSync(seeds, 'utf8')) as Record<string, { targets: Record<string, string> }>,
  );
  const root = repository?.targets['trusted_root.json'];
  if (root === undefined) throw new Error('@sigstore/tuf carries no trusted root');
  return new Uint8Array(Buffer.from(root, 'base64'));
}

/** A case in a folder of sigstore-conformance. Files that the folder lacks are those common to all cases. */
export function conformanceCase(folder: string): Case {
  const optional = (file: string) =>
    existsSync(join(VECTORS, 'bundles', folder, file)) ? readVector('bundles', folder, file) : undefined;
  const key = optional('key.pub');
  return {
    bundle: readVector('bundles', folder, 'bundle.sigstore.json'),
    artifact: artifactOfBytes(optional('artifact') ?? readVector('bundles', 'a.txt')),
    trustedRoot: optional('trusted_root.json') ?? productionTrustedRoot(),
    ...(key === undefined ? {} : { key }),
    identity: CONFORMANCE_IDENTITY,
  };
}

/** The part of a v0.3 bundle with an envelope and a certificate that a PyPI attestation has too. */
export interface EnvelopeBundle {
  readonly mediaType: string;
  readonly verificationMaterial: {
    readonly certificate: { readonly rawBytes: string };
    readonly tlogEntries: readonly object[];
  };
  readonly dsseEnvelope: {
    readonly payload: string;
    readonly signatures: readonly [{ readonly sig: string }];
  };
}

export type Attestation = ReturnType<typeof attestationOf>;

/** That bundle in the form of a PyPI attestation. */
export function attestationOf({ verificationMaterial, dsseEnvelope }: EnvelopeBundle) {
  return {
    version: 1,
    verification_material: {
      certificate: verificationMaterial.certificate.rawBytes,
      transparency_entries: verificationMaterial.tlogEntries,
    },
    envelope: { statement: dsseEnvelope.payload, signature: dsseEnvelope.signatures[0].sig },
  };
}

/** Verifies a case. @throws any error that is not of a kind that a user is shown. */
export async function verifyCase({
  bundle: file,
  artifact,
  trustedRoot,
  key,
  identity,
}: Case): Promise<Verdict> {
  let stage: 'files' | 'log' | 'signer' = 'files';
  try {
    const bundle = parseSigstoreBundle(file);
    const { logs, authorities } = parseTrustedRoot(trustedRoot);
    const policy =
      key === undefined
        ? { ...identity, authorities }
        : { publicKey: readPublicKeyFile(key, 'key.pub').spki };
    stage = 'log';
    const onEntries = () => {
      stage = 'signer';
    };
    const checked = await verifyBundle(bundle, logs, policy, artifact, { onEntries });
    if (!checked.verified) throw new Error(`not checked: ${checked.notChecked.join(', ')}`);
    return { stage: 'accepted', index: checked.entries[0].index };
  } catch (error) {
    if (!isTyped(error)) throw error;
    return { stage, message: error.message };
  }
}

/** Whether an error is of a kind that tells a user what is wrong with a file. */
export function isTyped(error: unknown): error is Error {
  return error instanceof FormatError || error instanceof ProofError || error instanceof ConfigurationError;
}

/** A file of one JSON value. */
export function jsonFile(value: unknown): Uint8Array {
  return encodeText(JSON.stringify(value));
}

/** A block of PEM, 64 characters a line. */
export function pemFile(label: string, der: Uint8Array): string {
  const lines = encodeBase64(der).replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** A copy without some of the fields. */
export function without<Value extends object, Name extends keyof Value>(
  value: Value,
  ...names: Name[]
): Omit<Value, Name> {
  const fields = Object.entries(value).filter(([name]) => !names.some((gone) => gone === name));
  return Object.fromEntries(fields) as Omit<Value, Name>;
}
