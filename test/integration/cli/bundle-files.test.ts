/**
 * `stele verify` of files as registries and their clients ship them, and of files that some editors write.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attestationOf,
  CONFORMANCE_IDENTITY,
  productionTrustedRoot,
  type EnvelopeBundle,
} from '../../support/public-bundles.js';
import { describeWithVectors, readVectorText, VECTORS } from '../../support/vectors.js';
import { expectEnded, jsonOf, startLoggedUser, User, type LoggedUser } from '../../support/cli.js';

let logged: LoggedUser;
/** The same artifact, signed by another's key too. */
let own: string;
let strangers: string;

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user } = logged;
  user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'stranger.pem');
  const signing = ['upload', '--key', 'stranger.pem', '--artifact', 'a.txt', '--output', 'strangers.json'];
  const uploaded = await user.run(signing);
  expect(uploaded.code, uploaded.stderr).toBe(0);
  expect((await user.run(['get', '--log-index', '0', '--proof', 'kept.tlog-proof'])).code).toBe(0);
  [own, strangers] = [
    (await user.read('a.txt.sigstore.json')).trim(),
    (await user.read('strangers.json')).trim(),
  ];
  await user.write('two.jsonl', `${strangers}\n${own}\n`);
});

afterAll(() => logged.stop());

const SIGNED = ['--artifact', 'a.txt', '--public-key', 'key.pub'];

describe.concurrent('several bundles', () => {
  it('are verified each, and one that is good suffices', async () => {
    expectEnded(await logged.user.run(['verify', 'two.jsonl', ...SIGNED]), {
      code: 0,
      stdout:
        /^bundle +line 1\nREFUSED [^\n]*key[^\n]*\nbundle +line 2\nlog +127\.0\.0\.1,[^]*\nsignature +by the public key given, over the artifact\nVerified\nVerified: 1 of 2 bundles: line 2\n$/,
    });
  });

  it('are said in JSON, each', async () => {
    const ended = await logged.user.run(['verify', 'two.jsonl', ...SIGNED, '--format', 'json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(ended)).toMatchObject({
      Verified: true,
      Bundles: [
        { Bundle: 'line 1', Verified: false, Refused: expect.stringMatching(/key/) as string },
        { Bundle: 'line 2', Verified: true, Index: 0, Log: '127.0.0.1' },
      ],
    });
  });

  it('of which none is good are refused, with reasons', async () => {
    const ended = await logged.user.run(['verify', 'two.jsonl', '--artifact', 'other.txt']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^stele: none of the 2 bundles is verified: the output says of each why\n$/);
    expect(ended.stdout).not.toMatch(/verified/i);
    expect(ended.stdout).toMatch(
      /^bundle +line 1\n[^]*^REFUSED the signature is over another artifact[^\n]*\nbundle +line 2\n[^]*^REFUSED [^\n]*\n$/m,
    );
  });

  it('of which none is good are said in JSON, each', async () => {
    const args = ['verify', 'two.jsonl', '--artifact', 'other.txt', '--format', 'json'];
    const ended = await logged.user.run(args);
    const message = 'none of the 2 bundles is verified: the output says of each why';
    expect(ended).toMatchObject({ code: 1, stderr: `stele: ${message}\n` });
    const refused = expect.stringMatching(/^the signature is over another artifact/) as string;
    expect(jsonOf(ended)).toStrictEqual({
      Verified: false,
      Bundles: ['line 1', 'line 2'].map((name) => ({ Bundle: name, Verified: false, Refused: refused })),
      error: { code: 1, message },
    });
  });

  it('of which nobody says enough are not called verified', async () => {
    const ended = await logged.user.run(['verify', 'two.jsonl', '--artifact', 'a.txt']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^stele: none of the 2 bundles is verified: [^\n]*\n$/);
    expect(ended.stdout).toMatch(/^NOT CHECKED whose key that is/m);
    expect(ended.stdout).not.toMatch(/verified/i);
  });

  it.each([
    [
      'is none',
      '{"mediaType":"text/plain"}',
      /^stele: broken \d+\.jsonl: line 2: bundle: verificationMaterial is missing\n$/,
    ],
    ['is cut off', '{"mediaType":', /^stele: broken \d+\.jsonl: line 2 is not JSON: [^\n]*\n$/],
  ])('of which one %s are not read in part', async (_, broken, stderr) => {
    const file = await logged.user.write(`broken ${broken.length}.jsonl`, `${own}\n${broken}\n`);
    expectEnded(await logged.user.run(['verify', file, ...SIGNED]), { code: 1, stderr });
  });

  it('may be in a list, as npm has them', async () => {
    const bundles = [strangers, own].map((text) => ({
      predicateType: 'x',
      bundle: JSON.parse(text) as object,
    }));
    const file = await logged.user.write('npm.json', JSON.stringify({ attestations: bundles }, null, 2));
    expectEnded(await logged.user.run(['verify', file, ...SIGNED]), {
      code: 0,
      stdout: /\nVerified: 1 of 2 bundles: attestations\[1\]\n$/,
    });
    const one = await logged.user.write('npm1.json', JSON.stringify({ attestations: bundles.slice(1) }));
    expectEnded(await logged.user.run(['verify', one, ...SIGNED]), {
      code: 0,
      stdout: /artifact\nVerified\n$/,
    });
  });
});

