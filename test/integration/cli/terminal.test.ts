/**
 * What a terminal shows that a pipe does not: colours, a bar of progress, help as wide as the terminal.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import {
  expectCase,
  itInTerminal,
  jsonOf,
  startLoggedUser,
  withoutEscapes,
  type Environment,
  type LoggedUser,
} from '../../support/cli.js';
import { folderPlace } from '../../support/log-place.js';
import { makeLog, type MadeLog } from '../../support/fsck.js';

const SIZE = 20_000;

let logged: LoggedUser;
/** A log that takes a while to read. */
let large: MadeLog;

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user } = logged;
  large = await makeLog(folderPlace(user.file('large')), [SIZE], await LogKey.create(user.file('large.key')));
});

afterAll(() => logged.stop());

/* eslint-disable no-control-regex */
const COLOURS = /\u001b\[[0-9]+m/;
const ESCAPE = /\u001b/;
/* eslint-enable no-control-regex */

describe.concurrent('commands of a log', () => {
  const verified = ['verify', 'a.txt.sigstore.json', '--artifact', 'a.txt', '--public-key', 'key.pub'];

  itInTerminal('are coloured in a terminal, unless it or the user says no', async () => {
    const { user } = logged;
    const coloured = async (environment: Environment) => {
      const { code, stdout } = await user.terminal(verified, environment);
      expect({ code, last: withoutEscapes(stdout).trimEnd().split('\n').at(-1) }).toStrictEqual({
        code: 0,
        last: 'Verified',
      });
      return COLOURS.test(stdout);
    };
    expect(
      await Promise.all([coloured({}), coloured({ FORCE_COLOR: '1' }), coloured({ NO_COLOR: '' })]),
    ).toStrictEqual([true, true, true]);
    expect(
      await Promise.all([
        coloured({ NO_COLOR: '1' }),
        coloured({ TERM: 'dumb' }),
        coloured({ NO_COLOR: '1', FORCE_COLOR: '1' }),
      ]),
    ).toStrictEqual([false, false, false]);
  });

  it('are coloured in a pipe only where that is forced', async () => {
    const { user } = logged;
    const [plain, ci, forced] = await Promise.all([
      user.run(verified),
      user.run(verified, { CI: 'true' }),
      user.run(verified, { FORCE_COLOR: '1' }),
    ]);
    expect([plain, ci, forced].map(({ stdout }) => ESCAPE.test(stdout))).toStrictEqual([false, false, true]);
    expect(withoutEscapes(forced.stdout)).toBe(plain.stdout);
  });

  itInTerminal('mark what is wrong or was not checked in red', async () => {
    const { user } = logged;
    const { code, stdout } = await user.terminal(['verify', 'a.txt.sigstore.json', '--artifact', 'a.txt']);
    expect(code).toBe(1);
    expect(stdout).toContain('\u001b[31mNOT CHECKED\u001b[39m whose key that is: give --public-key');
    expect(stdout).not.toMatch(/^verified/im);
  });

  itInTerminal('break an error between words, in lines that cannot pass for others', async () => {
    const words = ['loginfo', '--vkey', `stele: ${'stele: Verified '.repeat(9)}`];
    const { stderr } = await logged.user.run(words);
    const { stdout } = await logged.user.terminal(words, {}, 40);
    const lines = withoutEscapes(stdout).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.every((line) => line.length <= 40)).toBe(true);
    expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
    expect(lines.map((line) => line.trim()).join(' ')).toBe(stderr.trimEnd());
  });

  itInTerminal('print JSON as it is', async () => {
    const { stdout } = await logged.user.terminal(['loginfo', '--format', 'json']);
    expect(stdout).not.toMatch(ESCAPE);
    expect(JSON.parse(stdout)).toMatchObject({ Origin: '127.0.0.1' });
  });
});

