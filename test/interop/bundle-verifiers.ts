/**
 * One bundle, verified by each of those who verify bundles: for a digest, and for anybody whom its certificate names, or
 * by a key.
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { bundleFromJSON } from 'sigstore-bundle-latest';
import { toSignedEntity, toTrustMaterial, Verifier } from 'sigstore-verify-latest';
import { artifactOfDigests } from '#src/sigstore/verify/node/artifact-signature.js';
import { readPublicKeyFile } from '#src/keys/node/public-key-file.js';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { verifyBundle } from '#src/sigstore/verify/node/verify-bundle.js';
import { isTyped } from '../support/public-bundles.js';
import { expectSuccess, run } from './program.js';
import type { PublicBundle } from './public-bundles.js';

/** A bundle in a file, and what it is verified with. */
export interface AskedBundle extends PublicBundle {
  readonly file: string;
  /** A file. */
  readonly trustedRoot: string;
  /** A file, of a bundle that was signed with a key. */
  readonly publicKey?: string;
}

/** @returns `verified`, or why not; and so do the others. */
export async function byStele({ text, digest, trustedRoot, publicKey }: AskedBundle): Promise<string> {
  const [name = '', hex = ''] = digest.split(':');
  const anybody = { regexp: '.*' };
  try {
    const { logs, authorities } = parseTrustedRoot(readFileSync(trustedRoot));
    const { verified } = await verifyBundle(
      parseSigstoreBundle(Buffer.from(text)),
      logs,
      publicKey === undefined
        ? { identity: anybody, issuer: anybody, authorities }
        : { publicKey: readPublicKeyFile(readFileSync(publicKey), publicKey).spki },
      artifactOfDigests({ [name]: new Uint8Array(Buffer.from(hex, 'hex')) }),
    );
    return verified ? 'verified' : 'not checked';
  } catch (error) {
    if (!isTyped(error)) throw error;
    return error.message;
  }
}

export async function byCosign(
  cosign: string,
  { file, digest, trustedRoot, publicKey }: AskedBundle,
  folder: string,
): Promise<string> {
  const signer =
    publicKey === undefined
      ? ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer-regexp', '.*']
      : ['--key', publicKey];
  const args = ['verify-blob', '--bundle', file, '--trusted-root', trustedRoot, ...signer, digest];
  const { status, output } = await run(cosign, args, folder);
  return status === 0 ? 'verified' : output.trim();
}

/** All at once, for which it needs one process. */
export async function bySigstoreGo(
  driver: string,
  bundles: readonly AskedBundle[],
  folder: string,
): Promise<string[]> {
  const questions = join(folder, 'questions.jsonl');
  const lines = bundles.map(({ file, digest, trustedRoot, publicKey }) =>
    JSON.stringify({ bundle: file, digest, trustedRoot, publicKey }),
  );
  await writeFile(questions, `${lines.join('\n')}\n`);
  return expectSuccess(await run(driver, ['verdicts', questions], folder))
    .trimEnd()
    .split('\n');
}

/** Undefined where it would need the artifact itself, which is not there. */
export function bySigstoreVerify({ text, trustedRoot, publicKey }: AskedBundle): string | undefined {
  try {
    const bundle = bundleFromJSON(JSON.parse(text));
    if (bundle.content.$case === 'messageSignature') return undefined;
    const root = TrustedRoot.fromJSON(JSON.parse(readFileSync(trustedRoot, 'utf8')));
    const trust = toTrustMaterial(root, () => {
      if (publicKey === undefined) throw new Error('there is no key for it');
      return { publicKey: createPublicKey(readFileSync(publicKey)), validFor: () => true };
    });
    new Verifier(trust).verify(toSignedEntity(bundle));
    return 'verified';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
