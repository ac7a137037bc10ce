/**
 * The `stele` command as a shell sees it.
 */
import { execFile } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatVerifierKey } from '#tiles-spec/index.js';
import { startDaemon, STELE, withFolder } from '../../support/daemon.js';
import { log, send } from '../../support/http.js';
import { expectMessage, stele } from '../../support/refused-start.js';

/** Runs a command that is wrongly used. */
async function misused(args: readonly string[], environment?: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await stele(args, environment);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe('');
  const message = expectMessage(stderr);
  expect(stderr).toBe(`stele: ${message}\n`);
  return message;
}

describe.concurrent('help', () => {
  it('of stele lists its commands', async () => {
    const { code, stdout, stderr } = await stele(['--help']);
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}serve +Run the log$/m);
    expect(stdout).toMatch(/^ {2}keygen +Make a log's key$/m);
  });

  it('of serve lists its settings, with their units, defaults and names in the environment', async () => {
    const { code, stdout, stderr } = await stele(['serve', '--help']);
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    const settings = [...stdout.matchAll(/^ {2}--([a-z0-9-]+)/gm)].map(([, name = '']) => name);
    expect(settings).toStrictEqual([
      ...['data', 'listen', 'public-url', 'origin', 'store', 'key', 'batch-age', 'batch-size', 'read-url'],
      ...['max-body', 'max-pending', 'partial-grace', 'rebuild', 'accept-clock', 'no-create'],
      ...['expect-checkpoint', 'metrics-listen'],
      ...['log-level', 's3-endpoint', 's3-region', 's3-path-style', 'ca-cert', 'config'],
    ]);
    for (const name of settings) {
      // What would do harm where it is left behind comes from its flag alone.
      const isFlagOnly = name === 'rebuild' || name === 'accept-clock';
      const variable = `[STELE_${name.toUpperCase().replaceAll('-', '_')}]`;
      expect(stdout.includes(variable), name).toBe(!isFlagOnly);
    }
    expect(stdout).toMatch(/--batch-age <DURATION> .*\(default: 200ms, and 1s on S3\)/);
    expect(stdout).toMatch(/--max-body <SIZE> .*\(default: 4MiB\)/);
    expect(stdout).toMatch(/--no-create [^(]*$/m);
    expect(stdout).toMatch(
      /^Object storage \(credentials as the AWS SDK finds them\):\n {2}--s3-endpoint <URL> /m,
    );
  });

  it('of a command may be asked for in three ways', async () => {
    const [page, ...others] = await Promise.all([
      stele(['help', 'upload']),
      stele(['upload', '--help']),
      stele(['upload', '--artifact', 'x', '-h']),
    ]);
    expect(page.code).toBe(0);
    for (const other of others) expect(other).toStrictEqual(page);
    expect(page.stdout).toMatch(/^ {2}\$ stele upload \[options\]$/m);
    expect(page.stdout).toMatch(/^The log:\n {2}--rekor_server <URL\|DIR> .*\[STELE_REKOR_SERVER\]$/m);
    expect(page.stdout).toMatch(/^ {2}--key <FILE> .*\[as a flag alone\]$/m);
    expect(page.stdout).toMatch(/^ {2}# .*\n {2}\$ stele upload --rekor_server /m);
    expect(page.stdout).toMatch(/^Exit codes:\n {2}0 /m);
  });

  it('loads neither the daemon nor what fetches or parses X.509; nor do others before they need it', () =>
    withFolder(async (folder) => {
      const hook = join(folder, 'hook.cjs');
      await writeFile(
        hook,
        `process.on('exit', () => {
           const loaded = Object.keys(require.cache).map((file) => /node_modules\\/(sqlite3|fastify|undici|@peculiar)\\//.exec(file)?.[1]);
           console.error('loaded:', ...new Set(loaded.filter(Boolean)));
         });`,
      );
      const loaded = async (args: readonly string[]) =>
        (await stele(args, { NODE_OPTIONS: `--require=${hook}` })).stderr.split('\n').at(-2);
      for (const args of [
        ['--help'],
        ['keygen', '--origin', 'a.example', '--key', join(folder, 'key')],
        // Refused with all loaded that they always load.
        ['upload', '--rekor_server', folder],
        ['verify', '--public-key', folder],
        ['loginfo', '--rekor_server', folder],
      ])
        expect(await loaded(args), args[0]).toBe('loaded:');
      // Nothing listens on an address for documentation (RFC 5737): refused once the daemon is loaded.
      expect(await loaded(['serve', '--listen', '192.0.2.1:0'])).toMatch(/^loaded: .*sqlite3/);
    }));

  it('says the version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const { code, stdout } = await stele(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^stele/${version.replaceAll('.', '\\.')} `));
    expect((await stele(['version'])).stdout).toBe(stdout);
    const json = await stele(['version', '--format', 'json']);
    const platform = `${process.platform}-${process.arch}`;
    expect(JSON.parse(json.stdout)).toStrictEqual({ version, node: process.version, platform });
  });
});

