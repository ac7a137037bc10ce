/**
 * The names in certificates that were made to do harm: each gives what can be read of it, and nothing throws.
 */
import { createHash, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificateKeys } from '#src/kinds/certificate-keys.js';
import { keysOf } from '#src/kinds/read-entry.js';
import { certificateKey } from '#src/signatures/node/certificate.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { subjectPublicKeyInfo } from '#tiles-spec/certificates/certificate.js';
import { certificateNames } from '#tiles-spec/index.js';
import { der, oid, sequence, subjectAltNames, utf8 } from '../../support/certificates.js';
import { brokenCertificates, hostileCertificates } from '../../support/hostile-certificates.js';

const hostile = hostileCertificates();
const broken = brokenCertificates();
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** What a reader of names looks at in a certificate, with one user name of Fulcio's. */
function certificateNaming(user: string): Uint8Array {
  const name = der(0xa0, oid('1.3.6.1.4.1.57264.1.7'), der(0xa0, utf8(user)));
  const beforeExtensions = Array.from({ length: 6 }, () => sequence());
  return sequence(sequence(...beforeExtensions, der(0xa3, sequence(subjectAltNames(name)))));
}

/** A logged body with this certificate. */
function bodyOf(certificate: Uint8Array): Uint8Array {
  const rawBytes = Buffer.from(certificate).toString('base64');
  const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes } };
  const data = { algorithm: 'SHA2_256', digest: Buffer.alloc(32).toString('base64') };
  const hashedRekordV002 = { data, signature: { content: 'AA==', verifier } };
  return encodeText(
    JSON.stringify({ apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002 } }),
  );
}

describe('the keys of an entry whose certificate has', () => {
  it.each(hostile.map((each) => [each.what, each] as const))('%s', (_what, { certificate, keys }) => {
    // A log takes it, whatever its names are.
    const spki = certificateKey(certificate);
    const pem = new X509Certificate(certificate).toString();
    const [, digest, key, keyPem, certificatePem, ...names] = keysOf(bodyOf(certificate));
    expect([digest, key]).toEqual([`sha256:${'00'.repeat(32)}`, `spki:${sha256(spki)}`]);
    expect(keyPem).toMatch(/^pem:/);
    expect(certificatePem).toBe(`pem:${sha256(pem)}`);
    expect(names).toEqual(keys);
  });
});

describe('the keys of what is no certificate', () => {
  it.each(broken.map((each) => [each.what, each] as const))('%s', (_what, { certificate, keys }) => {
    const found = keysOf(bodyOf(certificate));
    expect(found.filter((key) => key.startsWith('san'))).toEqual(keys);
    // Of bytes that hold no key, only their own fingerprint.
    if (keys.length === 0) expect(found.filter((key) => key.startsWith('spki:'))).toEqual([]);
  });
});

describe('a reader of names', () => {
  const all = [...hostile, ...broken]
    .map(({ certificate }) => certificate)
    .filter(({ length }) => length < 2000);
  const spoilt = fc
    .tuple(fc.constantFrom(...all), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([certificate, changes, cut]) => {
      const bytes = Uint8Array.from(certificate);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
    });

  it('throws at nothing, and gives texts that look like what is compared', () => {
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        certificateKeys(bytes);
        return certificateNames(bytes).every(
          (name) => name.type === 'other' || /^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+$/u.test(name.text),
        );
      }),
      { numRuns: 5000 },
    );
  });

  it('takes every character but controls, separators of lines and those that set the direction', () => {
    // All of them are below U+3000.
    const characters = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
    const refused = characters.filter(
      (character) => certificateNames(certificateNaming(character)).length === 0,
    );
    expect(refused).toEqual(
      characters.filter((character) => /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(character)),
    );
    expect(refused).toHaveLength(65 + 2 + 12);
  });

  it('gives views of no more than it was given', () => {
    const [{ certificate } = { certificate: new Uint8Array() }] = hostile;
    const inside = new Uint8Array(certificate.length + 20).fill(0xff);
    inside.set(certificate, 10);
    const part = inside.subarray(10, 10 + certificate.length);
    expect(certificateKeys(part)).toEqual(certificateKeys(certificate));
    expect(subjectPublicKeyInfo(part)).toEqual(new Uint8Array(subjectPublicKeyInfo(certificate)));
  });
});
