/**
 * Commands in a company's network: by a proxy, with certificates of its own authority, to a log behind a gate.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, pass, PrivateAuthority, startProxy, type Listening, type Proxy } from '../proxy.js';
import { expectEnded, jsonOf, startLoggedUser, type Environment, type LoggedUser } from './cli-support.js';

const TOKEN = 'a-token.of~the_gate/+==';

let logged: LoggedUser;
let proxy: Proxy;
/** The log by TLS, the log behind a gate, and what is at another origin. */
let secure: Listening;
let gate: Listening;
let elsewhere: Listening;
/** What of Authorization came there. */
const shown: (string | undefined)[] = [];

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user, daemon } = logged;
  await mkdir(user.file('tls'));
  const authority = new PrivateAuthority(user.file('tls'));
  const toLog = ({ url = '' }: IncomingMessage) => new URL(url, daemon.url);
  secure = await authority.serve((request, response) => {
    pass(request, response, toLog(request));
  });
  elsewhere = await listen(
    createServer((request, response) => {
      shown.push(request.headers.authorization);
      pass(request, response, toLog(request));
    }),
    'http',
  );
  gate = await listen(
    createServer((request, response) => {
      const { authorization } = request.headers;
      const isTile = /\/tile\//.test(request.url ?? '');
      if (authorization !== `Bearer ${TOKEN}`) response.writeHead(401).end(`not ${authorization ?? 'so'}`);
      else if (isTile) response.writeHead(302, { location: `${elsewhere.url}${request.url ?? ''}` }).end();
      else if (request.url === '/checkpoint')
        response.writeHead(307, { location: '/api/v2/checkpoint' }).end();
      else pass(request, response, toLog(request));
    }),
    'http',
  );
  proxy = await startProxy();
});

afterAll(async () => {
  for (const { close } of [proxy, secure, gate, elsewhere]) close();
  await logged.stop();
});

/** What asks a log for something. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  upload: ['upload', '--artifact', 'other.txt', '--key', 'key.pem', '--output', 'uploaded.json'],
  verify: ['verify', '--log-index', '0', '--artifact', 'a.txt', '--public-key', 'key.pub'],
  get: ['get', '--log-index', '0'],
  loginfo: ['loginfo'],
  logproof: ['logproof'],
  fsck: ['fsck'],
  trust: ['trust'],
};

/** A command line on a log. What was seen of it is kept apart, as every URL here is of one log. */
function asking(name: string, log: string, ...more: string[]): string[] {
  const command = [...(COMMANDS[name] ?? []), '--vkey', logged.daemon.verifierKey, '--retry', '0', ...more];
  return name === 'trust' ? [...command, log, '--output', 'trust'] : [...command, '--rekor_server', log];
}

const port = ({ url }: Listening) => new URL(url).port;

describe.each(Object.keys(COMMANDS))('%s', (name) => {
  it('by a tunnel of the proxy, to a log with a private certificate', async () => {
    const { user } = logged;
    const before = proxy.requests.length;
    const log = `https://log.invalid:${port(secure)}`;
    const environment = { HTTPS_PROXY: proxy.url };
    const ended = await user.run(asking(name, log, '--ca-cert', 'tls/ca.pem'), environment);
    expect(ended.code, ended.stderr).toBe(0);
    const asked = new Set(proxy.requests.slice(before));
    expect([...asked]).toStrictEqual([`CONNECT log.invalid:${port(secure)}`]);
    // By the environment too.
    const byEnvironment = { ...environment, STELE_CA_CERT: 'tls/ca.pem' };
    if (name === 'loginfo') expect((await user.run(asking(name, log), byEnvironment)).code).toBe(0);
  });

  it('of a log behind a gate', async () => {
    const { user } = logged;
    const before = shown.length;
    const ended = await user.run(asking(name, gate.url), { STELE_TOKEN: TOKEN });
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
    // The tiles are at another origin, which is told nothing.
    expect(new Set([...shown.slice(before), undefined])).toStrictEqual(new Set([undefined]));
    if (name === 'get') expect(shown.length).toBeGreaterThan(before);
  });

  it('of a log behind a gate, without the token, or with another', async () => {
    for (const environment of [{}, { STELE_TOKEN: 'another-token' }] as Environment[]) {
      const ended = await logged.user.run(asking(name, gate.url), environment);
      expectEnded(ended, {
        code: 3,
        stderr:
          /: the (?:log|server) answers 401: .*a gate before the log wants its token \(STELE_TOKEN\)\n$/,
      });
      expect(ended.stderr).not.toContain('another-token');
    }
  });
});