describe.concurrent('progress', () => {
  const tasks = () => [
    { label: 'fsck', args: ['fsck', 'large', '--vkey', large.verifierKey], code: 0 },
    {
      label: 'looking for the leaf hash',
      args: ['get', '--uuid', '00'.repeat(32), '--rekor_server', 'large', '--vkey', large.verifierKey],
      code: 1,
    },
  ];

  itInTerminal('is a bar, with rate and time left, that is gone at last', async () => {
    for (const { label, args, code } of tasks()) {
      const { code: ended, stdout } = await logged.user.terminal(args);
      expect(ended).toBe(code);
      const bars = [
        ...stdout.matchAll(/([a-z ]+) \[[=-]{24}\] (\d+)% {2}(\d+)\/20000 {2}(\d+)\/s {2}(\d+ s left)?/g),
      ];
      expect(bars.map(([, bar = '']) => bar)).toContain(label);
      expect(bars.at(-1)).toMatchObject({ 2: '100', 3: String(SIZE), 5: '0 s left' });
      expect(Number(bars.at(-1)?.[4])).toBeGreaterThan(1000);
      expect(withoutEscapes(stdout)).not.toContain(`${label} [`);
    }
  });

  itInTerminal('fits a narrow terminal', async () => {
    const [{ args } = { args: [] }] = tasks();
    for (const environment of [{}, { COLUMNS: '30' }]) {
      const { code, stdout } = await logged.user.terminal(args, environment, 30);
      expect(code).toBe(0);
      const shown =
        stdout
          .split('\n')[0]
          ?.split(ESCAPE)
          .map((part) => withoutEscapes(`\u001b${part}`)) ?? [];
      expect(shown.filter((part) => part.startsWith('fsck')).length).toBeGreaterThan(0);
      for (const part of shown.filter((part) => part.startsWith('fsck')))
        expect(part.length).toBeLessThanOrEqual(30);
    }
  });

  it('is no bar in a pipe, and does not get into JSON', async () => {
    const [fsck] = tasks();
    const ended = await logged.user.run([...(fsck?.args ?? []), '--format', 'json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(ended)).toMatchObject({ ok: true, size: SIZE });
  });

  itInTerminal('is shown where standard error alone is a terminal', async () => {
    const { user } = logged;
    const [fsck] = tasks();
    const { stdout } = await user.terminal([...(fsck?.args ?? [])], {}, 80);
    expect(stdout).toMatch(/fsck \[/);
  });
});

describe.concurrent('help', () => {
  itInTerminal('is as wide as the terminal, or as COLUMNS says', async () => {
    const { user } = logged;
    const page = await user.terminal(['help', 'verify'], { COLUMNS: '60' });
    expect(page).toStrictEqual(await user.terminal(['help', 'verify'], {}, 60));
    for (const command of [[], ['upload'], ['verify'], ['trust'], ['serve']]) {
      const { stdout } = await user.terminal(['help', ...command], {}, 60);
      // Examples are left as they are: they are for copying.
      const lines = withoutEscapes(stdout)
        .split('\n')
        .filter((line) => !/^ {2}[$#] /.test(line));
      expect(lines.filter((line) => line.length > 60)).toStrictEqual([]);
    }
  });

  it('of every command has examples, which the command takes', async () => {
    const { user } = logged;
    const { stdout: overview } = await user.run(['--help']);
    const names = [...overview.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map(([, name = '']) => name);
    expect(names.length).toBe(12);
    for (const name of names) {
      const { code, stdout } = await user.run([name, '--help']);
      expect(code).toBe(0);
      const examples = [...stdout.matchAll(/^ {2}\$ (.*stele .*)$/gm)].slice(1).map(([, line = '']) => line);
      expect(examples.length, name).toBeGreaterThan(0);
      // Its options are ones that there are.
      for (const [, option = ''] of examples.join(' ').matchAll(/ (--[a-z_-]+)/g))
        expect(stdout, name).toContain(`  ${option} `);
    }
  });
});

describe.concurrent('commands that ask no log', () => {
  it.each([
    [['version'], /^stele\/\d+\.\d+\.\d+ \w+-\w+ node-v\d+\.\d+\.\d+$/m],
    [['completion', 'bash'], /^complete -F _stele stele$/m],
    [['completion', 'zsh'], /^#compdef stele$/m],
    [['completion', 'fish'], /^complete -c stele -f$/m],
    [['help'], /^ {2}\$ stele COMMAND \[options\]$/m],
  ] as const)('%j', async (args, stdout) => {
    await expectCase(logged.user, { args, code: 0, stdout });
  });

  itInTerminal('keygen makes a key, and says what others need', async () => {
    const { user } = logged;
    const args = ['keygen', '--origin', 'log.example', '--key'];
    const shown = await user.terminal([...args, 'one.key']);
    expect(shown.code).toBe(0);
    expect(withoutEscapes(shown.stdout)).toMatch(
      /^made one\.key\nlog\.example\+[0-9a-f]{8}\+\S+\n-----BEGIN PUBLIC KEY-----\n[^]*\n[A-Za-z0-9+/]{43}=\n$/,
    );
    const json = await user.run([...args, 'two.key', '--format', 'json']);
    expect(json).toMatchObject({ code: 0, stderr: 'made two.key\n' });
    expect(Object.keys(jsonOf(json))).toStrictEqual(['origin', 'vkey', 'publicKey', 'logId', 'file']);
  });

  itInTerminal('serve says in a terminal what it says in a pipe, and ends on Ctrl-C', async () => {
    const { user } = logged;
    const serve = `stele serve --data served --listen 127.0.0.1:0 --log-level warn`;
    const node = `'${process.execPath}' '${process.cwd()}/dist/cli/main.js'`;
    const typed = "until grep -q 'stele serves' shown; do sleep 0.1; done; printf '\\003'; sleep 1";
    const { code } = await user.shell(
      `(${typed}) | script -qefc "exec ${serve.replace('stele', node)}" shown`,
      { SHELL: '/bin/sh' },
    );
    const stdout = await user.read('shown');
    expect(withoutEscapes(stdout)).toMatch(
      /^stele serves http:\/\/127\.0\.0\.1:\d+ with the verifier key 127\.0\.0\.1\+\S+$/m,
    );
    expect(code).toBe(0);
    expect(await readFile(user.file('served', 'log.vkey'), 'utf8')).toMatch(/^127\.0\.0\.1\+/);
  });
});

describe.concurrent('a reader that leaves', () => {
  it.each([
    'get --log-index 0',
    'verify a.txt.sigstore.json --artifact a.txt --public-key key.pub',
    'help upload',
    'loginfo',
    'completion zsh',
  ])('%s | head -1', async (line) => {
    const { code, stdout, stderr } = await logged.user.shell(
      `stele ${line} | head -1; echo \${PIPESTATUS[0]}`,
    );
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^.+\n0\n$/);
  });

  it('does not hide that something is wrong', async () => {
    const line =
      'stele verify a.txt.sigstore.json --artifact other.txt 2>/dev/null | head -0; exit ${PIPESTATUS[0]}';
    expect(await logged.user.shell(line)).toStrictEqual({ code: 1, stdout: '', stderr: '' });
  });
});
