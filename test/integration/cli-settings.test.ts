/**
 * Where the commands that read a log have their settings from, and where they keep things.
 */
import { readdir, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectEnded, jsonOf, startLoggedUser, type LoggedUser } from './cli-support.js';

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
        stderr: /--timeout: "5" is not a duration/,
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
    expectEnded(await somebody.run([...upload, '--format', 'default']), {
      code: 2,
      stderr: /give --public-key/,
    });
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
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /^stele: going on without a cache: .*\nstele: cannot read the checkpoint that was kept: .*\n$/,
    );
    expect((await homeless.run([...info, '--store_tree_state', 'false'])).code).toBe(0);
    const pinless = user.other('pinless', { XDG_CONFIG_HOME: '/dev/null/config' });
    expectEnded(await pinless.run(['trust', '--pin', daemon.url]), {
      code: 2,
      stderr: /^stele: the pins: cannot make the folder \/dev\/null\/config\/stele: not a directory$/m,
    });
  });
});
