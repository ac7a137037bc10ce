/**
 * X.509 as a format of keys: a key and its certificate, told apart, and found by the same fingerprint.
 */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidEntryError } from '#src/errors.js';
import { x509 } from '#src/pki/x509.js';
import { algorithmFor } from '#src/signatures/algorithms.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { newAuthority, subjectAltNames, der } from '../../support/certificates.js';
import { brokenCertificates, hostileCertificates } from '../../support/hostile-certificates.js';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const name = subjectAltNames(der(0x82, Buffer.from('release.example')));
const certificate = new Uint8Array(newAuthority('x509').issue(publicKey, [name], false));
const signed = { algorithm: algorithmFor('PKIX_ECDSA_P256_SHA_256'), digest: new Uint8Array(32) };
const signature = Uint8Array.of(1);

describe('x509', () => {
  it('tells a key from a certificate', () => {
    expect(x509.parseKey(spki)).toEqual({ form: 'publicKey', der: spki });
    expect(x509.parseKey(certificate)).toEqual({ form: 'certificate', der: certificate });
    for (const each of hostileCertificates())
      expect([each.what, x509.parseKey(each.certificate).form]).toEqual([each.what, 'certificate']);
  });

  it('has the same signature checked by a key as by its certificate', () => {
    const check = { key: spki, signature, ...signed };
    for (const bytes of [spki, certificate])
      expect(x509.checks(x509.parseKey(bytes), signature, signed, nodeSuite)).toEqual([check]);
  });

  it('refuses what is no certificate', () => {
    const broken = brokenCertificates().filter(({ what }) => what !== 'a key');
    for (const each of broken) {
      const key = x509.parseKey(each.certificate);
      if (key.form === 'certificate')
        expect(() => x509.checks(key, signature, signed, nodeSuite), each.what).toThrow(InvalidEntryError);
    }
  });

  it('logs the bytes that it read', () => {
    for (const bytes of [spki, certificate]) expect(x509.canonicalKey(x509.parseKey(bytes))).toBe(bytes);
  });

  it('finds a certificate by its key, by itself and by its names', () => {
    const ofKey = x509.fingerprints(x509.parseKey(spki));
    const ofCertificate = x509.fingerprints(x509.parseKey(certificate));
    expect(ofCertificate.slice(0, 2)).toEqual(ofKey);
    expect(ofCertificate.at(-1)).toBe('san:release.example');
    expect(new X509Certificate(certificate).subjectAltName).toBe('DNS:release.example');
  });
});