describe.concurrent('wrong use', () => {
  it.each([
    [['zzz'], /^there is no command "zzz": stele --help lists them$/],
    [['constructor'], /^there is no command "constructor"/],
    [['serve', '--dada', 'x'], /^there is no option --dada: did you mean --data\?$/],
    [['serve', '--zzz'], /^there is no option --zzz here: --help lists them$/],
    [['serve', '--version'], /^there is no option --version here/],
    [['serve', '-x'], /^there is no option -x here/],
    [['serve', 'folder'], /^there is no place for the argument "folder": stele serve \[options\]$/],
    [
      ['verify', '--', 'a', '--help'],
      /^there is no place for the argument "--help": stele verify \[BUNDLE\]/,
    ],
    [
      ['loginfo', '--rekor-server', 'x'],
      /^there is no option --rekor-server: did you mean --rekor_server\?$/,
    ],
    [['--format', 'tle', 'loginfo'], /^--format: "tle" is not default or json$/],
    [['--pin', 'true', 'trust'], /^there is no command "true"/],
    [['serve', '--data'], /^--data takes a value: --data DIR$/],
    [['serve', '--no-create=maybe'], /^--no-create is a switch: it takes no value$/],
    [['keygen', '--data', 'x', '--origin', 'a.example'], /^there is no option --data here/],
  ])('%j', async (args, message) => {
    expect(await misused(args)).toMatch(message);
  });
});

describe.concurrent('an error with --format json', () => {
  it.each([
    [['get', '--format', 'json', '--zzz'], {}, 'there is no option --zzz here: --help lists them'],
    [['get', '--zzz'], { STELE_FORMAT: 'json' }, 'there is no option --zzz here: --help lists them'],
    [
      ['--format', 'json', 'version', 'x'],
      {},
      'there is no place for the argument "x": stele version [options]',
    ],
  ])('is JSON too: %j', async (args, environment, message) => {
    const { code, stdout, stderr } = await stele(args, environment);
    expect({ code, stderr }).toStrictEqual({ code: 2, stderr: `stele: ${message}\n` });
    expect(JSON.parse(stdout)).toStrictEqual({ error: { code: 2, message } });
  });

  it('is text alone for a command that has no such setting', async () => {
    expect(await misused(['serve', '--zzz'], { STELE_FORMAT: 'json' })).toMatch(/^there is no option --zzz/);
  });
});

describe.concurrent('standard output', () => {
  /** Runs `stele` with its standard output going where a shell sends it. */
  const shell = (command: string) =>
    promisify(execFile)(
      'bash',
      ['-o', 'pipefail', '-c', command.replace('stele', `'${process.execPath}' '${STELE}'`)],
      // Without the tests' own variables, which are no settings of the command.
      { env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STELE_'))) },
    );

  it.runIf(existsSync('/dev/full'))('that takes nothing is said so', async () => {
    await expect(shell('stele version > /dev/full')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^stele: cannot print: no space is left on its disk: make room there\n$/,
      ) as string,
    });
  });
});

