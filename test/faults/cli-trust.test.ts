/**
 * `stele trust`: trust files of logs and of other services, and pinned logs.
 */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClientTrustConfig, SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import {
  expectCase,
  expectEnded,
  jsonOf,
  startLoggedUser,
  startStub,
  type LoggedUser,
} from '../support/cli.js';

let logged: LoggedUser;
let other: Daemon;

beforeAll(async () => {
  logged = await startLoggedUser();
  other = await startDaemon(logged.user.file('other-data'));
});

afterAll(async () => {
  await other.stop();
  await logged.stop();
});

async function trustedRoot(folder: string): Promise<TrustedRoot> {
  return TrustedRoot.fromJSON(JSON.parse(await logged.user.read(join(folder, 'trusted_root.json'))));
}

async function signingConfig(folder: string): Promise<SigningConfig> {
  return SigningConfig.fromJSON(JSON.parse(await logged.user.read(join(folder, 'signing_config.json'))));
}

describe.concurrent('trust files', () => {
  it.each(['fulcio', 'ctlog', 'tsa'])(
    'of a --%s without a URL serve for verifying alone',
    async (service) => {
      const { user } = logged;
      const [key, file] = [`alone-${service}.key`, `alone-${service}.pem`];
      user.openssl(
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', key, '-days', '1', '-subj', '/O=a.example/CN=alone', '-out', file],
      );
      if (service === 'ctlog') user.openssl('pkey', '-in', key, '-pubout', '-out', file);
      const output = `alone-${service}`;
      const ended = await user.run(['trust', 'data', '--output', output, `--${service}`, file]);
      expectEnded(ended, { code: 0, stdout: /^Wrote/ });
      const text = await user.read(join(output, 'trusted_root.json'));
      expect(text).not.toMatch(/"(?:uri|baseUrl)":""/);
      const { certificateAuthorities, ctlogs, timestampAuthorities } = await trustedRoot(output);
      expect([...certificateAuthorities, ...ctlogs, ...timestampAuthorities]).toHaveLength(1);
      const { caUrls, tsaUrls } = await signingConfig(output);
      expect([...caUrls, ...tsaUrls]).toStrictEqual([]);
      // The files are good for the command's own verifying.
      const verify = ['verify', 'a.txt.sigstore.json', '--artifact', 'a.txt', '--public-key', 'key.pub'];
      const verified = await user.run([...verify, '--trusted-root', join(output, 'trusted_root.json')]);
      expectEnded(verified, { code: 0, stdout: /^Verified$/m });
    },
  );

  it('of a log whose origin is not its host are refused, with what is wrong and what to do', async () => {
    const { user } = logged;
    const named = await startDaemon(user.file('named-data'), [
      '--origin',
      'named.test',
      '--log-level',
      'warn',
    ]);
    try {
      expect(named.log()).toMatch(/the log's origin is not the host name of its URL: .*--public-url/);
      const why =
        /trusted root: the log id \S+ is not that of the key of http:\S+ under the name 127\.0\.0\.1 .*--public-url\)$/m;
      expectEnded(await user.run(['trust', '--pin', named.url]), { code: 1, stderr: why });
      expectEnded(await user.run(['trust', 'named-data', '--output', 'named']), { code: 2, stderr: why });
    } finally {
      await named.stop();
    }
  });

  it('are not at a URL that is no log', async () => {
    const stub = await startStub((_, response) => response.end('<html></html>'));
    try {
      const { user, daemon } = logged;
      expectEnded(await user.run(['trust', '--pin', stub.url]), {
        code: 1,
        stderr: /^stele: http:\S+\/trusted_root\.json names no log: trusted root is not JSON/,
      });
      const at = ['--rekor_server', stub.url, '--vkey', daemon.verifierKey];
      const stderr =
        /^stele: http:\S+\/checkpoint: note .*: what is there is no log, or its checkpoint is damaged$/m;
      expectEnded(await user.run(['loginfo', ...at]), { code: 1, stderr });
      const upload = ['upload', '--key', 'key.pem', '--artifact', 'other.txt', '--output', 'nowhere.json'];
      expectEnded(await user.run([...upload, ...at]), { code: 1, stderr });
      expectEnded(await user.run(['fsck', ...at]), {
        code: 1,
        stdout: /^WRONG checkpoint$/m,
        stderr,
      });
    } finally {
      stub.close();
    }
  });

  it('of a log that is pinned, of its folder and of a trust file are the log\u2019s own', async () => {
    const { user, daemon } = logged;
    const served = async (name: string) => (await fetch(`${daemon.url}/${name}`)).text();
    const own = [await served('trusted_root.json'), await served('signing_config.json')].map(
      (text) => JSON.parse(text) as unknown,
    );
    for (const [at, place] of [`${daemon.url}/`, 'data', 'data/store/trusted_root.json'].entries()) {
      const ended = await user.run(['trust', place, '--output', `own${at}`]);
      expectEnded(ended, {
        code: 0,
        stdout: new RegExp(
          `^Wrote own${at}/trusted_root\\.json\nWrote own${at}/signing_config\\.json\nWrote own${at}/client_trust_config\\.json\n {2}log http`,
        ),
      });
      const files = [
        await user.read(`own${at}/trusted_root.json`),
        await user.read(`own${at}/signing_config.json`),
      ];
      expect(
        files.map((text) => JSON.parse(text) as unknown),
        place,
      ).toStrictEqual(own);
    }
  });

  it('of several logs name each once', async () => {
    const { user, daemon } = logged;
    await expectCase(user, {
      args: ['trust', daemon.url, 'data', 'other-data', '--output', 'two'],
      code: 0,
      stdout:
        /^Wrote two\/trusted_root\.json\nWrote two\/signing_config\.json\nWrote two\/client_trust_config\.json\n(?: {2}log http:\S+ \([^)]+\)\n){2}/m,
    });
    const { tlogs } = await trustedRoot('two');
    expect(tlogs.map(({ baseUrl }) => baseUrl)).toStrictEqual([daemon.url, other.url]);
    expect((await signingConfig('two')).rekorTlogUrls.map(({ url }) => url).sort()).toStrictEqual(
      [daemon.url, other.url].sort(),
    );
    // A command can take either log from the file, by the log's key.
    const by = (url: string) =>
      user
        .other('of two')
        .run([
          'loginfo',
          '--rekor_server',
          url,
          '--trusted-root',
          'two/trusted_root.json',
          '--store_tree_state',
          'false',
        ]);
    expect((await by(daemon.url)).code).toBe(0);
    expect((await by(other.url)).code).toBe(0);
    expectEnded(await by('data/store'), {
      code: 2,
      stderr: /names several logs: give one of them with --vkey/,
    });
    const json = await user.run(['trust', 'data', '--output', 'two', '--format', 'json']);
    expect(jsonOf(json)).toStrictEqual({
      files: ['two/trusted_root.json', 'two/signing_config.json', 'two/client_trust_config.json'],
      logs: [daemon.url],
    });
  });

  it('are both in one file too, for clients that take no other', async () => {
    const { user } = logged;
    const ended = await user.run(['trust', 'data', '--output', 'one']);
    expectEnded(ended, { code: 0, stdout: /^Wrote one\/client_trust_config\.json$/m });
    const text = await user.read(join('one', 'client_trust_config.json'));
    expect(text).toMatch(/^[^\n]+\n$/);
    const config = ClientTrustConfig.fromJSON(JSON.parse(text));
    expect(config.mediaType).toBe('application/vnd.dev.sigstore.clienttrustconfig.v0.1+json');
    expect(config.trustedRoot).toStrictEqual(await trustedRoot('one'));
    expect(config.signingConfig).toStrictEqual(await signingConfig('one'));
  });

  it('take the other services of a private Sigstore', async () => {
    const { user } = logged;
    await mkdir(user.file('pki'));
    const ca = (name: string, ...more: string[]) => {
      const made = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `pki/${name}.key`,
      ];
      user.openssl(
        'req',
        '-x509',
        ...made,
        '-days',
        '1',
        '-subj',
        `/O=a.example/CN=${name}`,
        '-out',
        `pki/${name}.pem`,
        ...more,
      );
    };
    ca('fulcio');
    ca('old');
    ca('tsa');
    user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'pki/ctlog.key');
    user.openssl('pkey', '-in', 'pki/ctlog.key', '-pubout', '-out', 'pki/ctlog.pem');
    const ended = await user.run([
      ...['trust', 'data', '--output', 'private', '--fulcio', 'pki/fulcio.pem', '--fulcio', 'pki/old.pem'],
      ...[
        '--fulcio-url',
        'https://ca.a.example',
        '--ctlog',
        'pki/ctlog.pem',
        '--ctlog-url',
        'https://ct.a.example',
      ],
      ...[
        '--tsa',
        'pki/tsa.pem',
        '--tsa-url',
        'https://tsa.a.example/api/v1/timestamp',
        '--oidc-url',
        'https://oidc.a.example',
      ],
    ]);
    expectEnded(ended, { code: 0, stdout: /^Wrote private\/trusted_root\.json$/m });
    const root = await trustedRoot('private');
    expect(root.certificateAuthorities.map(({ subject }) => subject?.commonName)).toStrictEqual([
      'fulcio',
      'old',
    ]);
    expect(root.certificateAuthorities[0]).toMatchObject({ uri: 'https://ca.a.example' });
    expect(root.timestampAuthorities.map(({ uri }) => uri)).toStrictEqual([
      'https://tsa.a.example/api/v1/timestamp',
    ]);
    expect(root.ctlogs.map(({ baseUrl }) => baseUrl)).toStrictEqual(['https://ct.a.example']);
    const config = await signingConfig('private');
    expect(config.caUrls[0]?.url).toBe('https://ca.a.example');
    expect(config.tsaUrls.map(({ url }) => url)).toStrictEqual(['https://tsa.a.example/api/v1/timestamp']);
    expect(config.oidcUrls.map(({ url }) => url)).toStrictEqual(['https://oidc.a.example']);
    // Stele can read its own file.
    const info = ['loginfo', '--rekor_server', 'data', '--trusted-root', 'private/trusted_root.json'];
    expect((await user.run(info)).code).toBe(0);
    for (const [flags, stderr] of [
      [['--fulcio', 'pki/ctlog.pem'], /ctlog\.pem holds .*PUBLIC KEY/],
      [['--ctlog', 'pki/fulcio.pem'], /fulcio\.pem holds .*CERTIFICATE/],
      [['--tsa', 'none.pem'], /--tsa: cannot read none\.pem: no such file/],
      [['--fulcio', 'a.txt'], /a\.txt has no PEM block/],
      [['--tsa-url', 'https://a.example'], /--tsa-url needs --tsa/],
      [['--fulcio', 'pki/fulcio.pem', '--fulcio-url', 'ca'], /--fulcio-url: "ca" is not an http/],
      [['--output', 'a.txt'], /--output: a\.txt is a file, where a folder belongs/],
    ] as const) {
      const output = flags[0] === '--output' ? [] : ['--output', 'none'];
      expectEnded(await user.run(['trust', 'data', ...output, ...flags]), { code: 2, stderr });
    }
    await expect(readdir(user.file('none'))).rejects.toThrow(/ENOENT/);
  });
});

