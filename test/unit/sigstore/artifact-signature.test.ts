import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '#src/errors.js';
import { preAuthenticationEncoding } from '#src/signatures/pre-authentication-encoding.js';
import {
  artifactOfBytes,
  artifactOfDigests,
  verifyArtifactSignature,
} from '#src/sigstore/verify/node/artifact-signature.js';
import type { DigestName } from '#src/signatures/digests.js';
import {
  parseSigstoreBundle,
  type DsseEnvelope,
  type MessageSignature,
  type SigstoreBundle,
} from '#src/sigstore/bundle/sigstore-bundle.js';
import { readPublicKeyFile } from '#src/keys/node/public-key-file.js';
import { concatBytes, encodeText } from '#tiles-spec/bytes.js';
import { FormatError, ProofError } from '#tiles-spec/index.js';
import { describeWithVectors, readVector } from '../../support/vectors.js';
import { pemFile } from '../../support/public-bundles.js';

const ARTIFACT = encodeText('an artifact');
const LABELS = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' } as const;

const KEYS = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ed25519: generateKeyPairSync('ed25519'),
};

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const digestOf = (name: DigestName, bytes: Uint8Array = ARTIFACT) =>
  new Uint8Array(createHash(name).update(bytes).digest());

function bundleOf(content: SigstoreBundle['content']): SigstoreBundle {
  return { content, material: { type: 'publicKey', hint: '' }, entries: [], timestamps: [] };
}

function message(name: DigestName, signature: Uint8Array): MessageSignature {
  return { type: 'messageSignature', digestAlgorithm: LABELS[name], digest: digestOf(name), signature };
}

const onlyDigest = (name: DigestName) => artifactOfDigests({ [name]: digestOf(name) });

describe('message signatures', () => {
  it.each<[keyof typeof KEYS, DigestName]>([
    ['p256', 'sha256'],
    ['p256', 'sha512'],
    ['p384', 'sha384'],
    ['p384', 'sha256'],
    ['p521', 'sha512'],
    ['rsa', 'sha256'],
  ])('%s over %s: verified, from the digest alone too', (key, name) => {
    const { privateKey, publicKey } = KEYS[key];
    const signature = new Uint8Array(sign(name, ARTIFACT, privateKey));
    const bundle = bundleOf(message(name, signature));
    for (const artifact of [artifactOfBytes(ARTIFACT), onlyDigest(name), undefined])
      verifyArtifactSignature(bundle, spkiOf(publicKey), artifact);

    const refusal = (
      changed: SigstoreBundle,
      spki = spkiOf(publicKey),
      artifact = artifactOfBytes(ARTIFACT),
    ) =>
      expect(() => {
        verifyArtifactSignature(changed, spki, artifact);
      });
    refusal(bundleOf(message(name, signature.with(20, (signature[20] ?? 0) ^ 1)))).toThrow(ProofError);
    refusal(bundle, spkiOf(generateKeyPairSync('ed25519').publicKey)).toThrow(/signature/);
    refusal(bundle, spkiOf(publicKey), artifactOfBytes(encodeText('another'))).toThrow(
      /over another artifact/,
    );
    const other = name === 'sha256' ? 'sha384' : 'sha256';
    refusal(bundle, spkiOf(publicKey), onlyDigest(other)).toThrow(/is not known of the artifact/);
  });

  it('RSA over sha512: verified from the artifact alone', () => {
    const bundle = bundleOf(message('sha512', sign('sha512', ARTIFACT, KEYS.rsa.privateKey)));
    const spki = spkiOf(KEYS.rsa.publicKey);
    verifyArtifactSignature(bundle, spki, artifactOfBytes(ARTIFACT));
    expect(() => {
      verifyArtifactSignature(bundle, spki, onlyDigest('sha512'));
    }).toThrow(/from a sha512 digest alone: the artifact itself is needed/);
  });

  it('Ed25519: over the artifact as it is, and over its digest', () => {
    const { privateKey, publicKey } = KEYS.ed25519;
    const spki = spkiOf(publicKey);
    const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
    const pure = sign(null, ARTIFACT, privateKey);
    const ph = ed25519ph.sign(ARTIFACT, new Uint8Array(seed));
    verifyArtifactSignature(bundleOf(message('sha256', pure)), spki, artifactOfBytes(ARTIFACT));
    verifyArtifactSignature(bundleOf(message('sha512', pure)), spki, artifactOfBytes(ARTIFACT));
    verifyArtifactSignature(bundleOf(message('sha512', ph)), spki, artifactOfBytes(ARTIFACT));
    verifyArtifactSignature(bundleOf(message('sha512', ph)), spki, onlyDigest('sha512'));
    const refusal = (signature: Uint8Array, name: DigestName, keyDetails?: string) =>
      expect(() => {
        const artifact = keyDetails === undefined ? onlyDigest(name) : artifactOfBytes(ARTIFACT);
        const logged =
          keyDetails === undefined
            ? undefined
            : { verifier: { form: 'publicKey', der: spki, keyDetails } as const };
        verifyArtifactSignature(bundleOf(message(name, signature)), spki, artifact, logged);
      });
    refusal(pure, 'sha256').toThrow(/the artifact itself is needed/);
    refusal(pure, 'sha512').toThrow(/does not verify/);
    // What the log says of the key holds: Ed25519ph is not Ed25519.
    refusal(pure, 'sha512', 'PKIX_ED25519_PH').toThrow(/does not verify/);
    refusal(pure.fill(0), 'sha256', 'PKIX_ED25519').toThrow(/does not verify/);
  });

  it('with what the log says of another key: refused', () => {
    const spki = spkiOf(KEYS.p256.publicKey);
    const bundle = bundleOf(message('sha256', sign('sha256', ARTIFACT, KEYS.p256.privateKey)));
    const logged = {
      verifier: { form: 'publicKey', der: spki, keyDetails: 'PKIX_ECDSA_P384_SHA_384' } as const,
    };
    expect(() => {
      verifyArtifactSignature(bundle, spki, artifactOfBytes(ARTIFACT), logged);
    }).toThrow(ProofError);
  });
});

