import { expect, it } from 'vitest';
import { artifactOfBytes } from '#src/sigstore/verify/node/artifact-signature.js';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { verifyLoggedEntry } from '#src/sigstore/verify/entry-proof.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { describeWithVectors, listVectors, readVector } from '../../support/vectors.js';
import {
  CONFORMANCE_IDENTITY,
  conformanceCase,
  verifyCase,
  type Case,
} from '../../support/public-bundles.js';

describeWithVectors('bundles of sigstore-conformance', () => {
  /** Folder and the index of its entry in the checkpoint's tree. */
  const GOOD: [string, number][] = [
    ['happy-path-intoto-in-dsse-v3', 33786588],
    ['happy-path-v0.1', 23083061],
    ['happy-path-v0.3', 75408392],
    ['managed-key-and-trusted-root', 20071232],
    ['managed-key-happy-path', 649584075],
    ['rekor2-checkpoint-cosigned', 735],
    ['rekor2-checkpoint-multiple-cosigs', 735],
    ['rekor2-dsse-happy-path', 4026478],
    ['rekor2-happy-path', 735],
    ['rekor2-timestamp-with-embedded-cert', 29469],
  ];

  /** Folder, the part that must find the fault, and how it says so. */
  const BAD: [string, 'log' | 'signer', RegExp][] = [
    ['checkpoint-bad-keyhint_fail', 'log', /^no signature of rekor\.sigstore\.dev\+c0d23d6a/],
    ['checkpoint-wrong-roothash_fail', 'log', /for a tree of 23083062 entries, its checkpoint of 75610772/],
    ['inclusion-proof-corrupted-hash_fail', 'log', /entry 75408392 does not lead to the root/],
    ['invalid-inclusion-proof_fail', 'log', /inclusion proof has no checkpoint/],
    ['rekor2-checkpoint-missing-origin_fail', 'log', /not three lines or more: origin, size, root/],
    ['rekor2-checkpoint-missing-root-hash_fail', 'log', /not three lines or more: origin, size, root/],
    ['rekor2-no-inclusion-proof_fail', 'log', /has no inclusion proof/],
    ['set-invalid-signature_fail', 'log', /signed entry timestamp.*does not verify over the entry/],
    // The proof of these is good, of another entry than the bundle's. The envelope's signature was replaced by another key's.
    ['rekor2-dsse-invalid-sig_fail', 'log', /another signature than the bundle's/],
    // The envelope's signature was replaced by another of the same key.
    ['rekor2-dsse-mismatch-sig_fail', 'log', /another signature than the bundle's/],
    // The entry is another bundle's.
    ['wrong-hashedrekord-entry_fail', 'log', /another signature than the bundle's/],
    // The artifact is another than what was signed: the bundle itself is good.
    ['wrong-material_fail', 'signer', /over another artifact: its sha256 is a0cfc712/],
  ];

  it('are all accounted for', () => {
    const folders = listVectors('bundles')
      .filter((file) => file.endsWith('/bundle.sigstore.json'))
      .map((file) => file.split('/')[1] ?? '');
    expect([...GOOD, ...BAD].map(([folder]) => folder).sort()).toEqual(folders.sort());
  });

  it.each(GOOD)('%s: accepted at %i', async (folder, index) => {
    expect(await verifyCase(conformanceCase(folder))).toEqual({ stage: 'accepted', index });
  });

  it.each(BAD)('%s: refused for its %s', async (folder, stage, message) => {
    const verdict = await verifyCase(conformanceCase(folder));
    expect(verdict).toMatchObject({ stage });
    expect('message' in verdict && verdict.message).toMatch(message);
  });

  it.each([...GOOD, ...BAD].map(([folder]) => folder))(
    '%s: not with another identity or key',
    async (folder) => {
      const good = conformanceCase(folder);
      const other: Case = {
        ...good,
        ...(good.key === undefined
          ? { identity: { ...good.identity, identity: `${CONFORMANCE_IDENTITY.identity}x` } }
          : { key: Buffer.from('MCowBQYDK2VwAyEAasTtScNrWNDL0RjQaoYzZVocdrlExuhzehDCdKnTFyg=', 'base64') }),
      };
      expect((await verifyCase(other)).stage).not.toBe('accepted');
    },
  );

  it('say what the log signed: times and promises of Rekor v1 alone', () => {
    const shownOf = (folder: string) => {
      const { bundle, trustedRoot } = conformanceCase(folder);
      const [entry] = parseSigstoreBundle(bundle).entries;
      if (entry === undefined) throw new Error('no entry');
      return verifyLoggedEntry(entry, parseTrustedRoot(trustedRoot).logs);
    };
    expect(shownOf('happy-path-v0.1')).toMatchObject({
      index: 23083061,
      globalIndex: 27246492,
      promise: true,
      integratedTime: 1689177396,
      log: { origin: 'rekor.sigstore.dev' },
    });
    const v2 = shownOf('rekor2-happy-path');
    expect(v2).not.toHaveProperty('promise');
    expect(v2).not.toHaveProperty('integratedTime');
    expect(v2.checkpoint?.size).toBe(736);
  });
});

describeWithVectors("cosign's bundles", () => {
  const blob = () => artifactOfBytes(readVector('trust', 'cosign.blob'));
  const signedBy = { identity: 'a@lab.example', issuer: 'https://oidc.lab.example' };

  /** The key is not in the bundle, but in what was logged. */
  function loggedKey(bundle: Uint8Array): Uint8Array {
    const [entry] = parseSigstoreBundle(bundle).entries;
    const [, key = ''] =
      /"publicKey":\{"rawBytes":"([^"]*)"/.exec(Buffer.from(entry?.body ?? []).toString()) ?? [];
    return Buffer.from(key, 'base64');
  }

  it.each([
    ['cosign-key', 5],
    ['cosign-attest', 8],
  ])('%s: accepted with its key', async (name, index) => {
    const bundle = readVector('trust', `${name}.bundle.json`);
    const verdict = await verifyCase({
      bundle,
      artifact: blob(),
      trustedRoot: readVector('trust', 'trusted_root.json'),
      key: loggedKey(bundle),
      identity: signedBy,
    });
    expect(verdict).toEqual({ stage: 'accepted', index });
  });

  const keyless = (): Case => ({
    bundle: readVector('trust', 'cosign-keyless.bundle.json'),
    artifact: blob(),
    trustedRoot: readVector('trust', 'with-tsa-ca', 'trusted_root.json'),
    identity: signedBy,
  });

  it('cosign-keyless: accepted with its identity', async () => {
    expect(await verifyCase(keyless())).toEqual({ stage: 'accepted', index: 15 });
  });

  it.each<[string, Partial<Case>, RegExp]>([
    [
      'another identity',
      { identity: { ...signedBy, identity: 'b@lab.example' } },
      /of a@lab\.example, not of b@lab\.example/,
    ],
    ['a part of the identity', { identity: { ...signedBy, identity: 'a@lab' } }, /not of a@lab/],
    ['a pattern', { identity: { ...signedBy, identity: '.*' } }, /not of \.\*/],
    [
      'another issuer',
      { identity: { ...signedBy, issuer: 'https://lab.example' } },
      /by https:\/\/oidc\.lab\.example, not by https:\/\/lab\.example/,
    ],
    ['another artifact', { artifact: artifactOfBytes(new Uint8Array(3)) }, /over another artifact/],
  ])('cosign-keyless: refused with %s', async (_what, change, message) => {
    expect(await verifyCase({ ...keyless(), ...change })).toMatchObject({
      stage: 'signer',
      message: expect.stringMatching(message) as string,
    });
  });

  it('cosign-keyless: refused without the authorities', async () => {
    const trustedRoot = readVector('trust', 'trusted_root.json');
    expect(await verifyCase({ ...keyless(), trustedRoot })).toMatchObject({
      stage: 'signer',
      message: expect.stringContaining('timestamp could not be verified') as string,
    });
  });
});