describe('a proxy', () => {
  const plain = () => `http://log.invalid:${port(elsewhere)}`;

  it.each(['HTTP_PROXY', 'http_proxy'])('by %s is asked for http:// as it is', async (variable) => {
    const before = proxy.requests.length;
    const ended = await logged.user.run(asking('loginfo', plain()), { [variable]: proxy.url });
    expect(ended.code, ended.stderr).toBe(0);
    expect(proxy.requests.slice(before)).toContain(`GET ${plain()}/checkpoint`);
    expect(proxy.requests.slice(before).join()).not.toContain('CONNECT');
  });

  it.each(['HTTPS_PROXY', 'https_proxy'])('by %s, without a scheme', async (variable) => {
    const log = `https://log.invalid:${port(secure)}`;
    const environment = { [variable]: proxy.url.replace('http://', '') };
    const ended = await logged.user.run(asking('loginfo', log, '--ca-cert', 'tls/ca.pem'), environment);
    expect(ended.code, ended.stderr).toBe(0);
  });

  it.each([
    ['NO_PROXY', 'log.invalid'],
    ['no_proxy', 'example.com, .invalid'],
    ['NO_PROXY', '*'],
  ])('is not asked where %s has %s', async (variable, hosts) => {
    const before = proxy.requests.length;
    const environment = { HTTP_PROXY: proxy.url, [variable]: hosts };
    const ended = await logged.user.run(asking('loginfo', plain()), environment);
    expectEnded(ended, { code: 3, stderr: /^stele: http:\/\/log\.invalid:\S+: getaddrinfo / });
    expect(proxy.requests).toHaveLength(before);
  });

  it('in lower case wins, and an empty one is none', async () => {
    const environment = { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: proxy.url, HTTPS_PROXY: '' };
    expect((await logged.user.run(asking('loginfo', plain()), environment)).code).toBe(0);
  });

  it('that is none is named, without a password, and only where one is needed', async () => {
    for (const text of ['socks5://user:secret@127.0.0.1:1', 'user:secret@:::', 'file:///etc']) {
      const ended = await logged.user.run(asking('loginfo', plain()), { HTTP_PROXY: text });
      expectEnded(ended, {
        code: 2,
        stderr:
          /^stele: HTTP_PROXY is not the URL of an HTTP proxy, such as http:\/\/proxy\.example\.com:3128\n$/,
      });
    }
    const offline = await logged.user.run(['fsck', 'data'], { HTTP_PROXY: 'socks5://127.0.0.1:1' });
    expect(offline.code, offline.stderr).toBe(0);
  });

  it('at which nobody listens is named', async () => {
    for (const log of [plain(), `https://log.invalid:${port(secure)}`]) {
      const ended = await logged.user.run(asking('loginfo', log), {
        HTTP_PROXY: 'http://name:secret@127.0.0.1:1',
      });
      expectEnded(ended, {
        code: 3,
        stderr: /: the proxy 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\n$/,
      });
      expect(ended.stderr).not.toContain('secret');
    }
  });

  describe.each(['http', 'https'] as const)('for %s', (scheme) => {
    const log = () => `${scheme}://log.invalid:${port(scheme === 'http' ? elsewhere : secure)}`;
    const by = (url: string) => ({ [`${scheme}_proxy`]: url });
    const ask = (name: string, environment: Environment, ...more: string[]) =>
      logged.user.run(asking(name, log(), '--ca-cert', 'tls/ca.pem', ...more), environment);

    it.each(['loginfo', 'upload'])('that wants a name and a password is given them by %s', async (name) => {
      const strict = await startProxy({ credentials: 'name:pass word' });
      const right = by(strict.url.replace('//', '//name:pass%20word@'));
      const ended = await ask(name, right);
      expect(ended.code, ended.stderr).toBe(0);
      const refused = await ask(name, by(strict.url.replace('//', '//name:secret@')));
      strict.close();
      expectEnded(refused, {
        code: 3,
        stderr: /407: it wants a name and a password, http:\/\/NAME:PASSWORD@HOST/,
      });
      expect(refused.stderr).not.toContain('secret');
    });

    it('that refuses is named', async () => {
      const strict = await startProxy({ refuse: 403 });
      const ended = await ask('loginfo', by(strict.url));
      strict.close();
      expectEnded(ended, {
        code: 3,
        stderr: scheme === 'http' ? /answers 403\n$/ : /: the proxy answers 403, /,
      });
    });

    it('that never answers is not waited for', async () => {
      const silent = await startProxy({ refuse: 'never' });
      for (const name of ['loginfo', 'upload']) {
        const ended = await ask(name, by(silent.url), '--timeout', '700ms');
        expectEnded(ended, { code: 3, stderr: /: no whole answer within 0\.7 s\n$/ });
      }
      silent.close();
    });
  });
});

