/**
 * Signing an artifact, as the log takes it.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '#src/signatures/algorithms.js';
import { signEd25519ph, verifyEd25519ph } from '#src/signatures/ed25519ph.js';
import { readPrivateKey } from '#src/keys/node/private-key.js';
import { signArtifact } from '#src/signatures/node/sign.js';
import { verifySignatures } from '#src/signatures/node/verify.js';

const ARTIFACT = Buffer.from('an artifact');

async function* artifact() {
  await Promise.resolve();
  yield ARTIFACT.subarray(0, 3);
  yield ARTIFACT.subarray(3);
}

/** Signs the artifact with the key in a file of this name. */
async function sign(pem: string | Buffer, name: string) {
  return signArtifact(readPrivateKey(Buffer.from(pem), name), name, artifact());
}

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const SPKI = { type: 'spki', format: 'der' } as const;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;

describe('Ed25519ph', () => {
  it('signs as RFC 8032, section 7.3, has it', () => {
    const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
    const seed = hex('833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42');
    const digest = new Uint8Array(createHash('sha512').update('abc').digest());
    const signature = signEd25519ph(seed, digest);
    expect(Buffer.from(signature).toString('hex')).toBe(
      '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
        '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    );
    // RFC 8410: what PKCS#8 has before the seed.
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const spki = createPublicKey(createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' })).export(SPKI);
    const point = new Uint8Array(spki.subarray(-32));
    expect(verifyEd25519ph(point, digest, signature)).toBeUndefined();
  });

  it('signs so that it verifies, with any key', async () => {
    for (let i = 0; i < 20; i++) {
      const { privateKey } = generateKeyPairSync('ed25519');
      const signed = await sign(privateKey.export(PKCS8), 'key.pem');
      expect(verifySignatures([{ ...signed, key: signed.spki }])).toStrictEqual([undefined]);
    }
  });
});

describe('a private key', () => {
  it.each([
    ['ECDSA P-256', ec('P-256')],
    ['ECDSA P-384', ec('P-384')],
    ['ECDSA P-521', ec('P-521')],
    ['RSA 2048', rsa(2048)],
    ['RSA 3072', rsa(3072)],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey],
  ])('%s signs by the algorithm that the log pairs with it', async (name, key) => {
    const signed = await sign(key.export(PKCS8), 'key.pem');
    expect(signed.algorithm).toBe(ALGORITHMS.find((known) => known.key === name));
    expect(Buffer.from(signed.digest)).toStrictEqual(
      createHash(signed.algorithm.digestName).update(ARTIFACT).digest(),
    );
    expect(verifySignatures([{ ...signed, key: signed.spki }])).toStrictEqual([undefined]);
  });

  it('may be in the older forms, too', async () => {
    for (const pem of [
      ec('P-256').export({ type: 'sec1', format: 'pem' }),
      rsa(2048).export({ type: 'pkcs1', format: 'pem' }),
    ]) {
      const signed = await sign(pem, 'key.pem');
      expect(verifySignatures([{ ...signed, key: signed.spki }])).toStrictEqual([undefined]);
    }
  });

  const encrypted = ec('P-256').export({ ...PKCS8, cipher: 'aes-256-cbc', passphrase: 'secret' });
  const { publicKey } = generateKeyPairSync('ed25519');

  it.each([
    ['that is none', 'nonsense', /^k is no private key in PEM that can be used: it holds no PEM block$/],
    ['that is nothing', '', /it holds no PEM block$/],
    ['that is encrypted', encrypted, /: it is encrypted: decrypt it first/],
    ['that is public', publicKey.export({ type: 'spki', format: 'pem' }), /: it holds PUBLIC KEY$/],
    [
      'that is damaged',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      /: its PRIVATE KEY is damaged, or of an unknown type$/,
    ],
    ['that is too short', rsa(1024).export(PKCS8), /^k holds a key that the log does not take: .* 1024 bits/],
    ['on another curve', ec('secp256k1').export(PKCS8), /^k holds a key .*secp256k1/],
    [
      'of another type',
      generateKeyPairSync('ed448').privateKey.export(PKCS8),
      /^k holds a key that the log does not take/,
    ],
  ])('%s is refused', async (_what, pem, message) => {
    await expect(sign(pem, 'k')).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is read as node:crypto reads it', () => {
    // The seed is taken from the end of its PKCS#8: RFC 8410 has nothing after it in the form that Node writes.
    const { privateKey } = generateKeyPairSync('ed25519');
    const der = privateKey.export({ type: 'pkcs8', format: 'der' });
    expect(der.length).toBe(48);
    expect(createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).equals(privateKey)).toBe(true);
  });
});
