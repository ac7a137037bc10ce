/**
 * `stele upload`: every kind of key, by its private key or with a signature of openssl's. What is written is verified
 * by `stele verify`, and by Sigstore's own library.
 */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs';
import { bundleFromJSON } from 'sigstore-bundle-latest';
import { toSignedEntity, toTrustMaterial, Verifier } from 'sigstore-verify-latest';
import { createHash, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePublicKey } from '#src/signatures/node/public-key.js';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { answerSchema } from '../../support/answer-schema.js';
import {
  expectCase,
  expectEnded,
  jsonOf,
  startLoggedUser,
  startStub,
  type LoggedUser,
} from '../../support/cli.js';

let logged: LoggedUser;
let trustedRoot: string;

beforeAll(async () => {
  logged = await startLoggedUser();
  trustedRoot = await (await fetch(`${logged.daemon.url}/trusted_root.json`)).text();
});

afterAll(() => logged.stop());

const ecKey = (curve: string) => ['ecparam', '-name', curve, '-genkey', '-noout'];
const rsaKey = (bits: number) => ['genpkey', '-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`];

/** Every kind of key that a log takes: how openssl makes it, and with which digest it signs. */
const KEYS = [
  { name: 'p256', make: ecKey('prime256v1'), digest: 'sha256' },
  { name: 'p384', make: ecKey('secp384r1'), digest: 'sha384' },
  { name: 'p521', make: ecKey('secp521r1'), digest: 'sha512' },
  { name: 'rsa2048', make: rsaKey(2048), digest: 'sha256' },
  { name: 'rsa3072', make: rsaKey(3072), digest: 'sha256' },
  { name: 'rsa4096', make: rsaKey(4096), digest: 'sha256' },
  { name: 'ed25519', make: ['genpkey', '-algorithm', 'ED25519'], digest: 'sha512' },
] as const;

/** Makes a key pair, `<name>.pem` and `<name>.pub`, and an artifact, `<name>.txt`. */
async function makeKey({ name, make }: { name: string; make: readonly string[] }): Promise<void> {
  const { user } = logged;
  user.openssl(...make, '-out', `${name}.pem`);
  user.openssl('pkey', '-in', `${name}.pem`, '-pubout', '-out', `${name}.pub`);
  await user.write(`${name}.txt`, `the artifact of ${name}\n`);
}

/** Has @sigstore/verify judge a bundle with a bare key, by the trust file that the log serves. */
async function acceptedBySigstore(bundle: string, publicKey: string, artifact?: string): Promise<void> {
  const { user } = logged;
  const spki = createPublicKey(await user.read(publicKey)).export({ type: 'spki', format: 'der' });
  const hint = createHash('sha256').update(spki).digest('base64');
  const { keyDetails } = parsePublicKey(new Uint8Array(spki));
  const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(trustedRoot)), {
    [hint]: {
      rawBytes: spki,
      keyDetails: PublicKeyDetails[keyDetails],
      validFor: { start: new Date(0), end: undefined },
    },
  });
  const data = artifact === undefined ? undefined : await readFile(user.file(artifact));
  const entity = toSignedEntity(bundleFromJSON(JSON.parse(await user.read(bundle))), data);
  new Verifier(material, { timestampThreshold: 0 }).verify(entity);
}

