/**
 * The messages for errors of the system, of OpenSSL and of the network: what is wrong, where, and what to do.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectEnded, startLoggedUser, type LoggedUser, type User } from '../support/cli.js';
import { listenOnFreePort } from '../support/free-port.js';

let logged: LoggedUser;
let user: User;
/** A TLS server with a self-signed certificate. */
let tls: { readonly port: number; readonly close: () => void };

beforeAll(async () => {
  logged = await startLoggedUser();
  ({ user } = logged);
  await mkdir(user.file('folder'));
  await mkdir(user.file('keyless', 'store'), { recursive: true });
  await mkdir(user.file('keyless', 'log.vkey'));
  await user.write('keyless/store/checkpoint', await user.read('data/store/checkpoint'));
  user.openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'tls.key', '-out', 'tls.crt'],
    ...['-days', '1', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
  );
  user.openssl('pkey', '-in', 'key.pem', '-aes256', '-passout', 'pass:x', '-out', 'encrypted.pem');
  user.openssl('genpkey', '-algorithm', 'ED25519', '-out', 'ed.pem');
  user.openssl('pkey', '-in', 'ed.pem', '-pubout', '-out', 'ed.pub');
  user.openssl('pkeyutl', '-sign', '-rawin', '-in', 'a.txt', '-inkey', 'ed.pem', '-out', 'pure.sig');
  const key = 'AAAA'.repeat(20);
  const pem = (label: string) => `-----BEGIN ${label}-----\n${key}\n-----END ${label}-----\n`;
  await user.write('cosign.key', pem('ENCRYPTED SIGSTORE PRIVATE KEY'));
  await user.write('ssh.sig', pem('SSH SIGNATURE'));
  const server = createServer(
    { key: await user.read('tls.key'), cert: await user.read('tls.crt') },
    (_, response) => {
      response.end();
    },
  );
  tls = {
    port: await listenOnFreePort(server),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
});

afterAll(async () => {
  tls.close();
  await logged.stop();
});

const VERIFY = 'verify a.txt.sigstore.json --public-key key.pub --artifact';
const SIGNED = 'upload --artifact a.txt --output made.json --public-key';
const SIGN = 'upload --artifact a.txt --output made.json --key';

describe('a file that cannot be read or written', () => {
  it.each([
    ['loginfo --config', /^stele: --config takes a value: --config FILE$/m],
    [
      'loginfo --config none',
      /^stele: the configuration file: cannot read none: no such file or directory$/m,
    ],
    ['loginfo --config folder', /^stele: the configuration file: cannot read folder: it is a folder$/m],
    [
      'loginfo --rekor_server keyless',
      /^stele: cannot read the log's key in keyless\/log\.vkey: it is a folder$/m,
    ],
    [`${VERIFY} folder`, /^stele: --artifact: folder is not a file$/m],
    ['verify folder --vkey none', /^stele: BUNDLE: cannot read folder: it is a folder$/m],
    ['get --log-index -1', /^stele: --log-index: "-1" is not a whole number from 0 to 2\^53 - 1$/m],
    [
      'keygen --origin a.example --key key.pem',
      /^stele: cannot make the key file key\.pem: it already exists, and a key is never overwritten\. Give --key another name$/m,
    ],
    [
      'keygen --origin a.example --key none/log.key',
      /^stele: cannot make the key file none\/log\.key: no such file or directory$/m,
    ],
    [
      'trust folder/none',
      /^stele: folder\/none is neither a trusted_root\.json nor a log's folder with one in it$/m,
    ],
    [
      'rebuild-staging --data folder --key folder',
      /^stele: cannot read the key file folder: it is a folder$/m,
    ],
  ])('%s', async (line, stderr) => {
    expectEnded(await user.run(line.split(' ')), { code: 2, stderr });
  });

  it.runIf(existsSync('/proc/self/mem'))('is named where it breaks off while it is read', async () => {
    expectEnded(await user.run(`${VERIFY} /proc/self/mem`.split(' ')), {
      code: 2,
      stderr: /^stele: --artifact: cannot read \/proc\/self\/mem: i\/o error$/m,
    });
  });

  it.runIf(existsSync('/dev/full'))('is named where there is no room', async () => {
    expectEnded(await user.run(['get', '--log-index', '0', '--proof', 'full.json'], {}), {
      code: 0,
      stdout: /^Wrote full\.json$/m,
    });
    const full = spawnSync('ln', ['-sf', '/dev/full', user.file('disk.json')]);
    expect(full.status).toBe(0);
    expectEnded(await user.run(['get', '--log-index', '0', '--proof', 'disk.json']), {
      code: 2,
      stderr: /^stele: --proof: cannot write disk\.json: no space is left on its disk: make room there$/m,
    });
  });

  it('in a log is named, where it is a folder', async () => {
    await rename(user.file('folder'), user.file('store'));
    await mkdir(user.file('store', 'checkpoint'), { recursive: true });
    expectEnded(await user.run(['loginfo', '--rekor_server', 'store', '--vkey', logged.daemon.verifierKey]), {
      code: 1,
      stderr: /^stele: checkpoint: store\/checkpoint is a folder, where the log has a file\. Move it away/m,
    });
  });
});

