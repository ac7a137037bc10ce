import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  isTrustedLog,
  parseTrustedRoot,
  trustedLogFromVerifierKey,
  type KnownLog,
} from '#src/sigstore/trust/trusted-root.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeBase64, FormatError, parseVerifierKey } from '#tiles-spec/index.js';
import { describeWithVectors, readVector, readVectorJson } from '../../support/vectors.js';
import { jsonFile, productionTrustedRoot } from '../../support/public-bundles.js';

const spkiOf = (key: { export(options: { type: 'spki'; format: 'der' }): Uint8Array }) =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));

interface Tlog {
  baseUrl?: unknown;
  hashAlgorithm?: unknown;
  publicKey: { rawBytes?: unknown; keyDetails?: unknown; validFor?: unknown };
  logId?: unknown;
}

/** The rekor-tiles log of the vectors, changed. */
function rootWith(change: (tlog: Tlog, root: Record<string, unknown>) => void): Uint8Array {
  const root = readVectorJson('trust', 'trusted_root.json') as { tlogs: [Tlog] } & Record<string, unknown>;
  change(root.tlogs[0], root);
  return jsonFile(root);
}

const logsOf = (file: Uint8Array) => parseTrustedRoot(file).logs;

describe('the trusted root of the public-good instance', () => {
  const { logs } = parseTrustedRoot(productionTrustedRoot());

  it('has a log of Rekor v1 and one of v2', () => {
    expect(logs.map(({ origin, keyDetails }) => [origin, keyDetails])).toEqual([
      ['rekor.sigstore.dev', 'PKIX_ECDSA_P256_SHA_256'],
      ['log2025-1.rekor.sigstore.dev', 'PKIX_ED25519'],
    ]);
    expect(logs.every(isTrustedLog)).toBe(true);
  });

  it('has verifier keys that make the same logs', () => {
    for (const log of logs.filter(isTrustedLog)) {
      const { verifier, validFor, ...same } = log;
      const made = trustedLogFromVerifierKey(log.vkey);
      expect(made).toMatchObject(same);
      expect([made.verifier.name, made.verifier.keyId]).toEqual([verifier.name, verifier.keyId]);
      expect([made.validFor, validFor.end]).toEqual([{}, undefined]);
      expect(parseVerifierKey(log.vkey).name).toBe(log.origin);
    }
  });
});

describeWithVectors('trusted_root.json', () => {
  it('is read with what a client of another version would write', () => {
    const [log] = logsOf(
      rootWith((tlog, root) => {
        tlog.publicKey.keyDetails = 7;
        tlog.publicKey.validFor = { start: '2024-01-01T01:00:00.123456+01:00', end: '2025-01-01T00:00:00Z' };
        root['of_the_future'] = [{}];
        Object.assign(tlog, { base_url: tlog.baseUrl, baseUrl: undefined });
      }),
    );
    expect(log).toMatchObject({
      origin: '127.0.0.1',
      keyDetails: 'PKIX_ED25519',
      validFor: { start: Date.UTC(2024, 0, 1) + 123, end: Date.UTC(2025, 0, 1) },
    });
  });

  it('keeps logs of other keys, to say so', () => {
    const rsa = spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
    const [log] = logsOf(
      rootWith((tlog) => {
        tlog.publicKey.rawBytes = encodeBase64(rsa);
        tlog.publicKey.keyDetails = 'PKIX_RSA_PKCS1V15_2048_SHA256';
      }),
    ) as [KnownLog];
    expect(log.keyDetails).toBe('PKIX_RSA_PKCS1V15_2048_SHA256');
    expect(isTrustedLog(log)).toBe(false);
  });

  it.each<[string, (tlog: Tlog, root: Record<string, unknown>) => void, RegExp]>([
    [
      'a log id that is not the key’s',
      (tlog) => (tlog.logId = { keyId: encodeBase64(new Uint8Array(32)) }),
      /log id AAAA.*= is not that of the key of http:\/\/127\.0\.0\.1:4110 under the name 127\.0\.0\.1 \(54RJayg/,
    ],
    ['a short log id', (tlog) => (tlog.logId = { keyId: '54RJaw==' }), /logId\.keyId has not 32 bytes/],
    ['another host', (tlog) => (tlog.baseUrl = 'http://127.0.0.2:4110'), /is not that of the key/],
    ['no URL', (tlog) => (tlog.baseUrl = '127.0.0.1'), /baseUrl Invalid URL/],
    [
      'an ECDSA key called Ed25519',
      (tlog) =>
        (tlog.publicKey.rawBytes = encodeBase64(
          spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
        )),
      /is not an Ed25519 key as DER SPKI/,
    ],
    [
      'an Ed25519 key called ECDSA',
      (tlog) => (tlog.publicKey.keyDetails = 'PKIX_ECDSA_P256_SHA_256'),
      /uncompressed P-256 key/,
    ],
    ['no start', (tlog) => (tlog.publicKey.validFor = {}), /validFor\.start is missing/],
    ['no time', (tlog) => (tlog.publicKey.validFor = undefined), /validFor is missing/],
    ['a date', (tlog) => (tlog.publicKey.validFor = { start: '2024-01-01' }), /validFor\.start Invalid/],
    ['URL-safe base64', (tlog) => (tlog.logId = { keyId: `${'-'.repeat(43)}=` }), /base64 has "-"/],
    ['another hash', (tlog) => (tlog.hashAlgorithm = 'SHA2_512'), /hashAlgorithm/],
    ['another media type', (_, root) => (root['mediaType'] = 'application/json'), /mediaType is not of/],
    ['both spellings', (tlog) => Object.assign(tlog, { base_url: 'http://a' }), /baseUrl is there in both/],
    ['too many logs', (tlog, root) => (root['tlogs'] = Array.from({ length: 101 }, () => tlog)), /tlogs/],
    [
      'too many authorities',
      (_, root) => (root['certificateAuthorities'] = Array.from({ length: 101 }, () => ({}))),
      /certificateAuthorities/,
    ],
  ])('with %s: refused', (_what, change, message) => {
    expect(() => parseTrustedRoot(rootWith(change))).toThrow(FormatError);
    expect(() => parseTrustedRoot(rootWith(change))).toThrow(message);
  });

  it('over 1 MiB: refused', () => {
    const file = readVector('trust', 'trusted_root.json');
    const padded = new Uint8Array((1 << 20) + 1).fill(0x20);
    padded.set(file);
    expect(() => parseTrustedRoot(padded)).toThrow(/over 1048576/);
  });
});

describe('a verifier key', () => {
  it('may be of a log elsewhere than its name says', () => {
    const vkey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
    expect(trustedLogFromVerifierKey(vkey)).toMatchObject({
      origin: 'example.com/log/testdata',
      url: 'https://example.com/log/testdata',
    });
    expect(trustedLogFromVerifierKey(vkey, 'http://127.0.0.1:1').url).toBe('http://127.0.0.1:1');
  });

  it('that is none: refused', () => {
    for (const text of ['', 'a', 'a+b', 'a+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'])
      expect(() => trustedLogFromVerifierKey(text)).toThrow(FormatError);
    expect(() => parseTrustedRoot(encodeText('a+b'))).toThrow(FormatError);
  });
});
