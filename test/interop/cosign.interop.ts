/**
 * Cosign, with keys in files, the log's trust files as they are served, and no other service.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { ecdsa, rsa } from './signing-keys.js';
import { indexIn, readBundle, tamper, TAMPERINGS } from './tampered-bundle.js';
import { describeWithTools } from './with-tools.js';

const KEYS = [
  ['ECDSA P-256', 'p256', () => ecdsa('P-256')],
  ['RSA 2048', 'rsa', () => rsa(2048)],
] as const;

/** The two things that it signs, and the commands for each. */
const FORMS = [
  ['sign-blob', 'verify-blob', [], [], /failed to verify signature: could not verify message/],
  [
    'attest-blob',
    'verify-blob-attestation',
    ['--predicate', 'predicate.json', '--type', 'custom'],
    ['--type', 'custom'],
    /artifact digests do not match digests in statement/,
  ],
] as const;

describeWithTools(['cosign'], 'cosign', (tools) => {
  let log: ServedLog;

  const cosign = (command: string, ...args: string[]) =>
    run(tools('cosign'), [command, ...args], log.folder, { COSIGN_PASSWORD: '' });
  const sign = async (command: string, key: string, bundle: string, ...args: string[]) => {
    const trust = ['--signing-config', log.signingConfig, '--trusted-root', log.trustedRoot];
    const ended = await cosign(
      command,
      '--yes',
      '--key',
      `${key}.key`,
      '--bundle',
      bundle,
      ...trust,
      ...args,
    );
    expectSuccess(ended);
    return join(log.folder, bundle);
  };
  const verify = (command: string, key: string, bundle: string, ...args: string[]) =>
    cosign(command, '--key', `${key}.pub`, '--bundle', bundle, '--trusted-root', log.trustedRoot, ...args);

  beforeAll(async () => {
    log = await startLog();
    await log.add(3);
    await writeFile(join(log.folder, 'artifact'), 'an artifact');
    await writeFile(join(log.folder, 'other'), 'another artifact');
    await writeFile(join(log.folder, 'predicate.json'), '{"reviewed":true}');
    expectSuccess(await cosign('generate-key-pair', '--output-key-prefix', 'stranger'));
    for (const [, name, generate] of KEYS) {
      await writeFile(join(log.folder, `${name}.pem`), generate());
      expectSuccess(await cosign('import-key-pair', '--key', `${name}.pem`, '--output-key-prefix', name));
    }
  });
  afterAll(() => log.stop());

  describe.each(KEYS)('with a key of %s', (_kind, key) => {
    describe.each(FORMS)('%s', (signing, verifying, about, aboutType, otherFile) => {
      let bundle: string;
      let another: string;
      beforeAll(async () => {
        bundle = await sign(signing, key, `${key}-${signing}.json`, ...about, 'artifact');
        another = await sign(signing, key, `${key}-${signing}-other.json`, ...about, 'other');
      });

      it('logs a hashedrekord at the end of the log', async () => {
        const { verificationMaterial } = await readBundle(another);
        expect(verificationMaterial.tlogEntries).toMatchObject([
          {
            kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
            logIndex: String((await log.size()) - 1),
          },
        ]);
      });

      it(`is accepted by ${verifying}`, async () => {
        expectSuccess(await verify(verifying, key, bundle, ...aboutType, 'artifact'));
        expectSuccess(await verify(verifying, key, another, ...aboutType, 'other'));
      });

      it(`is refused by ${verifying} for another file`, async () => {
        expectRefusal(await verify(verifying, key, bundle, ...aboutType, 'other'), otherFile);
      });

      it(`is refused by ${verifying} with another key`, async () => {
        const ended = await verify(verifying, 'stranger', bundle, ...aboutType, 'artifact');
        expectRefusal(ended, /verifying inclusion: calculated root/);
      });

      it.each(TAMPERINGS)(`is refused by ${verifying} with %s`, async (_what, words, change) => {
        const changed = await tamper(bundle, another, change);
        expectRefusal(await verify(verifying, key, changed, ...aboutType, 'artifact'), words);
      });
    });
  });

  it('does what the README has it do', async () => {
    const folder = join(log.folder, 'readme');
    await mkdir(folder);
    await writeFile(join(folder, 'artifact.txt'), 'an artifact');
    const readme = await readFile(join(process.cwd(), 'README.md'), 'utf8');
    const commands = (/^```sh cosign\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? '')
      .replaceAll('http://127.0.0.1:3000', log.url)
      .replaceAll(/^cosign /gm, `${tools('cosign')} `);
    expect(commands.match(/ verify-blob /g)).toHaveLength(1);
    expectSuccess(await run('/bin/sh', ['-ec', commands], folder, { COSIGN_PASSWORD: '' }));
  });

  it('signs a file with the same RSA key again, which is the same signature and entry', async () => {
    const first = await sign('sign-blob', 'rsa', 'first.json', 'predicate.json');
    const size = await log.size();
    const second = await sign('sign-blob', 'rsa', 'second.json', 'predicate.json');
    expectSuccess(await verify('verify-blob', 'rsa', second, 'predicate.json'));
    expect(await log.size()).toBe(size);
    expect(await indexIn(first)).toBe(size - 1);
    expect(await indexIn(second)).toBe(size - 1);
  });

  it('refuses a bundle with the trusted root of another log', async () => {
    const bundle = await sign('sign-blob', 'stranger', 'stranger.json', 'artifact');
    const other = await startLog();
    try {
      const trusting = (root: string) =>
        cosign(
          'verify-blob',
          '--key',
          'stranger.pub',
          '--bundle',
          bundle,
          '--trusted-root',
          root,
          'artifact',
        );
      expectSuccess(await trusting(log.trustedRoot));
      expectRefusal(await trusting(other.trustedRoot), /not enough verified log entries/);
    } finally {
      await other.stop();
    }
  });
});
