/**
 * Logs that cannot be reached: each command says so in one line and exits with 3, in a pipe and in a terminal.
 */
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCase, expectEnded, jsonOf, startStub, User, type Stub } from '../support/cli.js';

let user: User;
let vkey: string;
let stubs: Record<'busy' | 'nothing' | 'hanging' | 'page' | 'forbidden' | 'broken', Stub>;

beforeAll(async () => {
  user = await User.create();
  user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
  await user.write('a.txt', 'an artifact\n');
  await mkdir(user.file('folder'));
  [vkey = ''] = (await user.run(['keygen', '--origin', '127.0.0.1', '--key', 'log.key'])).stdout.split('\n');
  stubs = {
    busy: await startStub((_request, response) => {
      response.writeHead(503, { 'retry-after': '1' }).end('{"message":"come\\u001b[2Jlater\\nVerified"}');
    }),
    nothing: await startStub((_request, response) => response.writeHead(404).end('nothing')),
    hanging: await startStub(() => undefined),
    page: await startStub((_request, response) => response.end('<html>sign in to use this network</html>')),
    forbidden: await startStub((_request, response) => response.writeHead(403).end()),
    broken: await startStub((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('127', () => response.destroy());
    }),
  };
});

afterAll(async () => {
  for (const { close } of Object.values(stubs)) close();
  await user.remove();
});

/** The commands that ask a log for something. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  upload: ['upload', '--artifact', 'a.txt', '--key', 'key.pem'],
  verify: ['verify', '--log-index', '0'],
  get: ['get', '--log-index', '0'],
  loginfo: ['loginfo'],
  logproof: ['logproof'],
  fsck: ['fsck'],
  trust: ['trust', '--output', 'trust'],
};

/** A log's place as a flag; for `trust`, as an argument. */
function asking(name: string, log: string, { retry = '0', timeout = '5s' } = {}): string[] {
  const command = [...(COMMANDS[name] ?? []), '--vkey', vkey, '--retry', retry, '--timeout', timeout];
  return name === 'trust' ? [...command, log] : [...command, '--rekor_server', log];
}

describe.concurrent.each(Object.keys(COMMANDS))('%s', (name) => {
  it('of a port at which nobody listens', () =>
    expectCase(user, {
      args: asking(name, 'http://127.0.0.1:1'),
      code: 3,
      stderr: /^stele: http:\/\/127\.0\.0\.1:1\/\S+: connect ECONNREFUSED/m,
    }));

  it('of a server that has no log', async () => {
    const ended = await user.run(asking(name, stubs.nothing.url));
    expectEnded(ended, {
      code: 3,
      stderr: name === 'upload' ? /api\/v2\/log\/entries: the log answers 404: "nothing"/ : /no log is here/,
    });
    expect(ended.stderr).toContain(stubs.nothing.url);
  });
});

describe.concurrent.each(['upload', 'loginfo'])('%s', (name) => {
  it('of a host that there is not, said as JSON too', async () => {
    const ended = await user.run([...asking(name, 'http://host.invalid'), '--format', 'json']);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/^stele: http:\/\/host\.invalid\/\S+: getaddrinfo \w+ host\.invalid\n$/);
    const message = ended.stderr.slice('stele: '.length, -1);
    expect(jsonOf(ended)).toStrictEqual({ error: { code: 3, message } });
  });

  it('of a server that is busy', async () => {
    expectEnded(await user.run(asking(name, stubs.busy.url)), { code: 3, stderr: /answers 503\n$/ });
  });

  it('of a server that hangs', async () => {
    const begun = performance.now();
    const args = asking(name, stubs.hanging.url, { timeout: '500ms' });
    expectEnded(await user.run(args), { code: 3, stderr: /: no whole answer within 0\.5 s$/m });
    expect(performance.now() - begun).toBeGreaterThan(500);
  });

  it('of a server that forbids it', async () => {
    expectEnded(await user.run(asking(name, stubs.forbidden.url)), { code: 3, stderr: /answers 403/ });
  });

  it('of a server that breaks off', async () => {
    expectEnded(await user.run(asking(name, stubs.broken.url)), { code: 3, stderr: /^stele: http:\S+: \S+/ });
  });
});

describe.concurrent('a server that answers with a page of its own', () => {
  it.each(['upload', 'loginfo', 'fsck', 'trust'])('is not believed by %s', async (name) => {
    const { code, stdout, stderr } = await user.run(asking(name, stubs.page.url));
    expect({ code, page: (stdout + stderr).includes('Verif') }).toStrictEqual({ code: 1, page: false });
    expect(stdout + stderr).toMatch(/is not JSON|note has no blank line/);
  });
});

describe.concurrent('a folder', () => {
  it.each(['verify', 'get', 'loginfo', 'logproof', 'fsck'])('without a log, given to %s', async (name) => {
    const [command = []] = [COMMANDS[name]];
    const key = name === 'loginfo' ? [] : ['--vkey', vkey];
    expectEnded(await user.run([...command, '--rekor_server', 'folder', ...key]), {
      code: 3,
      stderr: /^stele: folder holds no log: there is no checkpoint in it, or in its store\/$/m,
    });
  });

  it('that is not there', () =>
    expectCase(user, {
      args: ['fsck', '127.0.0.1:3000'],
      code: 2,
      stderr: /^stele: there is no folder 127\.0\.0\.1:3000: give .* its URL with http:\/\/ or https:\/\/$/m,
    }));
});

it.concurrent('an upload is tried again as often as is said, and then is no more', async () => {
  const asked: string[] = [];
  const stub = await startStub((request, response) => {
    // The daemon redirects readers to another server for the log's files.
    if (request.method === 'GET') {
      response.writeHead(404).end();
      return;
    }
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.writeHead(503).end('{"message":"come\\u001b[2Jlater\\nVerified"}');
  });
  const args = [...asking('upload', `${stub.url}/`, { retry: '1' }), '--output', 'never.json'];
  expectEnded(await user.run(args), {
    code: 3,
    stderr:
      /answers 503: come\\u001b\[2Jlater\\u000aVerified\. The signature is kept in never\.json\.signature, so/,
  });
  stub.close();
  expect(asked).toStrictEqual(['POST /api/v2/log/entries', 'POST /api/v2/log/entries']);
  await expect(user.read('never.json')).rejects.toThrow(/ENOENT/);
});