describe.concurrent.each(KEYS)('a key of the kind $name', ({ name, make, digest }) => {
  it('signs and uploads in one step, and then its public key with a signature', async () => {
    const { user } = logged;
    await makeKey({ name, make });
    const ended = await user.run(['upload', '--key', `${name}.pem`, '--artifact', `${name}.txt`]);
    expectEnded(ended, { code: 0, stdout: new RegExp(`^Wrote ${name}\\.txt\\.sigstore\\.json\n`, 'm') });
    const bundle = `${name}.txt.sigstore.json`;
    if (name === 'ed25519') {
      // Sigstore's library takes no Ed25519ph.
      const args = ['verify', bundle, '--artifact', `${name}.txt`, '--public-key', `${name}.pub`];
      expectEnded(await user.run(args), { code: 0, stdout: /^Verified\n$/m });
    } else {
      await acceptedBySigstore(bundle, `${name}.pub`, `${name}.txt`);
    }

    const { content } = parseSigstoreBundle(await readFile(user.file(bundle)));
    if (content.type !== 'messageSignature') throw new Error('it is of an artifact');
    if (name === 'ed25519') {
      await user.write(`${name}.sig`, content.signature);
    } else {
      user.openssl('dgst', `-${digest}`, '-sign', `${name}.pem`, '-out', `${name}.sig`, `${name}.txt`);
      await user.write(`${name}.bundle.sig`, content.signature);
      user.openssl(
        ...[
          'dgst',
          `-${digest}`,
          '-verify',
          `${name}.pub`,
          '-signature',
          `${name}.bundle.sig`,
          `${name}.txt`,
        ],
      );
    }
    const signed = await user.run([
      ...['upload', '--artifact', `${name}.txt`, '--signature', `${name}.sig`, '--public-key', `${name}.pub`],
      ...['--format', 'json'],
    ]);
    expect(signed.code, signed.stderr).toBe(0);
    expect(jsonOf(signed)).toMatchObject({ Location: logged.daemon.url });
  });
});

describe.concurrent('a signature', () => {
  const flags = (...more: string[]) => ['upload', '--public-key', 'key.pub', ...more];
  const index = async (args: readonly string[]) => {
    const ended = await logged.user.run([...args, '--format', 'json']);
    expect(ended.code, ended.stderr).toBe(0);
    return jsonOf(ended)['Index'];
  };

  it('may be raw or base64, of a file or of its hash: it stays one entry', async () => {
    const { user } = logged;
    user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'raw.sig', 'other.txt');
    await user.write('base64.sig', user.openssl('base64', '-in', 'raw.sig'));
    await user.write('cosign.sig', user.openssl('base64', '-A', '-in', 'raw.sig'));
    const hash = createHash('sha256')
      .update(await user.read('other.txt'))
      .digest('hex');
    const first = await index(flags('--artifact', 'other.txt', '--signature', 'raw.sig'));
    const again = await Promise.all([
      index(flags('--artifact', 'other.txt', '--signature', 'raw.sig')),
      index(flags('--artifact', 'other.txt', '--signature', 'base64.sig')),
      index(flags('--artifact-hash', hash, '--signature', 'cosign.sig')),
      index(flags('--artifact-hash', `SHA256:${hash.toUpperCase()}`, '--signature', 'raw.sig')),
    ]);
    expect(again).toStrictEqual([first, first, first, first]);
  });

  it('may be by a certificate, and have a bundle if that is asked for', async () => {
    const { user } = logged;
    const made = [
      '-subj',
      '/CN=someone',
      '-addext',
      'subjectAltName=email:someone@a.example',
      '-out',
      'key.crt',
    ];
    user.openssl('req', '-x509', '-new', '-key', 'key.pem', '-days', '1', ...made);
    user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'by-certificate.sig', 'a.txt');
    const signed = ['--artifact', 'a.txt', '--signature', 'by-certificate.sig', '--public-key', 'key.crt'];
    expectEnded(await user.run(['upload', ...signed, '--output', 'crt.json']), {
      code: 0,
      stdout: /^Wrote crt\.json$/m,
      stderr: /^crt\.json has no time stamp: /,
    });
    expect(await user.read('crt.json')).toContain('"certificate":');
    expectEnded(await user.run(['verify', 'crt.json', '--artifact', 'a.txt', '--public-key', 'key.crt']), {
      code: 0,
      stdout: /^Verified$/m,
    });
    expectEnded(await user.run(['verify', 'crt.json', '--artifact', 'a.txt']), {
      code: 1,
      stdout:
        /by a certificate that says someone@a\.example[^]*^NOT CHECKED the certificate, and so who signed/m,
      stderr: /^stele: not verified, /,
    });
  });

  it('that does not verify is not sent', async () => {
    const { user } = logged;
    user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'of-a.sig', 'a.txt');
    const args = flags('--artifact', 'other.txt', '--signature', 'of-a.sig', '--output', 'no.json');
    await expectCase(user, { args, code: 1, stderr: /^stele: signature: does not verify over the digest/m });
    await expect(user.read('no.json')).rejects.toThrow(/ENOENT/);
  });
});

