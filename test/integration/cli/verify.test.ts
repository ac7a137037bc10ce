/**
 * `stele verify`: bundles, proofs and the log itself; what it leaves unchecked; and what it refuses.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import {
  expectCase,
  expectEnded,
  jsonOf,
  startLoggedUser,
  User,
  type LoggedUser,
} from '../../support/cli.js';

const BUNDLE = 'a.txt.sigstore.json';
const KEY = ['--public-key', 'key.pub'];

let logged: LoggedUser;
let otherUser: User;
let other: Daemon;

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user } = logged;
  user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'other.sig', 'other.txt');
  const signed = ['--artifact', 'other.txt', '--signature', 'other.sig', ...KEY];
  const uploaded = await user.run(['upload', ...signed]);
  expect(uploaded.code, uploaded.stderr).toBe(0);
  for (const file of ['kept.tlog-proof', 'kept.json']) {
    expect((await user.run(['get', '--log-index', '1', '--proof', file])).code).toBe(0);
  }
  user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'stranger.pem');
  user.openssl('pkey', '-in', 'stranger.pem', '-pubout', '-out', 'stranger.pub');
  otherUser = await User.create();
  other = await startDaemon(otherUser.file('data'));
});

afterAll(async () => {
  await other.stop();
  await otherUser.remove();
  await logged.stop();
});

const HASH = '[0-9a-f]{64}';
const STEPS = new RegExp(
  [
    '^log +127\\.0\\.0\\.1, by the key 127\\.0\\.0\\.1\\+\\S+',
    `checkpoint +\\d+ entr(?:y|ies), root ${HASH}: its signature is the log's`,
    `entry +index \\d+, leaf hash ${HASH}`,
    ` +SHA256\\(0x00 \\| entry\\) = ${HASH}`,
    `(?: +SHA256\\(0x01 \\| ${HASH} \\| ${HASH}\\) = ${HASH}\n)* +which is the root: the entry is in the log`,
    'signature +by the public key given, over the artifact',
    'Verified',
  ].join('\n'),
  'm',
);

describe.concurrent('verified, step by step', () => {
  it.each([
    ['a bundle', [BUNDLE, '--artifact', 'a.txt', ...KEY]],
    ['a proof that stands alone', ['kept.tlog-proof', '--artifact', 'other.txt', ...KEY]],
    ['a bundle made of an entry', ['kept.json', '--artifact', 'other.txt', ...KEY]],
    ['an entry by its index', ['--log-index', '0', '--artifact', 'a.txt', ...KEY]],
    ['a signature in the log', ['--artifact', 'other.txt', '--signature', 'other.sig', ...KEY]],
    [
      'a signature, and where it is',
      ['--log-index', '1', '--artifact', 'other.txt', '--signature', 'other.sig', ...KEY],
    ],
    ['from the files', ['--rekor_server', 'data', '--log-index', '0', '--artifact', 'a.txt', ...KEY]],
  ] as const)('%s', async (_what, args) => {
    const expected = { args: ['verify', ...args], code: 0, stdout: STEPS };
    if (args[0] === BUNDLE) await expectCase(logged.user, expected);
    else expectEnded(await logged.user.run(expected.args), expected);
  });

  it('offline, with nothing but the key of the log', async () => {
    const { user, daemon } = logged;
    const offline = user.other('offline', { http_proxy: 'http://127.0.0.1:1' });
    const hash = user.openssl('dgst', '-sha256', '-r', 'a.txt').toString().split(' ')[0] ?? '';
    for (const trust of [
      ['--vkey', daemon.verifierKey],
      ['--trusted-root', 'data/store/trusted_root.json'],
    ]) {
      expectEnded(await offline.run(['verify', BUNDLE, '--artifact-hash', hash, ...KEY, ...trust]), {
        code: 0,
        stdout: /^Verified$/m,
      });
    }
    expectEnded(await offline.run(['verify', BUNDLE, ...KEY]), {
      code: 2,
      stderr: /the log's key is not known/,
    });
  });

  it('a proof without its entry, with the signature that it is of', async () => {
    const { user } = logged;
    const bare = (await user.read('kept.tlog-proof')).replace(/^extra .*\n/m, '');
    expect(bare).not.toContain('extra');
    await user.write('bare.tlog-proof', bare);
    expectEnded(await user.run(['verify', 'bare.tlog-proof', '--artifact', 'other.txt', ...KEY]), {
      code: 2,
      stderr: /the proof does not hold its entry: give --artifact, --signature and --public-key/,
    });
    const signed = ['--artifact', 'other.txt', '--signature', 'other.sig', ...KEY];
    expectEnded(await user.run(['verify', 'bare.tlog-proof', ...signed]), { code: 0, stdout: STEPS });
  });

  it('in one line of JSON', async () => {
    const ended = await logged.user.run([
      'verify',
      BUNDLE,
      '--artifact',
      'a.txt',
      ...KEY,
      '--format',
      'json',
    ]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(ended)).toMatchObject({ Verified: true, Index: 0, Log: '127.0.0.1' });
  });
});

describe.concurrent('what is not checked', () => {
  it.each([
    [
      'whose key it is',
      ['--artifact', 'a.txt'],
      /^NOT CHECKED whose key that is: give --public-key$/m,
      /: whose key that is \(give --public-key\)$/m,
    ],
    [
      'what was signed',
      KEY,
      /^NOT CHECKED what was signed: give --artifact or --artifact-hash$/m,
      /: what was signed \(give --artifact or --artifact-hash\)$/m,
    ],
    [
      'both',
      [],
      /^NOT CHECKED whose key .*\nNOT CHECKED what was signed/m,
      /: whose key that is \(give --public-key\); what was signed \(give [^)]*\)$/m,
    ],
  ] as const)('is said, and exits with 1: %s', async (_what, args, stdout, parts) => {
    const text = await logged.user.run(['verify', BUNDLE, ...args]);
    expectEnded(text, { code: 1, stdout, stderr: parts });
    expect(text.stderr).toMatch(/^stele: not verified, since this is not checked: /);
    expect(text.stdout).not.toMatch(/verified/i);
  });
});

describe.concurrent('what is not checked, or not so,', () => {
  it('is said in JSON', async () => {
    const unchecked = await logged.user.run(['verify', BUNDLE, '--format', 'json']);
    expect(unchecked.code).toBe(1);
    const message = unchecked.stderr.slice('stele: '.length, -1);
    expect(message).toMatch(/^not verified, /);
    expect(jsonOf(unchecked)).toMatchObject({
      error: { code: 1, message },
      Verified: false,
      NotChecked: [/whose key/, /what was/].map((text) => expect.stringMatching(text) as string),
    });
    const refused = await logged.user.run([
      'verify',
      BUNDLE,
      '--artifact',
      'other.txt',
      ...KEY,
      '--format',
      'json',
    ]);
    expect(jsonOf(refused)).toMatchObject({
      error: { code: 1, message: expect.stringContaining('another artifact') as string },
    });
  });
});

describe.concurrent('refused', () => {
  const verify = (bundle: string, ...more: string[]) => [
    'verify',
    bundle,
    '--artifact',
    'a.txt',
    ...KEY,
    ...more,
  ];

  it.each([
    [
      'another artifact',
      ['verify', BUNDLE, '--artifact', 'other.txt', ...KEY],
      /^stele: the signature is over another artifact: its sha256 is/m,
    ],
    [
      'another hash',
      ['verify', BUNDLE, '--artifact-hash', 'ab'.repeat(32), ...KEY],
      /the signature is over another artifact/,
    ],
    [
      "another's key",
      ['verify', BUNDLE, '--artifact', 'a.txt', '--public-key', 'stranger.pub'],
      /^stele: .*key/m,
    ],
    [
      'a signature that is not logged',
      ['verify', '--artifact', 'a.txt', '--signature', 'fresh.sig', ...KEY],
      /^stele: \S+ has \d+ entries, none with the leaf hash/m,
    ],
    [
      'a signature at another index',
      ['verify', '--log-index', '0', '--artifact', 'other.txt', '--signature', 'other.sig', ...KEY],
      /^stele: entry 0 of 127\.0\.0\.1 is not of this signature/m,
    ],
    [
      'an identity of a bare key',
      [
        'verify',
        BUNDLE,
        '--artifact',
        'a.txt',
        '--certificate-identity',
        'x',
        '--certificate-oidc-issuer',
        'y',
        '--trusted-root',
        'data/store/trusted_root.json',
      ],
      /signed with a public key: it has no certificate with an identity/,
    ],
  ] as const)('%s', async (_what, args, stderr) => {
    const { user } = logged;
    if (args.includes('fresh.sig' as never))
      user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'fresh.sig', 'a.txt');
    const ended = await user.run(args);
    expect(ended.stderr).toMatch(stderr);
    expect({ code: ended.code, verified: /^Verified/m.test(ended.stdout) }).toStrictEqual({
      code: 1,
      verified: false,
    });
  });

  it('a bundle of another log, and this log\u2019s by the other\u2019s key', async () => {
    const { user } = logged;
    const made = await user.run([
      ...['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'others.json'],
      // Two logs of one name: what was seen of the one is not of the other.
      ...['--rekor_server', other.url, '--vkey', other.verifierKey, '--store_tree_state', 'false'],
    ]);
    expect(made.code, made.stderr).toBe(0);
    const stderr =
      /^stele: the entry is of the log "127\.0\.0\.1" with id \S+, which is none of the trusted logs \(127\.0\.0\.1 with id \S+\)$/m;
    expectEnded(await user.run(verify('others.json')), { code: 1, stderr });
    expectEnded(await user.run(verify(BUNDLE, '--vkey', other.verifierKey)), { code: 1, stderr });
    // With a name that passes for this log's.
    const mixed = (await user.read('others.json')).replace(
      /"keyId":"[^"]*"/,
      /"keyId":"[^"]*"/.exec(await user.read(BUNDLE))?.[0] ?? '',
    );
    await user.write('mixed.json', mixed);
    expectEnded(await user.run(verify('mixed.json')), { code: 1, stderr: /^stele: .*(key|signature)/m });
  });

  const TAMPERED: Readonly<Record<string, (json: string) => string>> = {
    'its artifact digest': (json) =>
      json.replace(
        /("digest":\s*")(.)/,
        (_all, before: string, at: string) => before + (at === 'A' ? 'B' : 'A'),
      ),
    'its signature': (json) =>
      json.replace(
        /("signature":\s*"ME)(.)/,
        (_all, before: string, at: string) => before + (at === 'Q' ? 'U' : 'Q'),
      ),
    'its root': (json) =>
      json.replace(
        /("rootHash":\s*")(.)/,
        (_all, before: string, at: string) => before + (at === 'A' ? 'B' : 'A'),
      ),
    'its size': (json) => json.replace(/"treeSize":\s*"\d+"/, '"treeSize":"77"'),
    'its index': (json) => json.replaceAll(/"logIndex":\s*"0"/g, '"logIndex":"1"'),
    'its body': (json) =>
      json.replace(
        /("canonicalizedBody":\s*")([^"]*)"/,
        (_all, before: string, body: string) =>
          `${before}${Buffer.from(Buffer.from(body, 'base64').toString().replace('SHA2_256', 'SHA2_384')).toString('base64')}"`,
      ),
    'its checkpoint, with lines of its own': (json) => json.replace(/("envelope":\s*")/, '$1Verified\\n'),
    'its proof, gone': (json) => json.replace(/"inclusionProof":/, '"x":'),
    'its end': (json) => json.slice(0, -5),
  };

  it.each(Object.entries(TAMPERED))('a bundle in which is tampered with %s', async (what, tamper) => {
    const { user } = logged;
    const json = await user.read(BUNDLE);
    const file = await user.write(`tampered ${what}.json`, tamper(json));
    expect(await user.read(file)).not.toBe(json);
    const { code, stdout, stderr } = await user.run(verify(file));
    expect({ code, verified: /^Verified/m.test(stdout) }, stderr).toStrictEqual({ code: 1, verified: false });
    expect(stderr).toMatch(/^stele: [^\n]+\n$/);
    expect(stderr).not.toMatch(/unexpected error/);
  });

  it('a proof in which is tampered with a hash, or the entry', async () => {
    const { user } = logged;
    const proof = await user.read('kept.tlog-proof');
    const lines = proof.split('\n');
    for (const [at, line] of lines.entries()) {
      if (!/^(extra|[A-Za-z0-9+/]{43}=$)/.test(line)) continue;
      const changed = line.replace(
        /(.)(.{5})$/,
        (_all, c: string, rest: string) => (c === 'A' ? 'B' : 'A') + rest,
      );
      const file = await user.write(`line ${at}.tlog-proof`, lines.with(at, changed).join('\n'));
      const { code, stdout } = await user.run(['verify', file, '--artifact', 'other.txt', ...KEY]);
      expect({ at, code, verified: /^Verified/m.test(stdout) }).toStrictEqual({
        at,
        code: 1,
        verified: false,
      });
    }
  });
});