describe('envelopes', () => {
  const statement = (...digests: Record<string, string>[]) =>
    encodeText(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject: digests.map((digest) => ({ name: 'a', digest })),
        predicateType: 'x',
      }),
    );
  const hexOf = (name: DigestName) => Buffer.from(digestOf(name)).toString('hex');
  function envelope(
    payload: Uint8Array,
    payloadType = 'application/vnd.in-toto+json',
    key: keyof typeof KEYS = 'p256',
  ): DsseEnvelope {
    const encoded = preAuthenticationEncoding(payloadType, payload);
    const algorithm = { p256: 'sha256', p384: 'sha384', p521: 'sha512', rsa: 'sha256', ed25519: null }[key];
    const signature = new Uint8Array(sign(algorithm, encoded, KEYS[key].privateKey));
    return { type: 'dsseEnvelope', payloadType, payload, signature };
  }
  const verify = (content: DsseEnvelope, key: keyof typeof KEYS = 'p256') => {
    verifyArtifactSignature(bundleOf(content), spkiOf(KEYS[key].publicKey), artifactOfBytes(ARTIFACT));
  };

  it.each(Object.keys(KEYS) as (keyof typeof KEYS)[])('of %s: verified', (key) => {
    const content = envelope(statement({ sha256: hexOf('sha256') }), undefined, key);
    verify(content, key);
    expect(() => {
      verify({ ...content, payloadType: 'a' }, key);
    }).toThrow(ProofError);
  });

  it('with a subject that is the artifact, among others, by any of its digests', () => {
    verify(
      envelope(statement({ sha1: 'aa' }, {}, { sha512: hexOf('sha512').toUpperCase(), gitCommit: 'b' })),
    );
    verify(envelope(statement({ sha256: hexOf('sha256'), sha384: hexOf('sha384') })));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['another digest', statement({ sha256: '00' }), /of its 1 subject, none has a digest of it \(sha256:/],
    [
      'one digest right and one wrong',
      statement({ sha256: hexOf('sha256'), sha512: '00' }),
      /of its 1 subject,/,
    ],
    ['no known digest', statement({ sha1: 'aa' }), /of its 1 subject,/],
    ['no subjects', statement(), /in-toto statement: subject is empty/],
    ['no statement', encodeText('{"_type":"x","subject":[]}'), /in-toto statement: _type/],
    ['no JSON', encodeText('{'), /in-toto statement is not JSON/],
  ])('with %s: refused', (_what, payload, pattern) => {
    expect(() => {
      verify(envelope(payload));
    }).toThrow(pattern);
  });

  it('of another payload: it is the artifact, or refused', () => {
    verify(envelope(ARTIFACT, 'text/plain'));
    expect(() => {
      verify(envelope(encodeText('another'), 'text/plain'));
    }).toThrow(/payload \(text\/plain\) is not the artifact/);
  });
});

describeWithVectors('public key files', () => {
  const certificate = () => {
    const { material } = parseSigstoreBundle(readVector('trust', 'cosign-keyless.bundle.json'));
    if (material.type !== 'certificate') throw new Error('no certificate');
    return material.der;
  };
  const spki = spkiOf(KEYS.p256.publicKey);

  it('are keys and certificates, in PEM and DER', () => {
    expect(readPublicKeyFile(spki, 'k')).toEqual({ spki });
    expect(readPublicKeyFile(encodeText(pemFile('PUBLIC KEY', spki)), 'k')).toEqual({
      spki,
    });
    const der = certificate();
    const read = readPublicKeyFile(der, 'k');
    expect(read.certificate).toEqual(der);
    expect(readPublicKeyFile(encodeText(pemFile('CERTIFICATE', der)), 'k')).toEqual(read);
    expect(readPublicKeyFile(read.spki, 'k')).toEqual({ spki: read.spki });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /^k is no public key: it is neither PEM nor DER$/],
    ['bytes after the key', concatBytes([spki, Uint8Array.of(0)]), /bytes follow/],
    [
      'a private key',
      encodeText(KEYS.p256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
      /k holds PRIVATE KEY; a PUBLIC KEY or a CERTIFICATE is needed/,
    ],
    [
      'a short RSA key',
      spkiOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      /modulus has 1024 bits/,
    ],
  ])('are not %s', (_what, file, pattern) => {
    expect(() => readPublicKeyFile(file, 'k')).toThrow(ConfigurationError);
    expect(() => readPublicKeyFile(file, 'k')).toThrow(pattern);
  });

  it('a key that the log does not accept is no error of the bundle', () => {
    const bundle = bundleOf(message('sha256', sign('sha256', ARTIFACT, KEYS.p256.privateKey)));
    expect(() => {
      verifyArtifactSignature(bundle, Uint8Array.of(1), artifactOfBytes(ARTIFACT));
    }).toThrow(FormatError);
  });
});
