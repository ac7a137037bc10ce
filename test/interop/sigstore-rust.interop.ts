/**
 * Sigstore-rust verifies what `stele upload --key` signs: bundles with a bare key. With certificates it signs too, in
 * `keyless.interop.ts`.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon } from '../support/daemon.js';
import { startLoggedUser, type LoggedUser } from '../support/cli.js';
import { expectRefusal, expectSuccess, run } from './program.js';
import { tamper, TAMPERINGS } from './tampered-bundle.js';
import { describeWithTools } from './with-tools.js';

const BUNDLE = 'other.txt.sigstore.json';
/** Of the log's first entry, whose proof has no hashes. */
const FIRST = 'a.txt.sigstore.json';

/** How it refuses what was tampered with. It goes by the checkpoint's key hint, and looks at no log id beside it. */
const REFUSES: Readonly<Record<string, RegExp>> = {
  'no log entry': /^Bundle error: /,
  'no inclusion proof': /bundle must have an inclusion proof/,
  'a changed hash in the inclusion proof': /^invalid inclusion proof: .*root hash mismatch/,
  "another artifact's entry, with its proof":
    /^artifact mismatch: artifact hash mismatch for hashedrekord entry/,
  'a changed root in the checkpoint': /^invalid inclusion proof: .*root hash mismatch/,
  "a changed signature of the log's": /^invalid checkpoint: No valid Rekor signature found on checkpoint/,
  "another signature of the signer's": /^invalid signature: /,
};

describeWithTools(['sigstore-rust'], 'sigstore-rust', (tools) => {
  let logged: LoggedUser;

  beforeAll(async () => {
    logged = await startLoggedUser();
    const uploaded = await logged.user.run(['upload', '--key', 'key.pem', '--artifact', 'other.txt']);
    expect(uploaded.code, uploaded.stderr).toBe(0);
    const trust = await logged.user.run(['trust', 'data']);
    expect(trust.code, trust.stderr).toBe(0);
  });
  afterAll(() => logged.stop());

  const verify = (bundle: string, { artifact = 'other.txt', publicKey = 'key.pub', root = '.' } = {}) =>
    run(
      tools('sigstore-rust'),
      [
        ...['verify', '--trusted-root', join(root, 'trusted_root.json'), '--public-key', publicKey],
        ...['--bundle', bundle, '--artifact', artifact],
      ],
      logged.user.folder,
    );

  it('verifies a bundle with a bare key', async () => {
    expect(expectSuccess(await verify(BUNDLE))).toBe('Verified\n');
    expect(expectSuccess(await verify(FIRST, { artifact: 'a.txt' }))).toBe('Verified\n');
  });

  it('refuses it for another artifact, with another key, and of another log', async () => {
    const { user } = logged;
    expectRefusal(await verify(BUNDLE, { artifact: 'a.txt' }), /^artifact mismatch: /);
    user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'wrong.pem');
    user.openssl('pkey', '-in', 'wrong.pem', '-pubout', '-out', 'wrong.pub');
    expectRefusal(await verify(BUNDLE, { publicKey: 'wrong.pub' }), /signature/i);
    const other = await startDaemon(user.file('other-data'));
    await other.stop();
    const trust = await user.run(['trust', 'other-data', '--output', 'other']);
    expect(trust.code, trust.stderr).toBe(0);
    expectRefusal(await verify(BUNDLE, { root: 'other' }), /No matching Rekor key/);
  });

  it.each(Object.entries(REFUSES))('refuses it with %s', async (what, words) => {
    const { user } = logged;
    const [, , change] = TAMPERINGS.find(([name]) => name === what) ?? [];
    if (change === undefined) throw new Error(`there is no such tampering: ${what}`);
    expectRefusal(await verify(await tamper(user.file(BUNDLE), user.file(FIRST), change)), words);
  });
});
