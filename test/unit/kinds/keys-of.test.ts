/**
 * What finds an entry: the search keys of its body, against what openssl says of keys and certificates.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { keysOf } from '#src/kinds/read-entry.js';
import { decodeText } from '#tiles-spec/bytes.js';
import { encodeText } from '#tiles-spec/bytes.js';

import { OpenSsl } from '../../support/openssl-keys.js';

const openssl = new OpenSsl();
afterAll(() => {
  openssl.remove();
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const leafKey = (body: Uint8Array) => `leaf:${sha256(Buffer.concat([Buffer.of(0), body]))}`;

/** A logged body with this verifier, in canonical form. */
function bodyOf(
  verifier: object,
  algorithm = 'SHA2_256',
  digest: Uint8Array = Buffer.alloc(32, 1),
): Uint8Array {
  return encodeText(
    JSON.stringify({
      apiVersion: '0.0.2',
      kind: 'hashedrekord',
      spec: {
        hashedRekordV002: {
          data: { algorithm, digest: Buffer.from(digest).toString('base64') },
          signature: { content: 'AA==', verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', ...verifier } },
        },
      },
    }),
  );
}

const inField = (name: 'publicKey' | 'x509Certificate', der: Uint8Array) => ({
  [name]: { rawBytes: Buffer.from(der).toString('base64') },
});

/** A key and a certificate of it, in DER and in PEM. */
function make(genpkey: readonly string[], ...extensions: string[]) {
  openssl.run('genpkey', ...genpkey, '-out', 'key.pem');
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  openssl.run(
    'req',
    '-x509',
    '-new',
    '-key',
    'key.pem',
    '-subj',
    '/CN=Not A Name',
    ...added,
    '-out',
    'cert.pem',
  );
  const spki = openssl.run('pkey', '-in', 'key.pem', '-pubout', '-outform', 'DER');
  const keyPem = openssl.run('pkey', '-in', 'key.pem', '-pubout');
  const certificate = openssl.run('x509', '-in', 'cert.pem', '-outform', 'DER');
  const certificatePem = openssl.run('x509', '-in', 'cert.pem');
  return { spki, keyPem, certificate, certificatePem };
}

const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

describe('keysOf', () => {
  it.each([
    ['P-256', P256],
    ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['RSA', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('a %s key: the digest, the key, and its PEM as openssl writes it', (_, genpkey) => {
    const { spki, keyPem } = make(genpkey);
    const body = bodyOf(inField('publicKey', spki));
    expect(keysOf(body)).toStrictEqual([
      leafKey(body),
      `sha256:${'01'.repeat(32)}`,
      `spki:${sha256(spki)}`,
      `pem:${sha256(keyPem)}`,
    ]);
  });

  it('a certificate: its key, itself, and its names in their normal form', () => {
    const { spki, keyPem, certificate, certificatePem } = make(
      P256,
      'subjectAltName=email:Jane.Doe@Example.COM,URI:https://github.com/Org/Repo/.github/workflows/Release.yml@refs/heads/Main,DNS:WWW.Example.COM,IP:192.0.2.1',
    );
    const body = bodyOf(inField('x509Certificate', certificate));
    expect(keysOf(body)).toStrictEqual([
      leafKey(body),
      `sha256:${'01'.repeat(32)}`,
      `spki:${sha256(spki)}`,
      `pem:${sha256(keyPem)}`,
      `pem:${sha256(certificatePem)}`,
      // What is before the @ is the mail server's to compare; a path has its own case.
      'san:Jane.Doe@example.com',
      'san:https://github.com/Org/Repo/.github/workflows/Release.yml@refs/heads/Main',
      'san:www.example.com',
      'san:192.0.2.1',
    ]);
  });

  it('a certificate without names, with one, and with one that has two @', () => {
    const sans = (...extensions: string[]) => {
      const { certificate } = make(P256, ...extensions);
      return keysOf(bodyOf(inField('x509Certificate', certificate))).filter((key) => key.startsWith('san:'));
    };
    expect(sans()).toStrictEqual([]);
    expect(sans('subjectAltName=critical,email:a@B.example')).toStrictEqual(['san:a@b.example']);
    expect(sans('subjectAltName=email:"x@y"@Z.example')).toHaveLength(1);
  });

  it('names the digest by its hash', () => {
    const { spki } = make(P256);
    for (const [algorithm, prefix, length] of [
      ['SHA2_256', 'sha256', 32],
      ['SHA2_384', 'sha384', 48],
      ['SHA2_512', 'sha512', 64],
    ] as const) {
      const digest = randomBytes(length);
      const [, first] = keysOf(bodyOf(inField('publicKey', spki), algorithm, digest));
      expect(first).toBe(`${prefix}:${digest.toString('hex')}`);
    }
  });

  it('is the leaf hash alone for a body that is not the canonical form of a known kind', () => {
    const { spki } = make(P256);
    const text = decodeText(bodyOf(inField('publicKey', spki)), 'body');
    const others = [
      '',
      '{',
      '{}',
      '{"apiVersion":"0.0.1","kind":"rekord","spec":{"any":[1]}}',
      '{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"any":[1]}}',
      '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{}}',
      // The same entry, otherwise written.
      `${text} `,
      text.replace(':', ': '),
      text.replace('hashedrekord', '\\u0068ashedrekord'),
      text.replace(
        '"apiVersion":"0.0.2","kind":"hashedrekord"',
        '"kind":"hashedrekord","apiVersion":"0.0.2"',
      ),
      // The same with a field more, or a digest of another length.
      text.replace('"data":{', '"data":{"a":1,'),
      text.replace('SHA2_256', 'SHA2_384'),
    ];
    expect(keysOf(encodeText(text))).toHaveLength(4);
    for (const other of others) {
      expect(other).not.toBe(text);
      expect(keysOf(encodeText(other)), other).toStrictEqual([leafKey(encodeText(other))]);
    }
    expect(keysOf(Uint8Array.of(0xff, 0xfe))).toStrictEqual([leafKey(Uint8Array.of(0xff, 0xfe))]);
  });
});
