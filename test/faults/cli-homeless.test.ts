/**
 * Users without a home folder, as containers have them: commands that need no home work, and others say how to do
 * without.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolder, createTransientFolder } from '#src/node/durable-file.js';
import { STELE } from '../support/daemon.js';
import { expectEnded, startLoggedUser, type Ended, type LoggedUser } from '../support/cli.js';

let logged: LoggedUser;
/** A user without a home: neither the environment nor passwd names one. */
let homeless: (args: readonly string[], more?: Readonly<Record<string, string>>) => Promise<Ended>;

/** A user without an entry in passwd. */
const NOBODY_KNOWN = 54_321;
const MAY_CHANGE_USER = process.getuid?.() === 0;

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user } = logged;
  await mkdir(user.file('public'), { mode: 0o755 });
  homeless = (args, more = {}) =>
    new Promise((resolve) => {
      const options = {
        cwd: user.folder,
        env: { PATH: process.env['PATH'], ...more },
        ...(MAY_CHANGE_USER ? { uid: NOBODY_KNOWN, gid: NOBODY_KNOWN } : {}),
      };
      const child = execFile(process.execPath, [STELE, ...args], options, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      });
    });
  user.openssl('version');
  execFile('chmod', ['-R', 'a+rX', user.folder]);
});

afterAll(() => logged.stop());

const asked = () => ['loginfo', '--rekor_server', logged.daemon.url, '--vkey', logged.daemon.verifierKey];

describe.runIf(MAY_CHANGE_USER)('a user without a home', () => {
  it('verifies a bundle, asks for help, and has no pins', async () => {
    const bundle = ['verify', 'a.txt.sigstore.json', '--artifact', 'a.txt', '--public-key', 'key.pub'];
    const verified = await homeless([...bundle, '--vkey', logged.daemon.verifierKey]);
    expectEnded(verified, { code: 0, stdout: /^Verified$/m });
    expect((await homeless(['help', 'verify'])).code).toBe(0);
    expectEnded(await homeless(bundle), { code: 2, stderr: /the log's key is not known/ });
  });

  it('may not write in a data folder, and is told of which', async () => {
    await mkdir(logged.user.file('of root'), { mode: 0o755 });
    for (const [data, what] of [
      ['of root', 'of root/staging.sqlite cannot be opened'],
      ['of root/data', 'cannot make the folder of root/data'],
    ] as const) {
      expectEnded(await homeless(['serve', '--listen', '127.0.0.1:0', '--data', data]), {
        code: 2,
        stderr: new RegExp(
          `^stele: --data: ${what}: permission denied\\. Give another folder, or let this user write in of root$`,
          'm',
        ),
      });
    }
  });

  it('is told where the newest checkpoint may be remembered, or how not to', async () => {
    const ended = await homeless(asked());
    expect(ended.code).toBe(2);
    expect(ended.stderr).toBe(
      'stele: there is nowhere to remember the newest checkpoint: this user has no home folder. Set HOME or XDG_STATE_HOME, give --state DIR, or remember nothing with --store_tree_state=false\n',
    );
    const without = await homeless([...asked(), '--store_tree_state=false']);
    expect(without.code, without.stderr).toBe(0);
    expect(without.stderr).toBe(
      'stele: going on without a cache: this user has no home folder. Set HOME or XDG_CACHE_HOME for one\n',
    );
  });

  it('is told where a pin may be kept', async () => {
    expectEnded(await homeless(['trust', '--pin', logged.daemon.url]), {
      code: 2,
      stderr:
        /^stele: there is nowhere to keep a pin: this user has no home folder\. Set HOME or XDG_CONFIG_HOME$/m,
    });
  });

  it('whose home cannot be written to is told the same', async () => {
    const ended = await homeless(asked(), { HOME: '/' });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(
      /^stele: going on without a cache: cannot make the folder \/\.cache\/stele\/tiles: permission denied\nstele: cannot keep the newest checkpoint in \/\.local\/\S+: permission denied\. Give another folder with --state \(or XDG_STATE_HOME\), or remember nothing with --store_tree_state=false\n$/,
    );
  });
});

describe.runIf(existsSync('/proc/self'))('a home below /proc, where no folder can be made', () => {
  it.each(['/proc/none', '/proc/none/deep/er'])('%s is found out, and ends', async (home) => {
    const ended = await logged.user
      .other('proc', { HOME: home, XDG_STATE_HOME: '', XDG_CACHE_HOME: '' })
      .run(asked());
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/cannot make the folder \/proc\/none\S+: no such file or directory\n/);
    expect(ended.stderr).toMatch(
      /cannot keep the newest checkpoint in \/proc\/none\S+: no such file or directory\. Give another/,
    );
  });

  it.each([createFolder, createTransientFolder])('%o is refused by the function itself', async (create) => {
    await expect(create('/proc/none/a/b')).rejects.toThrow(/ENOENT/);
    await expect(create('/proc/self/status/a')).rejects.toThrow(/ENOTDIR/);
  });
});

describe('--state', () => {
  it('keeps two logs of one name apart, and is named where they meet', async () => {
    const { user, daemon } = logged;
    const { startDaemon } = await import('../support/daemon.js');
    const other = await startDaemon(user.file('other-data'));
    try {
      const somebody = user.other('two logs');
      const ask = (log: { url: string; verifierKey: string }, ...more: string[]) =>
        somebody.run(['loginfo', '--rekor_server', log.url, '--vkey', log.verifierKey, ...more]);
      expect((await ask(daemon)).code).toBe(0);
      expectEnded(await ask(other), {
        code: 1,
        stderr:
          /was seen with another key before: .*\. Another log of that name is remembered elsewhere with --state DIR, .*\. Both/,
      });
      expect((await ask(other, '--state', 'second')).code).toBe(0);
      expect((await ask(daemon)).code).toBe(0);
      expect(await readdir(user.file('second'))).toStrictEqual(['127.0.0.1.checkpoint']);
    } finally {
      await other.stop();
    }
  });
});
