/**
 * `stele verify` on the bundles of sigstore-conformance: each gets its verdict, by the exit code and in words.
 */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STELE, withFolder } from '../../support/daemon.js';
import { describeWithVectors, listVectors, VECTORS } from '../../support/vectors.js';
import { CONFORMANCE_IDENTITY, productionTrustedRoot } from '../../support/public-bundles.js';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function stele(home: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], HOME: home } };
    execFile(process.execPath, [STELE, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** What a user has beside a bundle: the artifact, a trusted root, and the key or the identity that must have signed. */
function given(folder: string, home: string): string[] {
  const file = (name: string) => {
    const path = join(VECTORS, 'bundles', folder, name);
    return existsSync(path) ? path : undefined;
  };
  const production = join(home, 'trusted_root.json');
  writeFileSync(production, productionTrustedRoot());
  const key = file('key.pub');
  const signer =
    key === undefined
      ? [
          '--certificate-identity',
          CONFORMANCE_IDENTITY.identity,
          '--certificate-oidc-issuer',
          CONFORMANCE_IDENTITY.issuer,
        ]
      : ['--public-key', key];
  return [
    join(VECTORS, 'bundles', folder, 'bundle.sigstore.json'),
    '--artifact',
    file('artifact') ?? join(VECTORS, 'bundles', 'a.txt'),
    '--trusted-root',
    file('trusted_root.json') ?? production,
    ...signer,
  ];
}

/** Folders whose fault is in the log's part, and how `verify` says so. */
const LOG_FAULTS: readonly [string, RegExp][] = [
  ['checkpoint-bad-keyhint_fail', /no signature of rekor\.sigstore\.dev\+c0d23d6a/],
  ['checkpoint-wrong-roothash_fail', /for a tree of 23083062 entries, its checkpoint of 75610772/],
  ['inclusion-proof-corrupted-hash_fail', /entry 75408392 does not lead to the root/],
  ['invalid-inclusion-proof_fail', /inclusion proof has no checkpoint/],
  ['rekor2-checkpoint-missing-origin_fail', /not three lines or more: origin, size, root/],
  ['rekor2-checkpoint-missing-root-hash_fail', /not three lines or more: origin, size, root/],
  ['rekor2-no-inclusion-proof_fail', /has no inclusion proof/],
  ['set-invalid-signature_fail', /signed entry timestamp.*does not verify over the entry/],
  // The log's entry is of another signature than the bundle.
  ['rekor2-dsse-invalid-sig_fail', /another signature than the bundle's/],
  ['rekor2-dsse-mismatch-sig_fail', /another signature than the bundle's/],
  ['wrong-hashedrekord-entry_fail', /another signature than the bundle's/],
];

/** Left out of those: the fault is elsewhere, and is found too. */
const OTHER_FAULTS: readonly [string, RegExp][] = [
  // The bundle is good, and of another artifact.
  ['wrong-material_fail', /over another artifact: its sha256 is a0cfc712/],
];

describeWithVectors('stele verify', () => {
  const faulty = [...LOG_FAULTS, ...OTHER_FAULTS];
  const good = listVectors('bundles')
    .filter((file) => file.endsWith('/bundle.sigstore.json'))
    .map((file) => file.split('/')[1] ?? '')
    .filter((folder) => !folder.endsWith('_fail'));

  it('has a verdict for every bundle', () => {
    const folders = listVectors('bundles').filter((file) => file.endsWith('_fail/bundle.sigstore.json'));
    expect(faulty.map(([folder]) => `bundles/${folder}/bundle.sigstore.json`).sort()).toEqual(folders.sort());
    expect(good).toHaveLength(10);
  });

  it.concurrent.each(good)('%s: verified', (folder) =>
    withFolder(async (home) => {
      const { code, stdout, stderr } = await stele(home, ['verify', ...given(folder, home)]);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^Verified$/m);
      expect(stderr).toBe('');
    }),
  );

  it.concurrent.each(faulty)('%s: not verified', (folder, message) =>
    withFolder(async (home) => {
      const { code, stdout, stderr } = await stele(home, ['verify', ...given(folder, home)]);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stdout).not.toMatch(/verified/i);
    }),
  );

  it.concurrent.each(good.filter((folder) => !folder.startsWith('managed-key')))(
    '%s: not called verified where nobody says who must have signed',
    (folder) =>
      withFolder(async (home) => {
        const { code, stdout } = await stele(home, ['verify', ...given(folder, home).slice(0, 5)]);
        expect(code).toBe(1);
        expect(stdout).toMatch(/^NOT CHECKED the certificate, and so who signed/m);
        expect(stdout).not.toMatch(/verified/i);
      }),
  );
});