describe('a certificate', () => {
  it('of an authority that is not given is refused, and the message says what to give', async () => {
    for (const name of ['loginfo', 'upload', 'trust']) {
      expectEnded(await logged.user.run(asking(name, secure.url)), {
        code: 3,
        stderr:
          /certificate.*: if a private authority has certified the server, give that authority's certificate by --ca-cert\n$/,
      });
    }
  });

  it('of an authority that is given is believed, in DER too', async () => {
    const { user } = logged;
    user.openssl('x509', '-in', 'tls/ca.pem', '-outform', 'DER', '-out', 'ca.der');
    for (const file of ['tls/ca.pem', 'ca.der'])
      expect((await user.run(asking('loginfo', secure.url, '--ca-cert', file))).code, file).toBe(0);
  });

  it.each([
    [
      'key.pub',
      /^stele: --ca-cert: key\.pub holds no certificate that can be read: there is no CERTIFICATE in it\n$/,
    ],
    ['a.txt', /^stele: --ca-cert: a\.txt holds no certificate that can be read: [^\n]+\n$/],
    ['nothing', /^stele: --ca-cert: cannot read nothing: no such file or directory\n$/],
  ])('is not in %s', async (file, stderr) => {
    expectEnded(await logged.user.run(asking('loginfo', secure.url, '--ca-cert', file)), { code: 2, stderr });
  });
});

describe('the token', () => {
  it('may be in the file of settings', async () => {
    const { user } = logged;
    await user.write('settings.json', JSON.stringify({ token: TOKEN }));
    expect((await user.run(asking('loginfo', gate.url, '--config', 'settings.json'))).code).toBe(0);
  });

  it('is no flag', async () => {
    for (const flag of [['--token', TOKEN], [`--token=${TOKEN}`]]) {
      const ended = await logged.user.run(asking('loginfo', gate.url, ...flag));
      expectEnded(ended, {
        code: 2,
        stderr:
          /^stele: --token is no flag, which everybody on this machine could read: put it into STELE_TOKEN\n$/,
      });
    }
    const { stdout } = await logged.user.run(['help', 'loginfo']);
    expect(stdout).toMatch(/^ {2}STELE_TOKEN +what a gate before the log wants/m);
    expect(stdout).not.toContain('--token');
    expect((await logged.user.run(['completion', 'bash'])).stdout).not.toContain('--token');
  });

  it('that cannot be sent is refused, and not shown', async () => {
    for (const token of ['a secret', 'sécret', '']) {
      const ended = await logged.user.run(asking('loginfo', gate.url), { STELE_TOKEN: token });
      expectEnded(ended, { code: 2, stderr: /^stele: STELE_TOKEN is no token: it has characters [^\n]*\n$/ });
      expect(ended.stderr).not.toMatch(/s.?cret/);
    }
  });

  it('is not shown in JSON', async () => {
    const ended = await logged.user.run(asking('loginfo', gate.url, '--format', 'json'), {
      STELE_TOKEN: TOKEN,
    });
    expect(JSON.stringify(jsonOf(ended))).not.toContain(TOKEN);
  });
});

it('what comes by a proxy has the bounds that all has', async () => {
  const endless = await listen(
    createServer((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', write);
      write();
    }),
    'http',
  );
  const environment = { HTTP_PROXY: proxy.url };
  const log = `http://log.invalid:${port(endless)}`;
  const read = await logged.user.run(asking('loginfo', log), environment);
  expectEnded(read, { code: 1, stderr: /: has over \d+ bytes\n$/ });
  const sent = await logged.user.run(asking('upload', log), environment);
  endless.close();
  expectEnded(sent, { code: 3, stderr: /^stele: [^\n]+\n$/ });
});
