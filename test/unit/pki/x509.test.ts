/**
 * X.509 as a format of keys: a key and its certificate, told apart, and checked by the same key.
 */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidEntryError } from '#src/errors.js';
import { x509 as x509By } from '#src/pki/x509.js';
import { algorithmFor } from '#src/signatures/algorithms.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { newAuthority, subjectAltNames, der } from '../../support/certificates.js';
import { brokenCertificates, hostileCertificates } from '../../support/hostile-certificates.js';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const name = subjectAltNames(der(0x82, Buffer.from('release.example')));
const certificate = new Uint8Array(newAuthority('x509').issue(publicKey, [name], false));
const algorithm = algorithmFor('PKIX_ECDSA_P256_SHA_256');
const x509 = x509By(algorithm);
const digest = new Uint8Array(32);
const message = { digests: { sha256: digest } };
const signature = Uint8Array.of(1);

describe('x509', () => {
  it('tells a key from a certificate', () => {
    expect(x509.parseKey(spki)).toEqual({ form: 'publicKey', der: spki });
    expect(x509.parseKey(certificate)).toEqual({ form: 'certificate', der: certificate });
    for (const each of hostileCertificates())
      expect([each.what, x509.parseKey(each.certificate).form]).toEqual([each.what, 'certificate']);
  });

  it('has the same signature checked by a key as by its certificate', () => {
    const check = { key: spki, signature, algorithm, digest };
    for (const bytes of [spki, certificate])
      expect(x509.checks(x509.parseKey(bytes), signature, message, nodeSuite)).toEqual([check]);
  });

  it('signs one digest, and refuses a message of which only another is known', () => {
    const other = { digests: { sha512: new Uint8Array(64) } };
    expect(() => x509.checks(x509.parseKey(spki), signature, other, nodeSuite)).toThrow(
      new InvalidEntryError('digest: PKIX_ECDSA_P256_SHA_256 signs SHA2_256'),
    );
  });

  it('refuses what is no certificate', () => {
    const broken = brokenCertificates().filter(({ what }) => what !== 'a key');
    for (const each of broken) {
      const key = x509.parseKey(each.certificate);
      if (key.form === 'certificate')
        expect(() => x509.checks(key, signature, message, nodeSuite), each.what).toThrow(InvalidEntryError);
    }
  });

  it('logs the bytes that it read', () => {
    for (const bytes of [spki, certificate]) expect(x509.canonicalKey(x509.parseKey(bytes))).toBe(bytes);
  });
});