describe.concurrent('a file', () => {
  const UTF16 = 'is UTF-16, as > of Windows PowerShell writes it: save it as UTF-8 without a byte order mark';
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each([
    ['BUNDLE', 'bundle', (file: string) => [file, ...SIGNED]],
    ['BUNDLE', 'proof', (file: string) => [file, ...SIGNED]],
    [
      '--public-key',
      'key',
      (file: string) => ['a.txt.sigstore.json', '--artifact', 'a.txt', '--public-key', file],
    ],
    ['--vkey', 'vkey', (file: string) => ['a.txt.sigstore.json', ...SIGNED, '--vkey', file]],
    ['--trusted-root', 'root', (file: string) => ['a.txt.sigstore.json', ...SIGNED, '--trusted-root', file]],
  ])('in UTF-16 is named: %s, the %s', async (what, name, args) => {
    const { user } = logged;
    const source = {
      bundle: 'a.txt.sigstore.json',
      proof: 'kept.tlog-proof',
      key: 'key.pub',
      vkey: 'data/log.vkey',
      root: 'data/store/trusted_root.json',
    }[name as 'bundle'];
    const file = await user.write(`utf16 ${name}`, utf16(await user.read(source)));
    expectEnded(await user.run(['verify', ...args(file)]), {
      code: 2,
      stderr: new RegExp(`^stele: ${what}: utf16 ${name} ${UTF16}\n$`),
    });
  });

  it.each(['a.txt.sigstore.json', 'kept.tlog-proof'])(
    'with a byte order mark is named: %s',
    async (source) => {
      const { user } = logged;
      const file = await user.write(`bom ${source}`, `\ufeff${await user.read(source)}`);
      expectEnded(await user.run(['verify', file, ...SIGNED]), {
        code: 2,
        stderr:
          /^stele: bom \S+ begins with a byte order mark, as Windows programs write it: save it as UTF-8 without/,
      });
    },
  );

  it('whose mark does no harm is read', async () => {
    const { user } = logged;
    for (const [file, source] of [
      ['bom.pub', 'key.pub'],
      ['bom.vkey', 'data/log.vkey'],
    ] as const)
      await user.write(file, `\ufeff${await user.read(source)}`);
    const trust = ['--artifact', 'a.txt', '--public-key', 'bom.pub', '--vkey', 'bom.vkey'];
    expectEnded(await user.run(['verify', 'a.txt.sigstore.json', ...trust]), {
      code: 0,
      stdout: /^Verified$/m,
    });
  });

  it('without an end is not read to it', async () => {
    expectEnded(await logged.user.run(['verify', '/dev/zero', ...SIGNED]), {
      code: 2,
      stderr: /^stele: BUNDLE: cannot read \/dev\/zero: it is over 64 MiB\n$/,
    });
  });

  it('from a pipe is read', async () => {
    const line = `stele verify <(cat two.jsonl) ${SIGNED.join(' ')} --trusted-root <(cat data/store/trusted_root.json)`;
    expectEnded(await logged.user.shell(line), { code: 0, stdout: /^Verified: 1 of 2 bundles: line 2$/m });
  });
});

describeWithVectors('what a certificate has signed', () => {
  let user: User;

  beforeAll(async () => {
    user = await User.create();
    await user.write('production.json', productionTrustedRoot());
    const lab = readVectorText('trust', 'with-tsa-ca', 'trusted_root.json');
    const lines = [lab, await user.read('production.json')].map((text) => JSON.stringify(JSON.parse(text)));
    await user.write('trusted_root.jsonl', `${lines.join('\n')}\n`);
    const bundle = readVectorText('bundles', 'happy-path-intoto-in-dsse-v3', 'bundle.sigstore.json');
    const attestation = attestationOf(JSON.parse(bundle) as EnvelopeBundle);
    await user.write('a.publish.attestation', JSON.stringify(attestation));
    const bundles = [{ publisher: { kind: 'GitHub' }, attestations: [attestation] }];
    await user.write('a.provenance', JSON.stringify({ version: 1, attestation_bundles: bundles }));
    await user.write('other', 'another artifact\n');
  });

  afterAll(() => user.remove());

  const { identity, issuer } = CONFORMANCE_IDENTITY;
  const by = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
  const artifact = join(VECTORS, 'bundles', 'a.txt');

  it.concurrent.each([
    ['a.publish.attestation', 'production.json', []],
    ['a.provenance', 'trusted_root.jsonl', []],
    ['a.provenance', 'production.json', ['--artifact', 'other']],
    ['a.provenance', 'production.json', ['--certificate-identity', 'x@example.com']],
  ])('is verified as PyPI has it: %s, by %s; and not with %j', async (file, root, other) => {
    const words = ['--artifact', artifact, ...by];
    const [option = '', value = ''] = other;
    // An option that is given twice would be refused: put the other value where the right one is.
    if (option !== '') words[words.indexOf(option) + 1] = value;
    expectEnded(
      await user.run(['verify', file, '--trusted-root', root, ...words]),
      other.length === 0
        ? { code: 0, stdout: /vouched for by [^\n]*, over the artifact\nVerified\n$/ }
        : { code: 1, stdout: /REFUSED\n$/, stderr: /is not about the artifact|not of x@example\.com/ },
    );
  });

  it('is verified by authorities and logs that come through one pipe', async () => {
    const words = ['stele verify a.provenance', '--artifact', artifact, ...by];
    const verified = await user.shell(`${words.join(' ')} --trusted-root <(cat production.json)`);
    expectEnded(verified, { code: 0, stdout: /^Verified$/m });
  });
});