describe.concurrent('an envelope', () => {
  it('is logged with --type dsse, and verified from its bundle and from the log', async () => {
    const { user } = logged;
    const [type, payload] = ['text/plain', 'what was signed'];
    await user.write('pae', `DSSEv1 ${type.length} ${type} ${payload.length} ${payload}`);
    const sig = user.openssl('dgst', '-sha256', '-sign', 'key.pem', 'pae').toString('base64');
    const envelope = {
      payload: Buffer.from(payload).toString('base64'),
      payloadType: type,
      signatures: [{ sig }],
    };
    await user.write('envelope.json', JSON.stringify(envelope));
    const args = ['--type', 'dsse', '--artifact', 'envelope.json', '--public-key', 'key.pub'];
    expectEnded(await user.run(['upload', ...args, '--output', 'dsse.json']), {
      code: 0,
      stdout: /^Wrote dsse\.json$/m,
    });
    await acceptedBySigstore('dsse.json', 'key.pub');
    expectEnded(await user.run(['verify', ...args]), { code: 0, stdout: /^Verified$/m });
    // What was signed is what the envelope holds.
    await user.write('payload.txt', payload);
    const offline = ['verify', 'dsse.json', '--public-key', 'key.pub', '--artifact'];
    expectEnded(await user.run([...offline, 'payload.txt']), { code: 0, stdout: /^Verified$/m });
    expectEnded(await user.run([...offline, 'other.txt']), {
      code: 1,
      stdout: /^entry /m,
      stderr: /payload \(text\/plain\) is not the artifact/,
    });
    await user.write('envelope.json', JSON.stringify({ ...envelope, payload: 'e30=' }));
    expectEnded(await user.run(['upload', ...args]), { code: 1, stderr: /does not verify/ });
  });
});

describe.concurrent('what upload prints', () => {
  const signed = ['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'printed.json'];

  it('says where the entry is, in a pipe and in a terminal', () =>
    expectCase(logged.user, {
      args: signed,
      code: 0,
      stdout:
        /^Entry at index \d+ of 127\.0\.0\.1, available at: http:\S+\nUUID: [0-9a-f]{64}\nProved: in the tree of \d+ entries that 127\.0\.0\.1 signed\nWrote printed\.json$/m,
    }));

  it('is JSON, or what Sigstore has for an entry', async () => {
    const json = jsonOf(await logged.user.run([...signed, '--format', 'json']));
    expect(Object.keys(json)).toStrictEqual([
      'AlreadyExists',
      'Index',
      'UUID',
      'TreeSize',
      'Location',
      'Bundle',
    ]);
    const tle = jsonOf(await logged.user.run([...signed, '--format', 'tle']));
    expect(() => answerSchema.parse(tle)).not.toThrow();
  });
});

it.concurrent('waits where the log is busy, and then is fine', async () => {
  const { user, daemon } = logged;
  let tries = 0;
  const busy = await startStub((request, response) => {
    void text(request).then(async (body) => {
      if (request.method === 'GET') {
        const read = await fetch(`${daemon.url}${request.url ?? ''}`);
        response.writeHead(read.status).end(Buffer.from(await read.arrayBuffer()));
        return;
      }
      if (++tries < 3) {
        response.writeHead(503, { 'retry-after': '0' }).end('{"message":"busy"}');
        return;
      }
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${daemon.url}${request.url ?? ''}`, { method: 'POST', headers, body });
      response.writeHead(answer.status).end(await answer.text());
    });
  });
  const args = ['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'busy.json'];
  const ended = await user.run([...args, '--rekor_server', busy.url, '--vkey', daemon.verifierKey]);
  busy.close();
  expectEnded(ended, { code: 0, stdout: /^Wrote busy\.json$/m });
  expect(tries).toBe(3);
});