describe('a key or signature of another kind', () => {
  it.each([
    [
      `${SIGN} encrypted.pem`,
      2,
      /: it is encrypted: decrypt it first \(openssl pkey -in encrypted\.pem -out DECRYPTED\)$/m,
    ],
    [
      `${SIGN} cosign.key`,
      2,
      /: it is cosign's, which cosign alone decrypts\. Let cosign sign and log: cosign sign-blob --key cosign\.key --signing-config/,
    ],
    [
      `${SIGNED} ed.pub --signature pure.sig`,
      1,
      /^stele: signature: does not verify .*, as Ed25519ph: Stele takes no pure Ed25519 signature \(stele upload --key makes an Ed25519ph one\)$/m,
    ],
    [
      `${SIGNED} key.pub --signature ssh.sig`,
      2,
      /^stele: --signature: ssh\.sig holds PEM \(SSH SIGNATURE\): a signature is bare, raw or in base64/m,
    ],
  ])('%s', async (line, code, stderr) => {
    expectEnded(await user.run(line.split(' ')), { code, stderr });
  });

  const HAS_SSH = spawnSync('sh', ['-c', 'command -v ssh-keygen']).status === 0;

  it.runIf(HAS_SSH)(
    'of OpenSSH is converted by the command that is shown, or said to have no other form',
    async () => {
      for (const type of ['ecdsa', 'ed25519'])
        execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', user.file(`ssh-${type}`)]);
      const refused = await user.run(`${SIGN} ssh-ecdsa`.split(' '));
      expectEnded(refused, { code: 2, stderr: /it is in the format of OpenSSH: convert a copy \(.*\)$/m });
      const [, line = ''] = /convert a copy \((.*)\)$/m.exec(refused.stderr) ?? [];
      expect((await user.shell(line)).code).toBe(0);
      expectEnded(await user.run(`${SIGN} ssh-ecdsa.pem`.split(' ')), {
        code: 0,
        stdout: /^Wrote made\.json$/m,
      });
      expectEnded(await user.run(`${SIGN} ssh-ed25519`.split(' ')), {
        code: 2,
        stderr:
          /an Ed25519 key in the format of OpenSSH, which ssh-keygen writes in no other: make one for signing/,
      });
      const verify = ['verify', 'made.json', '--artifact', 'a.txt', '--public-key'];
      const unread = await user.run([...verify, 'ssh-ecdsa.pub']);
      expectEnded(unread, { code: 2, stderr: /ssh-ecdsa\.pub is an SSH key: convert it first \(.*\)$/m });
      const [, convert = ''] = /convert it first \((.*)\)$/m.exec(unread.stderr) ?? [];
      await user.shell(convert);
      expectEnded(await user.run([...verify, 'ssh-ecdsa.pub.pem']), { code: 0, stdout: /^Verified$/m });
    },
  );
});

describe('a server that speaks otherwise', () => {
  const at = (url: string) => [
    'loginfo',
    '--rekor_server',
    url,
    '--vkey',
    logged.daemon.verifierKey,
    '--retry',
    '0',
  ];

  it('plain HTTP, asked by TLS', async () => {
    expectEnded(await user.run(at(logged.daemon.url.replace('http:', 'https:'))), {
      code: 3,
      stderr: /^stele: https:\S+\/checkpoint: it does not answer in TLS: does it speak http:\/\/\?$/m,
    });
  });

  it.each([
    ['an alert of TLS', Buffer.from([0x15, 3, 3, 0, 2, 2, 10])],
    ['the status 400', Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
  ])('TLS, asked by plain HTTP, that answers with %s', async (_, answer) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined).end(answer);
    });
    const port = await listenOnFreePort(server);
    expectEnded(await user.run(at(`http://127.0.0.1:${port}`)), {
      code: 3,
      stderr: /^stele: http:\S+\/checkpoint: .*: does it speak https:\/\/\?$/m,
    });
    server.close();
  });

  it.each([
    ['closes the connection', '', /: 127\.0\.0\.1:\d+ closed the connection without an answer$/m],
    ['speaks SSH', 'SSH-2.0-OpenSSH_9.2\r\n', /\/checkpoint: its answer is no HTTP$/m],
    [
      'breaks off',
      'HTTP/1.1 200 OK\r\nContent-',
      /: 127\.0\.0\.1:\d+ closed the connection before its answer ended$/m,
    ],
  ])('one that %s is not taken for TLS', async (_, answer, stderr) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(answer));
    });
    const port = await listenOnFreePort(server);
    expectEnded(await user.run(at(`http://127.0.0.1:${port}`)), { code: 3, stderr });
    server.close();
  });

  it('TLS with a certificate of nobody known', async () => {
    expectEnded(await user.run(at(`https://127.0.0.1:${tls.port}`)), {
      code: 3,
      stderr:
        /^stele: https:\S+\/checkpoint: its certificate is not of an authority that this machine trusts: .*--ca-cert FILE/m,
    });
  });
});
