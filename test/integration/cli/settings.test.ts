/**
 * Where the commands that read a log have their settings from, and where they keep things.
 */
import { readdir, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectEnded, jsonOf, startLoggedUser, type LoggedUser } from '../../support/cli.js';

let logged: LoggedUser;

beforeAll(async () => {
  logged = await startLoggedUser();
});

afterAll(() => logged.stop());

const INFO = /^Verification Successful!$/m;

describe.concurrent('the log and its key', () => {
  it('come from the environment', async () => {
    const { user, daemon } = logged;
    const somebody = user.other('environment');
    const server = { STELE_REKOR_SERVER: daemon.url };
    expectEnded(await somebody.run(['loginfo'], server), { code: 2, stderr: /the log's key is not known/ });
    for (const key of [
      { STELE_VKEY: daemon.verifierKey },
      { STELE_VKEY: 'data/log.vkey' },
      { STELE_TRUSTED_ROOT: 'data/store/trusted_root.json' },
    ]) {
      expectEnded(await somebody.run(['loginfo'], { ...server, ...key }), { code: 0, stdout: INFO });
    }
    const json = await somebody.run(['loginfo'], { STELE_REKOR_SERVER: 'data', STELE_FORMAT: 'json' });
    expect(jsonOf(json)).toMatchObject({ Origin: '127.0.0.1' });
    expectEnded(
      await somebody.run(['loginfo'], { ...server, STELE_VKEY: daemon.verifierKey, STELE_TIMEOUT: '5' }),
      {
        code: 2,
        stderr: /^stele: STELE_TIMEOUT: "5" is not a duration/,
      },
    );
  });

  it('come from a file, which may hold settings of other commands, and flags win over it', async () => {
    const { user, daemon } = logged;
    const somebody = user.other('file');
    const settings = {
      rekor_server: daemon.url,
      vkey: daemon.verifierKey,
      format: 'json',
      retry: 0,
      'batch-age': '1s',
    };
    await user.write('config.json', JSON.stringify(settings));
    expect(jsonOf(await somebody.run(['loginfo', '--config', 'config.json']))).toMatchObject({
      Origin: '127.0.0.1',
    });
    const named = { STELE_CONFIG: 'config.json' };
    expect(jsonOf(await somebody.run(['get', '--log-index', '0'], named))).toMatchObject({ LogIndex: 0 });
    expectEnded(await somebody.run(['loginfo', '--format', 'default'], named), { code: 0, stdout: INFO });
    const nobody = ['loginfo', '--rekor_server', 'http://127.0.0.1:1'];
    expect((await somebody.run(nobody, named)).code).toBe(3);
    expect(
      (await somebody.run(['loginfo'], { ...named, STELE_REKOR_SERVER: 'http://127.0.0.1:1' })).code,
    ).toBe(3);
    // A private key left in a file would sign what nobody meant to sign.
    await user.write('key.json', JSON.stringify({ ...settings, key: 'key.pem' }));
    const upload = ['upload', '--artifact', 'a.txt', '--config', 'key.json'];
    const unsigned = await somebody.run([...upload, '--format', 'default'], { STELE_OUTPUT: 'x' });
    expect(unsigned.code).toBe(2);
    expect(unsigned.stderr).toMatch(
      /^stele: STELE_OUTPUT in the environment is not read: --output is a flag alone\nstele: key in key\.json is not read: --key is a flag alone\nstele: give --public-key/,
    );
    await user.write('wrong.json', '{"rekor-server": "x"}');
    expectEnded(await somebody.run(['loginfo', '--config', 'wrong.json']), {
      code: 2,
      stderr: /it has "rekor-server", which is no setting: did you mean "rekor_server"\?/,
    });
  });

  it('are not those of a data folder that is not the log given', async () => {
    const { user, daemon } = logged;
    const ended = await user.other('stranger').run(['loginfo', '--rekor_server', daemon.url]);
    expectEnded(ended, { code: 2, stderr: /pin a log with stele trust --pin http:/ });
  });
});

describe.concurrent('settings that stand for one another', () => {
  const VERIFY = ['verify', 'a.txt.sigstore.json'];
  const BY_KEY = ['--public-key', 'key.pub'];
  const IDENTITY = ['--certificate-identity', 'x', '--certificate-oidc-issuer', 'y'];
  const DIGEST = 'sha256:e0e41c2f4c1e3e9a8a9b8d8d8b5f0f6d4b7d4b5d9a4d5c3c2b1a0f9e8d7c6b5a';

  it.each([
    [
      'a trusted root, and a verifier key left in the environment',
      ['loginfo', '--trusted-root', 'data/store/trusted_root.json'],
      'vkey',
    ],
    [
      'an artifact, and a digest left there',
      [...VERIFY, ...BY_KEY, '--artifact', 'a.txt'],
      { STELE_ARTIFACT_HASH: DIGEST },
    ],
    [
      'a bundle, and an index, a leaf hash, a signature and a kind left there',
      [...VERIFY, ...BY_KEY, '--artifact', 'a.txt'],
      { STELE_LOG_INDEX: '7', STELE_UUID: 'ff', STELE_SIGNATURE: 'none', STELE_TYPE: 'dsse' },
    ],
    [
      'a key, and an identity left there',
      [...VERIFY, ...BY_KEY, '--artifact', 'a.txt'],
      { STELE_CERTIFICATE_IDENTITY: 'x' },
    ],
    [
      'a private key, and a signature, its key and a kind left there',
      ['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'left.json'],
      { STELE_SIGNATURE: 'none', STELE_PUBLIC_KEY: 'none', STELE_ARTIFACT_HASH: 'x', STELE_TYPE: 'dsse' },
    ],
    ['an index, and a leaf hash left there', ['get', '--log-index', '0'], { STELE_UUID: 'ff'.repeat(32) }],
    ['a folder, and a URL left there', ['fsck', 'data'], { STELE_REKOR_SERVER: 'http://127.0.0.1:1' }],
  ] as const)('%s: the flag alone counts', async (_what, args, left) => {
    const { user } = logged;
    const [foreign = ''] = (
      await user.run(['keygen', '--origin', '127.0.0.1', '--key', `${_what}.key`])
    ).stdout.split('\n');
    const ended = await user.run(args, left === 'vkey' ? { STELE_VKEY: foreign } : left);
    expect(ended.code, ended.stderr).toBe(0);
  });

  it('are named by where they come from, where none is stronger', async () => {
    const { user } = logged;
    await user.write('both.json', JSON.stringify({ artifact: 'a.txt', 'artifact-hash': DIGEST }));
    for (const [args, environment, stderr] of [
      [
        VERIFY,
        { STELE_ARTIFACT: 'a.txt', STELE_ARTIFACT_HASH: 'x' },
        /^stele: STELE_ARTIFACT and STELE_ARTIFACT_HASH stand for one another: give one of them$/m,
      ],
      [
        [...VERIFY, '--config', 'both.json'],
        {},
        /^stele: artifact in both\.json and artifact-hash in both\.json stand for one another/,
      ],
      [
        [...VERIFY, ...BY_KEY, ...IDENTITY],
        {},
        /^stele: --public-key and --certificate-identity stand for one another/,
      ],
      [
        [...VERIFY, ...IDENTITY],
        { STELE_PUBLIC_KEY: 'none' },
        /^stele: --certificate-identity needs --trusted-root/,
      ],
      [
        VERIFY,
        { STELE_PUBLIC_KEY: 'none' },
        /^stele: STELE_PUBLIC_KEY: cannot read none: no such file or directory$/m,
      ],
    ] as const) {
      expectEnded(await user.run(args, environment), { code: 2, stderr });
    }
  });

  it('that are none in the environment are named, and hold nothing up', async () => {
    const { user } = logged;
    const ended = await user.run(['loginfo'], {
      STELE_REKOR_SERVR: 'x',
      // Other commands read it: loginfo has no such setting.
      STELE_KEY: 'x',
      STELE_REBUILD: '1',
      STELE_OTHER_PROGRAM_7: 'x',
    });
    expect(ended.code).toBe(0);
    expect(ended.stderr.split('\n').sort()).toStrictEqual([
      '',
      'stele: STELE_OTHER_PROGRAM_7 in the environment is no setting, and is not read',
      'stele: STELE_REBUILD in the environment is not read: --rebuild is a flag alone',
      'stele: STELE_REKOR_SERVR in the environment is no setting, and is not read: did you mean STELE_REKOR_SERVER?',
    ]);
  });
});

describe.concurrent('what is kept', () => {
  it('is in the folders of XDG, or in those below HOME', async () => {
    const { user, daemon } = logged;
    const home = user.file('plain');
    const plain = user.other('plain', {
      HOME: home,
      XDG_CONFIG_HOME: '',
      XDG_STATE_HOME: 'not/absolute',
      XDG_CACHE_HOME: '',
    });
    expect((await plain.run(['trust', '--pin', daemon.url])).code).toBe(0);
    expect((await plain.run(['loginfo'])).code).toBe(0);
    expect(await readdir(`${home}/.config/stele`)).toHaveLength(1);
    expect(await readdir(`${home}/.local/state/stele/heads`)).toStrictEqual(['127.0.0.1.checkpoint']);
    // Nobody else need know which logs someone uses.
    expect((await stat(`${home}/.config/stele`)).mode & 0o077).toBe(0);
  });

  it('may have no place: what cannot be remembered is said, what can be fetched again is not needed', async () => {
    const { user, daemon } = logged;
    const homeless = user.other('homeless', {
      XDG_STATE_HOME: '/dev/null/state',
      XDG_CACHE_HOME: '/dev/null/cache',
    });
    const info = ['loginfo', '--rekor_server', daemon.url, '--vkey', daemon.verifierKey];
    const ended = await homeless.run(info);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(
      /^stele: going on without a cache: .*\nstele: cannot read the checkpoint that was kept in \/dev\/null\/state\/\S+: not a directory\. Give another folder .*\n$/,
    );
    expect((await homeless.run([...info, '--store_tree_state', 'false'])).code).toBe(0);
    const pinless = user.other('pinless', { XDG_CONFIG_HOME: '/dev/null/config' });
    expectEnded(await pinless.run(['trust', '--pin', daemon.url]), {
      code: 2,
      stderr: /^stele: the pins: cannot make the folder \/dev\/null\/config\/stele: not a directory$/m,
    });
  });
});
