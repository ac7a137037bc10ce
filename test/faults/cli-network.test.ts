/**
 * Commands in a company's network: through a proxy, with certificates of a private authority, to a log behind a gate.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  listen,
  pass,
  PrivateAuthority,
  startProxy,
  type Listening,
  type Proxy,
  type ProxyOptions,
} from '../support/proxy.js';
import { expectEnded, jsonOf, startLoggedUser, startStub, type LoggedUser } from '../support/cli.js';

const TOKEN = 'a-token.of~the_gate/+==';

let logged: LoggedUser;
/** The log over TLS, the log behind a gate, and a server at another origin. */
let secure: Listening;
let gate: Listening;
let elsewhere: Listening;
/** The Authorization headers that the other origin has received. */
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
});

afterAll(async () => {
  for (const { close } of [secure, gate, elsewhere]) close();
  await logged.stop();
});

/** The commands that ask a log for something. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  upload: ['upload', '--artifact', 'other.txt', '--key', 'key.pem', '--output', 'uploaded.json'],
  verify: ['verify', '--log-index', '0', '--artifact', 'a.txt', '--public-key', 'key.pub'],
  get: ['get', '--log-index', '0'],
  loginfo: ['loginfo'],
  logproof: ['logproof'],
  fsck: ['fsck'],
  trust: ['trust'],
};

/** A command line on a log, with its own folder of newest checkpoints seen: every URL here is of the same log. */
function asking(name: string, log: string, ...more: string[]): string[] {
  const command = [...(COMMANDS[name] ?? []), '--vkey', logged.daemon.verifierKey, '--retry', '0', ...more];
  return name === 'trust' ? [...command, log, '--output', 'trust'] : [...command, '--rekor_server', log];
}

const port = ({ url }: Listening) => new URL(url).port;

/** Runs `use` beside a proxy. */
async function withProxy(options: ProxyOptions, use: (proxy: Proxy) => Promise<void>): Promise<void> {
  const proxy = await startProxy(options);
  try {
    await use(proxy);
  } finally {
    proxy.close();
  }
}

/** The log's URL, by a name that only the proxy can resolve. */
const plain = () => `http://log.invalid:${port(elsewhere)}`;
const tunnelled = () => `https://log.invalid:${port(secure)}`;

describe.concurrent.each(Object.keys(COMMANDS))('%s', (name) => {
  it('by a tunnel of the proxy, to a log with a private certificate', () =>
    withProxy({}, async (proxy) => {
      const args = asking(name, tunnelled(), '--ca-cert', 'tls/ca.pem');
      const ended = await logged.user.run(args, { HTTPS_PROXY: proxy.url });
      expect(ended.code, ended.stderr).toBe(0);
      expect([...new Set(proxy.requests)]).toStrictEqual([`CONNECT ${new URL(tunnelled()).host}`]);
    }));

  it('of a log behind a gate', async () => {
    const ended = await logged.user.run(asking(name, gate.url), { STELE_TOKEN: TOKEN });
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
  });
});

describe.concurrent('a gate', () => {
  it.each(['upload', 'loginfo', 'trust'])('lets %s by with no other token', async (name) => {
    const ended = await logged.user.run(asking(name, gate.url), { STELE_TOKEN: 'another-token' });
    expectEnded(ended, {
      code: 3,
      stderr:
        /: the (?:log|server) answers 401: .*the gate before the log refuses the token in STELE_TOKEN\n$/,
    });
    expect(ended.stderr).not.toContain('another-token');
  });

  it.each(['upload', 'loginfo', 'trust'])('lets %s by with no token', async (name) => {
    expectEnded(await logged.user.run(asking(name, gate.url)), {
      code: 3,
      stderr: /: the (?:log|server) answers 401: .*a gate before the log wants its token \(STELE_TOKEN\)\n$/,
    });
  });
});