describe.concurrent('a pin', () => {
  it('shows what it pins, and is enough for what comes after', async () => {
    const { user, daemon } = logged;
    const fresh = user.other('fresh');
    const pin = ['trust', '--pin', `${daemon.url}/`];
    const stdout =
      /^Pinned: +http:\/\/127\.0\.0\.1:\d+\nOrigin: +127\.0\.0\.1\nKey: +127\.0\.0\.1\+\S+\nLog id: +\S+=\nSince: +\S+Z\nKept in: +\S+\/fresh\/config\/stele\/\S+\nThis key came from the log itself, this once: compare it/m;
    // Each case runs twice: in a pipe, and in a terminal.
    await expectCase(fresh, { args: pin, code: 0, stdout });
    expect(await readdir(user.file('fresh', 'config', 'stele'))).toHaveLength(1);
    expectEnded(await fresh.run(['loginfo']), { code: 0, stdout: new RegExp(`^Log: +${daemon.url}$`, 'm') });
    expect(await readdir(user.file('fresh', 'state', 'stele', 'heads'))).toStrictEqual([
      '127.0.0.1.checkpoint',
    ]);
    const json = jsonOf(await fresh.run([...pin, '--format', 'json']));
    expect(json).toMatchObject({ url: daemon.url, origin: '127.0.0.1', vkey: daemon.verifierKey });
    // With two logs pinned, a command must be told which one to use.
    expect((await fresh.run(['trust', '--pin', other.url])).code).toBe(0);
    expectEnded(await fresh.run(['get', '--log-index', '0']), {
      code: 2,
      stderr: /more than one log is pinned \(http:\S+, http:\S+\)/,
    });
  });

  it('is made only if the key is the one that is expected', async () => {
    const { user, daemon } = logged;
    const careful = user.other('careful');
    const pin = ['trust', '--pin', daemon.url, '--vkey'];
    const stderr = /^stele: http:\S+ has the key \S+, not the one of --vkey$/m;
    await expectCase(careful, { args: [...pin, other.verifierKey], code: 1, stderr });
    expectEnded(await careful.run(['loginfo', '--rekor_server', daemon.url]), {
      code: 2,
      stderr: /log's key is not known/,
    });
    const right = await careful.run([...pin, 'data/log.vkey']);
    expectEnded(right, { code: 0, stdout: /^Pinned: /m });
    expect(right.stdout).not.toContain('compare it');
  });

  it('stays when the log shows another key later, and its log is refused', async () => {
    const { user } = logged;
    const proxied = { to: logged.daemon.url };
    const log = await startStub((request, response) => {
      void fetch(`${proxied.to}${request.url ?? ''}`).then(async (answer) => {
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      });
    });
    const loyal = user.other('loyal');
    expect((await loyal.run(['trust', '--pin', log.url])).code).toBe(0);
    proxied.to = other.url;
    const file = new RegExp(
      `: http:\\S+ has another key than the one that is pinned: .*, delete ${user.file('loyal')}/config/stele/\\S+$`,
      'm',
    );
    await expectCase(loyal, { args: ['trust', '--pin', log.url], code: 1, stderr: file });
    await expectCase(loyal, { args: ['loginfo'], code: 1, stderr: /^stele: http:\S+\/checkpoint: / });
    proxied.to = logged.daemon.url;
    expect((await loyal.run(['loginfo'])).code).toBe(0);
    log.close();
  });

  it('of a damaged file is not used, and the file is named', async () => {
    const { user } = logged;
    await cp(user.file('home'), user.file('damaged'), { recursive: true });
    const folder = join('damaged', 'config', 'stele');
    const [name = ''] = await readdir(user.file(folder));
    await user.write(join(folder, name), '{}');
    const ended = await user.other('damaged').run(['loginfo']);
    expectEnded(ended, {
      code: 2,
      stderr: /^stele: the pinned trust file \S+\.trusted_root\.json cannot be used: /,
    });
  });

  it('is said to be stale where its log has another key by now, or has ended, and stands', async () => {
    const { user, daemon } = logged;
    const trustFile = async (url: string) => (await fetch(`${url}/trusted_root.json`)).text();
    const [own, others] = [await trustFile(daemon.url), await trustFile(other.url)];
    const ended = JSON.parse(own) as { tlogs: { publicKey: { validFor: object } }[] };
    for (const { publicKey } of ended.tlogs)
      publicKey.validFor = { ...publicKey.validFor, end: '2030-01-02T03:04:05Z' };
    let file = own;
    const stub = await startStub((request, response) => {
      if (request.url === '/trusted_root.json') response.end(file);
      else response.writeHead(404).end();
    });
    const owner = user.other('stale');
    expect((await owner.run(['trust', '--pin', stub.url])).code).toBe(0);
    const trust = async () => {
      const { code, stdout, stderr } = await owner.run(['trust', stub.url, '--output', 'stale']);
      expect(code).toBe(0);
      expect(stdout).toContain('Wrote stale/trusted_root.json');
      expect((await trustedRoot('stale')).tlogs.map(({ baseUrl }) => baseUrl)).toStrictEqual([daemon.url]);
      return stderr;
    };
    expect(await trust()).toBe('');
    file = others;
    expect(await trust()).toMatch(
      /^stele: http:\S+ has another key now than the one that is pinned \(127\.0\.0\.1\+\S+\): if its operator says so too, delete \S+\.json, and pin it again with stele trust --pin http:\S+\n$/,
    );
    file = JSON.stringify(ended);
    expect(await trust()).toMatch(
      /^stele: the key of http:\S+ that is pinned signs nothing after 2030-01-02T03:04:05\.000Z: if its operator says/,
    );
    stub.close();
    expect(await trust()).toMatch(
      /^stele: http:\S+ does not say whether it has the pinned key still: .*ECONNREFUSED/,
    );
  });
});