describe.concurrent('keygen', () => {
  it('prints the verifier key, the public key and the log id of the key file it makes', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'my.key');
      const { code, stdout, stderr } = await stele(['keygen', '--origin', 'log.example.com', '--key', file]);
      expect({ code, stderr }).toStrictEqual({ code: 0, stderr: `made ${file}\n` });
      expect((await stat(file)).mode & 0o777).toBe(0o600);

      const publicKey = createPublicKey(createPrivateKey(await readFile(file)));
      const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
      const id = createHash('sha256').update('log.example.com\n\x01').update(raw).digest();
      const body = Buffer.concat([Buffer.of(1), raw]).toString('base64');
      expect(stdout).toBe(
        [
          `log.example.com+${id.subarray(0, 4).toString('hex')}+${body}`,
          publicKey.export({ type: 'spki', format: 'pem' }).toString().trimEnd(),
          `${id.toString('base64')}\n`,
        ].join('\n'),
      );
      expect(stdout).toContain(formatVerifierKey({ name: 'log.example.com', type: 1, publicKey: raw }));

      const before = await readFile(file, 'utf8');
      expect(await misused(['keygen', '--origin', 'log.example.com', '--key', file])).toMatch(
        /^cannot make the key file \S+my\.key: it already exists/,
      );
      expect(await readFile(file, 'utf8')).toBe(before);

      // The log that is made with it has the log id that was printed.
      const args = ['--key', file, '--origin', 'log.example.com'];
      const daemon = await startDaemon(join(folder, 'data'), args);
      try {
        expect(daemon.verifierKey).toBe(stdout.split('\n')[0]);
        const logged = (await log(daemon.url)) as unknown as { logId: { keyId: string } };
        expect(logged.logId.keyId).toBe(id.toString('base64'));
      } finally {
        await daemon.stop();
      }
    }));

  it('needs an origin that can be one, and a folder that is there', () =>
    withFolder(async (folder) => {
      const key = join(folder, 'log.key');
      expect(await misused(['keygen', '--key', key])).toMatch(/^give --origin: /);
      expect(await misused(['keygen', '--key', key], { STELE_ORIGIN: 'Log.Example' })).toMatch(
        /^STELE_ORIGIN: "Log\.Example" cannot be a log's origin: it is a bare host name in lower case/,
      );
      expect(existsSync(key)).toBe(false);
      const nowhere = ['keygen', '--origin', 'a.example', '--key', join(folder, 'none', 'log.key')];
      expect(await misused(nowhere)).toMatch(/^cannot make the key file \S+: no such file or directory$/);
    }));
});

describe.concurrent('settings of serve, by the command', () => {
  it('come from flags, then the environment, then the file, then defaults', () =>
    withFolder(async (folder) => {
      const config = join(folder, 'stele.json');
      const settings = { 'max-body': '100B', 'batch-size': 7, 'no-create': false, origin: 'file.example' };
      await writeFile(config, JSON.stringify({ ...settings, 'log-level': 'silent' }));
      const daemon = await startDaemon(join(folder, 'data'), ['--config', config, '--max-body', '200B']);
      try {
        expect(daemon.verifier.name).toBe('file.example');
        expect(daemon.log()).toBe('');
        const json = { 'content-type': 'application/json' };
        const post = (length: number) =>
          send(daemon.url, 'POST', '/api/v2/log/entries', ' '.repeat(length), json);
        expect((await post(200)).status).toBe(400);
        expect((await post(201)).status).toBe(413);
      } finally {
        await daemon.stop();
      }
    }));

  it('refuse an origin that is no name, with what to give instead', () =>
    withFolder(async (folder) => {
      const serve = ['serve', '--data', folder];
      expect(await misused([...serve, '--listen', '0.0.0.0:0'])).toMatch(
        /^0\.0\.0\.0 cannot be a log's origin: .* Give --public-url with a host name, or --origin$/,
      );
      expect(await misused([...serve, '--listen', '[::]:0'])).toMatch(
        /^\[::\] cannot be .*Give --public-url/,
      );
      expect(await misused([...serve, '--public-url', 'https://[::1]/'])).toMatch(
        /^\[::1\] cannot be a log's origin/,
      );
      const daemon = await startDaemon(join(folder, 'data'), [
        ...['--listen', '0.0.0.0:0', '--public-url', 'https://log.example.com/'],
      ]);
      try {
        expect(daemon.url).toBe('https://log.example.com');
        expect(daemon.verifier.name).toBe('log.example.com');
      } finally {
        expect(await daemon.stop()).toBe(0);
      }
    }));

  it('name the setting that does not fit', () =>
    withFolder(async (folder) => {
      const config = join(folder, 'stele.json');
      await writeFile(config, '{"batch_size": 5}');
      const serve = ['serve', '--data', join(folder, 'data')];
      expect(await misused([...serve, '--batch-age', '200'])).toBe(
        '--batch-age: "200" is not a duration such as 200ms or 1s',
      );
      expect(await misused(serve, { STELE_MAX_PENDING: '1e5' })).toBe(
        'STELE_MAX_PENDING: "1e5" is not a whole number from 1 to 1000000',
      );
      expect(await misused([...serve, '--config', config])).toMatch(
        /^the configuration file \S+stele\.json: it has "batch_size", which is no setting: did you mean "batch-size"\?$/,
      );
      expect(existsSync(join(folder, 'data'))).toBe(false);
    }));
});