describe.concurrent('a proxy', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('by %s is asked for http:// as it is', (variable) =>
    withProxy({}, async (proxy) => {
      const ended = await logged.user.run(asking('loginfo', plain()), { [variable]: proxy.url });
      expect(ended.code, ended.stderr).toBe(0);
      expect(proxy.requests).toContain(`GET ${plain()}/checkpoint`);
      expect(proxy.requests.join()).not.toContain('CONNECT');
    }),
  );

  it('by https_proxy, without a scheme, and the certificates by the environment', () =>
    withProxy({}, async (proxy) => {
      const environment = {
        https_proxy: proxy.url.replace('http://', ''),
        STELE_CA_CERT: 'tls/ca.pem',
      };
      const ended = await logged.user.run(asking('loginfo', tunnelled()), environment);
      expect(ended.code, ended.stderr).toBe(0);
    }));

  it.each([
    ['NO_PROXY', '*'],
    ['no_proxy', 'example.com, .invalid'],
  ])('is not asked where %s has %s', (variable, hosts) =>
    withProxy({}, async (proxy) => {
      const environment = { HTTP_PROXY: proxy.url, [variable]: hosts };
      const ended = await logged.user.run(asking('loginfo', plain()), environment);
      expectEnded(ended, { code: 3, stderr: /^stele: http:\/\/log\.invalid:\S+: getaddrinfo / });
      expect(proxy.requests).toStrictEqual([]);
    }),
  );

  it('in lower case wins, and an empty one is none', () =>
    withProxy({}, async (proxy) => {
      const environment = { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: proxy.url, HTTPS_PROXY: '' };
      expect((await logged.user.run(asking('loginfo', plain()), environment)).code).toBe(0);
    }));

  it('that is none is named, without a password, and only where one is needed', async () => {
    for (const text of ['socks5://user:secret@127.0.0.1:1', 'user:secret@:::']) {
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
    for (const log of [plain(), tunnelled()]) {
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
    const ask = (name: string, proxy: string, ...more: string[]) =>
      logged.user.run(
        asking(name, scheme === 'http' ? plain() : tunnelled(), '--ca-cert', 'tls/ca.pem', ...more),
        { [`${scheme}_proxy`]: proxy },
      );

    it('that wants a name and a password is given them', () =>
      withProxy({ credentials: 'name:pass word' }, async ({ url }) => {
        for (const name of ['loginfo', 'upload']) {
          const ended = await ask(name, url.replace('//', '//name:pass%20word@'));
          expect(ended.code, ended.stderr).toBe(0);
        }
        const refused = await ask('loginfo', url.replace('//', '//name:secret@'));
        expectEnded(refused, {
          code: 3,
          stderr: /407: it wants a name and a password, http:\/\/NAME:PASSWORD@HOST/,
        });
        expect(refused.stderr).not.toContain('secret');
      }));

    it('that refuses is named', () =>
      withProxy({ refuse: 403 }, async ({ url }) => {
        const stderr = scheme === 'http' ? /answers 403\n$/ : /: the proxy answers 403, /;
        expectEnded(await ask('loginfo', url), { code: 3, stderr });
      }));

    it('that closes the connection is asked once', () =>
      withProxy({ refuse: 'close' }, async ({ url, requests }) => {
        const stderr =
          scheme === 'http'
            ? new RegExp(
                `: ${new URL(url).host.replaceAll('.', '\\.')} closed the connection without an answer$`,
                'm',
              )
            : /: the proxy has closed the connection: /;
        for (const name of ['loginfo', 'upload']) expectEnded(await ask(name, url), { code: 3, stderr });
        expect(requests.length).toBeLessThanOrEqual(3);
      }));

    it('that never answers is not waited for', () =>
      withProxy({ refuse: 'never' }, async ({ url }) => {
        for (const name of ['loginfo', 'upload']) {
          const ended = await ask(name, url, '--timeout', '700ms');
          expectEnded(ended, { code: 3, stderr: /: no whole answer within 0\.7 s\n$/ });
        }
      }));
  });
});

describe.concurrent('a certificate', () => {
  it('of an authority that is not given is refused, and the message says what to give', async () => {
    for (const name of ['loginfo', 'upload']) {
      expectEnded(await logged.user.run(asking(name, secure.url)), {
        code: 3,
        stderr: /: its certificate is not of an authority that this machine trusts: .*--ca-cert FILE.*\n$/,
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
    [
      'a.txt',
      /^stele: --ca-cert: a\.txt holds no certificate that can be read: it is neither PEM nor a certificate in DER\n$/,
    ],
    ['nothing', /^stele: --ca-cert: cannot read nothing: no such file or directory\n$/],
  ])('is not in %s', async (file, stderr) => {
    expectEnded(await logged.user.run(asking('loginfo', secure.url, '--ca-cert', file)), { code: 2, stderr });
  });
});

describe.concurrent('the token', () => {
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
    expect(stdout).toMatch(/^ {2}STELE_TOKEN +for a log behind a gate/m);
    expect(stdout).not.toContain('--token');
    expect((await logged.user.run(['completion', 'bash'])).stdout).not.toContain('--token');
  });

  it('that cannot be sent is refused, and not shown', async () => {
    for (const [token, why] of [
      ['a secret', /^stele: STELE_TOKEN is no token: it has spaces, or characters [^\n]*\n$/],
      ['', /^stele: STELE_TOKEN is empty: unset it, or give the token\n$/],
      ['Bearer secret', /^stele: STELE_TOKEN is the token alone, without "Bearer" before it\n$/],
    ] as const) {
      const ended = await logged.user.run(asking('loginfo', gate.url), { STELE_TOKEN: token });
      expectEnded(ended, { code: 2, stderr: why });
      expect(ended.stderr).not.toMatch(/s.?cret/);
    }
  });

  it('is not sent to the logs of several servers', async () => {
    let requests = 0;
    const log = () =>
      startStub((_request, response) => {
        requests++;
        response.writeHead(404).end();
      });
    const logs = await Promise.all([log(), log()]);
    const urls = logs.map(({ url }) => url);
    const trust = ['trust', ...urls, '--vkey', logged.daemon.verifierKey, '--output', 'several'];
    expectEnded(await logged.user.run(trust, { STELE_TOKEN: TOKEN }), {
      code: 2,
      stderr: /^stele: STELE_TOKEN is for one log: unset it, or write the trust files log by log\n$/,
    });
    expect(requests).toBe(0);
    for (const { close } of logs) close();
  });

  it.each([
    ['is quoted', (token: string) => `not Bearer ${token}`],
    ['is cut off', (token: string) => 'x'.repeat(190) + token],
    ['is in a message', (token: string) => JSON.stringify({ message: 'x'.repeat(990) + token })],
  ])('is not shown where a gate repeats it and it %s', async (_, answer) => {
    const token = 'Secret"Secret\\Secret';
    const stub = await startStub(({ method }, response) => {
      if (method === 'POST') response.writeHead(403).end(answer(token));
      else response.writeHead(404).end();
    });
    const ended = await logged.user.run(asking('upload', stub.url), { STELE_TOKEN: token });
    stub.close();
    expectEnded(ended, { code: 3, stderr: /: the log answers 403: / });
    expect(ended.stderr).not.toContain('Secret');
  });

  it.each(['loginfo', 'upload'])('that a gate refuses is named by %s', async (name) => {
    for (const status of [401, 403]) {
      const { url, close } = await startStub((_request, response) => {
        response.writeHead(name === 'upload' && _request.method === 'GET' ? 404 : status).end();
      });
      const refused = await logged.user.run(asking(name, url), { STELE_TOKEN: 'wrong' });
      expectEnded(refused, { code: 3, stderr: /: the gate before the log refuses the token in STELE_TOKEN/ });
      const without = await logged.user.run(asking(name, url));
      expect(without.code).toBe(3);
      // A bucket answers 403 too.
      expect(without.stderr.includes('STELE_TOKEN')).toBe(status === 401);
      close();
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
  let hasCheckpoint = true;
  const endless = await listen(
    createServer((request, response) => {
      if (request.method === 'GET' && !hasCheckpoint) {
        response.writeHead(404).end();
        return;
      }
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', write);
      write();
    }),
    'http',
  );
  await withProxy({}, async (proxy) => {
    const environment = { HTTP_PROXY: proxy.url };
    const log = `http://log.invalid:${port(endless)}`;
    const read = await logged.user.run(asking('loginfo', log), environment);
    expectEnded(read, { code: 1, stderr: /: has over \d+ bytes\n$/ });
    // What it answers to an entry.
    hasCheckpoint = false;
    const sent = await logged.user.run(asking('upload', log), environment);
    expectEnded(sent, { code: 3, stderr: /^stele: [^\n]+\n$/ });
  });
  endless.close();
});

it('no other origin than the log\u2019s was shown a token', () => {
  expect(shown.length).toBeGreaterThan(0);
  expect(new Set(shown)).toStrictEqual(new Set([undefined]));
});
