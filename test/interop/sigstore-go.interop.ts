/**
 * Sigstore-go signs with every kind of key that the log takes, and verifies.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog, type TrustedRoot } from './served-log.js';
import { indexIn, tamper, TAMPERINGS } from './tampered-bundle.js';
import { describeWithTools } from './with-tools.js';

const KEY_KINDS = [
  'PKIX_ECDSA_P256_SHA_256',
  'PKIX_ECDSA_P384_SHA_384',
  'PKIX_ECDSA_P521_SHA_512',
  'PKIX_RSA_PKCS1V15_2048_SHA256',
  'PKIX_RSA_PKCS1V15_3072_SHA256',
  'PKIX_RSA_PKCS1V15_4096_SHA256',
  'PKIX_ED25519_PH',
];

/** What is signed, and how another artifact is refused. */
const CONTENTS = [
  ['message', 'message', /failed to verify signature: could not verify message/],
  ['DSSE envelope', 'dsse', /artifact digests do not match digests in statement/],
] as const;

/** A bundle, and the key that it is to be verified with. */
interface Signed {
  readonly bundle: string;
  readonly publicKey: string;
}

describeWithTools(['sigstore-go'], 'sigstore-go', (tools) => {
  let log: ServedLog;
  let otherLog: ServedLog;
  let artifact: string;
  let otherArtifact: string;

  const sigstore = (...args: string[]) => run(tools('sigstore-go'), args, log.folder);
  const sign = async (kind: string, content: string, file: string, name: string): Promise<Signed> => {
    const bundle = join(log.folder, `${kind}-${content}-${name}.json`);
    const publicKey = join(log.folder, `${kind}-${content}-${name}.pem`);
    const what = ['-key-kind', kind, '-content', content, '-signing-config', log.signingConfig];
    expectSuccess(await sigstore('sign', ...what, '-bundle', bundle, '-public-key', publicKey, file));
    return { bundle, publicKey };
  };
  const verify = ({ bundle, publicKey }: Signed, file: string, trustedRoot = log.trustedRoot) =>
    sigstore('verify', '-trusted-root', trustedRoot, '-bundle', bundle, '-public-key', publicKey, file);

  beforeAll(async () => {
    [log, otherLog] = await Promise.all([startLog(), startLog()]);
    await log.add(3);
    artifact = join(log.folder, 'artifact');
    otherArtifact = join(log.folder, 'other');
    await writeFile(artifact, 'an artifact');
    await writeFile(otherArtifact, 'another artifact');
  });
  afterAll(() => Promise.all([log.stop(), otherLog.stop()]));

  describe.each(KEY_KINDS)('with a key of %s', (kind) => {
    describe.each(CONTENTS)('signs a %s', (_content, content, differs) => {
      let signed: Signed;
      let other: Signed;
      beforeAll(async () => {
        const before = await log.size();
        signed = await sign(kind, content, artifact, 'first');
        other = await sign(kind, content, otherArtifact, 'other');
        expect(await indexIn(signed.bundle)).toBe(before);
        expect(await indexIn(other.bundle)).toBe(before + 1);
      });

      it('and verifies it', async () => {
        expectSuccess(await verify(signed, artifact));
        expectSuccess(await verify(other, otherArtifact));
      });

      it('and refuses it for another artifact', async () => {
        expectRefusal(await verify(signed, otherArtifact), differs);
      });

      it('and refuses it with another key', async () => {
        const mixed = { bundle: signed.bundle, publicKey: other.publicKey };
        expectRefusal(await verify(mixed, artifact), /verifying inclusion: calculated root/);
      });

      it("and refuses it with another log's trusted root", async () => {
        const ended = await verify(signed, artifact, otherLog.trustedRoot);
        expectRefusal(ended, /not enough verified log entries/);
      });

      it.each(TAMPERINGS)('and refuses it with %s', async (_what, words, change) => {
        const bundle = await tamper(signed.bundle, other.bundle, change);
        expectRefusal(await verify({ ...signed, bundle }, artifact), words);
      });
    });
  });

  it("refuses a trusted root that has another log's key under this log's id", async () => {
    const signed = await sign('PKIX_ECDSA_P256_SHA_256', 'message', artifact, 'impostor');
    const read = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as TrustedRoot;
    const [own, foreign] = [await read(log.trustedRoot), await read(otherLog.trustedRoot)];
    own.tlogs[0].publicKey.rawBytes = foreign.tlogs[0].publicKey.rawBytes;
    const file = join(log.folder, 'impostor_root.json');
    await writeFile(file, JSON.stringify(own));

    expectSuccess(await verify(signed, artifact));
    expectRefusal(await verify(signed, artifact, file), /note has no verifiable signatures/);
  });
});
