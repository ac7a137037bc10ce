/**
 * Starts on folders that cannot hold a log: each is refused by name, says what to do, and leaves nothing behind.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '#cli/commands/serve/store.js';
import { STELE } from '../support/daemon.js';
import { describeWithProgram } from '../support/program.js';
import { expectMessage, type Ended } from '../support/refused-start.js';

/** A user who owns nothing, to run the command where the tests run as root: permissions do not bind root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'stele-folder-'));
  await chmod(parent, 0o755);
});

afterAll(() => rm(parent, { recursive: true, force: true }));

/** A folder for a test, owned by the user that runs the command in it. */
async function newFolder(name: string): Promise<string> {
  const folder = join(parent, name);
  await mkdir(folder);
  if (isRoot) await chown(folder, NOBODY, NOBODY);
  return folder;
}

function run(command: string, args: readonly string[], asNobody: boolean): Promise<Ended> {
  const user = asNobody && isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const env = { PATH: process.env['PATH'], HOME: parent };
  return new Promise((resolve) => {
    const options = { env, cwd: parent, timeout: 30_000, killSignal: 'SIGKILL' as const, ...user };
    const child = execFile(command, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

const SERVE = [STELE, 'serve', '--listen', '127.0.0.1:0', '--log-level', 'silent'];

/** Runs `stele serve` as a user whom permissions bind. Returns the refusal. */
async function refused(code: 1 | 2, ...args: readonly string[]): Promise<string> {
  const ended = await run(process.execPath, [...SERVE, ...args], true);
  expect(ended.code, ended.stdout + ended.stderr).toBe(code);
  return expectMessage(ended.stderr);
}

const isLinux = process.platform === 'linux';

describe('a store in a folder', () => {
  it('that others own', async () => {
    const data = await newFolder('others');
    const store = join(data, 'store');
    await mkdir(store, { mode: 0o555 });
    expect(await refused(1, '--data', data)).toMatch(
      /^\S+store cannot hold a log: a file cannot be written there: EACCES.*\. Give the user that runs the writer the right to read and write there$/,
    );
    expect(await readdir(store)).toStrictEqual([]);
  });

  it('that cannot be made', async () => {
    const data = await newFolder('unmade');
    const above = join(data, 'above');
    await mkdir(above, { mode: 0o555 });
    expect(await refused(1, '--data', data, '--store', `file:${above}/a/b`)).toMatch(
      /^\S+above\/a\/b cannot hold a log: it cannot be made: EACCES/,
    );
  });

  it('that is there, in a folder that the writer may not read', async () => {
    const above = join(parent, 'unread');
    await mkdir(above, { mode: 0o711 });
    await chmod(above, 0o711);
    const store = await newFolder('unread/store');
    const data = await newFolder('beside-unread');
    // The store is accepted, and the start fails at the next wrong thing.
    const args = ['--data', data, '--store', `file:${store}`, '--key', join(data, 'none.pem')];
    expect(await refused(2, ...args)).toMatch(/^there is no key file /);
    expect(await readdir(store)).toStrictEqual([]);
  });

  describeWithProgram({ names: ['strace'], variable: 'STELE_STRACE' }, 'where strace is', (strace) => {
    it('on a file system without hard links', async () => {
      const data = await newFolder('no-links');
      const inject = ['-f', '-qq', '-e', 'trace=link,linkat', '-e', 'inject=link,linkat:error=EPERM'];
      const output = ['-o', '/dev/null', process.execPath];
      const args = [...inject, ...output, ...SERVE, '--data', data, '--store', `file:${data}/store/log`];
      const ended = await run(strace, args, false);
      expect(ended.code, ended.stdout + ended.stderr).toBe(1);
      expect(expectMessage(ended.stderr)).toMatch(
        /^\S+store\/log cannot hold a log: its file system makes no hard links: EPERM.*\. Give --store a folder on a local file system such as ext4, XFS, Btrfs or ZFS$/,
      );
      expect(await readdir(data)).not.toContain('store');
    });
  });

  /** Runs `stele serve` with a file system mounted on a folder. The last line of output lists the files left there. */
  async function onMount(name: string, options: string, fill: string): Promise<Ended & { left: string }> {
    const data = join(parent, `mount-${name}`);
    const mounted = join(data, 'mounted');
    await mkdir(mounted, { recursive: true });
    const script = [
      `mount -t tmpfs ${options} none ${mounted} || exit 99`,
      fill.replaceAll('MOUNTED', mounted),
      `"$@" --data ${data} --store file:${mounted}; code=$?`,
      `echo left: $(ls -A ${mounted}); exit $code`,
    ].join('\n');
    const ended = await run(
      'unshare',
      ['--mount', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, ...SERVE],
      false,
    );
    return { ...ended, left: /^left: ?(.*)$/m.exec(ended.stdout)?.[1] ?? '?' };
  }

  it.runIf(isLinux)('that is full', async ({ skip }) => {
    const fill = 'head -c 200000 /dev/zero > MOUNTED/full 2>/dev/null';
    const { code, stderr, left } = await onMount('full', '-o size=64k', fill);
    skip(code === 99, 'no file system can be mounted here');
    expect(code, stderr).toBe(1);
    expect(expectMessage(stderr)).toMatch(
      /^\S+mounted cannot hold a log: a file cannot be written there: ENOSPC.*\. Make room on its file system$/,
    );
    expect(left).toBe('full');
  });

  it.runIf(isLinux)('that is mounted read-only', async ({ skip }) => {
    const { code, stderr, left } = await onMount('read-only', '-o ro', '');
    skip(code === 99, 'no file system can be mounted here');
    expect(code, stderr).toBe(1);
    expect(expectMessage(stderr)).toMatch(
      /^\S+mounted cannot hold a log: a file cannot be written there: EROFS.*\. Mount its file system for writing, or give another --store$/,
    );
    expect(left).toBe('');
  });

  it('in which no log was made is as it was: what was made for it is gone', async () => {
    const place = { kind: 'folder', folder: join(parent, 'new', 'a', 'store') } as const;
    const log = pino({ level: 'silent' });
    const { close } = await openStore(place, log);
    expect(await readdir(place.folder)).toContain('.lock.sqlite');
    await close();
    expect(await readdir(parent)).not.toContain('new');
    // A log was made, so its lock stays.
    const { store, close: closeAgain } = await openStore(place, log);
    await store.create('checkpoint', new Uint8Array(1));
    await closeAgain();
    expect(await readdir(place.folder)).toEqual(expect.arrayContaining(['.lock.sqlite', 'checkpoint']));
  });

  it('whose lock cannot be written', async () => {
    const data = await newFolder('lock');
    const store = await newFolder('lock/store');
    const lock = join(store, '.lock.sqlite');
    await writeFile(lock, '', { mode: 0o444 });
    expect(await refused(2, '--data', data)).toMatch(
      /^\S+\.lock\.sqlite, the lock of the store, cannot be taken: SQLITE_READONLY.*\. Give the user that runs the writer the right to write it$/,
    );
    expect(await readdir(store)).toStrictEqual(['.lock.sqlite']);
  });
});

describe('the log’s key is not put where the log’s files are', () => {
  let data: string;

  beforeAll(async () => {
    data = await newFolder('served');
  });

  const message = (setting: string) =>
    new RegExp(
      `^${setting}: \\S+ is in the store \\S+, where a web server may serve the log's private key to everybody\\. Give --store a folder of its own`,
    );

  it('where the data folder is the store', async () => {
    expect(await refused(2, '--data', data, '--store', `file:${data}`)).toMatch(message('--data'));
    const elsewhere = join(data, '..', 'served', '.');
    expect(await refused(2, '--data', data, '--store', `file:${elsewhere}`)).toMatch(message('--data'));
    expect(await readdir(data)).toStrictEqual([]);
  });

  it('where the data folder is in the store, or will be', async () => {
    for (const inner of ['data', 'a/b/c'])
      expect(await refused(2, '--data', join(data, inner), '--store', `file:${data}`)).toMatch(
        message('--data'),
      );
    expect(await readdir(data)).toStrictEqual([]);
  });

  it('through links, whichever of them is one', async () => {
    const [store, link] = [join(parent, 'linked-store'), join(parent, 'link')];
    await mkdir(join(store, 'data'), { recursive: true });
    await symlink(join(store, 'data'), link);
    expect(await refused(2, '--data', link, '--store', `file:${store}`)).toMatch(message('--data'));
    await symlink(store, join(parent, 'to-store'));
    expect(
      await refused(2, '--data', join(store, 'data'), '--store', `file:${join(parent, 'to-store')}`),
    ).toMatch(message('--data'));
    // A web server would follow a link that leads out of the store.
    await symlink(data, join(store, 'out'));
    expect(await refused(2, '--data', join(store, 'out'), '--store', `file:${store}`)).toMatch(
      message('--data'),
    );
  });

  it('where the key alone is in the store', async () => {
    const key = join(data, 'store', 'my.key');
    expect(await refused(2, '--data', data, '--key', key)).toMatch(message('--key'));
    expect(await readdir(data)).toStrictEqual([]);
  });
});
