import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '#src/errors.js';
import { artifactOfBytes } from '#src/sigstore/verify/node/artifact-signature.js';
import { certificateLog, certifiedAuthority } from '#src/sigstore/trust/node/authorities.js';
import { parsePem } from '#src/pem.js';
import { formatSigningConfig, formatTrustedRoot, type PublicLog } from '#src/sigstore/trust/trust-files.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { decodeBase64, FormatError } from '#tiles-spec/index.js';
import { describeWithVectors, readVector, readVectorJson } from '../../support/vectors.js';
import { conformanceCase, pemFile, verifyCase } from '../../support/public-bundles.js';

interface Authority {
  readonly uri: string;
  readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
}
interface Keyed {
  readonly baseUrl: string;
  readonly publicKey: { readonly rawBytes: string };
  readonly logId: { readonly keyId: string };
}
interface Root {
  readonly tlogs: readonly [Keyed];
  readonly ctlogs: readonly [Keyed];
  readonly certificateAuthorities: readonly [Authority];
  readonly timestampAuthorities: readonly [Authority];
}

const CREATED = Date.parse('2024-01-01T00:00:00Z');

/** An object's fields, deep, with lists of their first item: the shape that clients take. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

const pemOf = (label: string, ...base64: string[]) =>
  base64.map((each) => pemFile(label, decodeBase64(each))).join('');

const LOG: PublicLog = {
  url: 'https://log.example',
  spki: Uint8Array.of(1, 2, 3),
  logId: new Uint8Array(32).fill(7),
  created: CREATED + 999,
};

describe('the files of one log', () => {
  it('are byte for byte what they were before there were several', () => {
    expect(formatTrustedRoot(LOG)).toBe(
      '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[{"baseUrl":"https://log.example","hashAlgorithm":"SHA2_256","publicKey":{"rawBytes":"AQID","keyDetails":"PKIX_ED25519","validFor":{"start":"2024-01-01T00:00:00Z"}},"logId":{"keyId":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}\n',
    );
    expect(formatSigningConfig(LOG)).toBe(
      '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[],"oidcUrls":[],"rekorTlogUrls":[{"url":"https://log.example","majorApiVersion":2,"validFor":{"start":"2024-01-01T00:00:00Z"},"operator":"log.example"}],"rekorTlogConfig":{"selector":"ANY"},"tsaUrls":[],"tsaConfig":{"selector":"ANY"}}\n',
    );
    expect(formatTrustedRoot([LOG])).toBe(formatTrustedRoot(LOG));
  });

  it('of several name each, and when one was frozen', () => {
    const frozen = { ...LOG, url: 'https://old.example', frozen: CREATED + 86_400_000 };
    const { tlogs } = JSON.parse(formatTrustedRoot([frozen, LOG])) as { tlogs: Keyed[] };
    expect(tlogs.map(({ baseUrl, publicKey }) => [baseUrl, publicKey])).toEqual([
      [
        'https://old.example',
        {
          rawBytes: 'AQID',
          keyDetails: 'PKIX_ED25519',
          validFor: { start: '2024-01-01T00:00:00Z', end: '2024-01-02T00:00:00Z' },
        },
      ],
      [
        'https://log.example',
        { rawBytes: 'AQID', keyDetails: 'PKIX_ED25519', validFor: { start: '2024-01-01T00:00:00Z' } },
      ],
    ]);
    const { rekorTlogUrls } = JSON.parse(formatSigningConfig([frozen, LOG])) as {
      rekorTlogUrls: { validFor: unknown }[];
    };
    expect(rekorTlogUrls.map(({ validFor }) => validFor)).toEqual([
      { start: '2024-01-01T00:00:00Z', end: '2024-01-02T00:00:00Z' },
      { start: '2024-01-01T00:00:00Z' },
    ]);
  });
});

describeWithVectors('the files of a log with authorities', () => {
  const vector = readVectorJson('trust', 'with-tsa-ca', 'trusted_root.json') as Root;
  const chainOf = ({ certChain }: Authority) =>
    pemOf('CERTIFICATE', ...certChain.certificates.map(({ rawBytes }) => rawBytes));
  const [ca] = vector.certificateAuthorities;
  const [tsa] = vector.timestampAuthorities;
  const [ct] = vector.ctlogs;
  const [tlog] = vector.tlogs;
  const authorities = {
    certificateAuthorities: [certifiedAuthority(ca.uri, chainOf(ca), 'fulcio.pem')],
    certificateLogs: [
      certificateLog(
        ct.baseUrl,
        encodeText(pemOf('PUBLIC KEY', ct.publicKey.rawBytes)),
        CREATED,
        'ctlog.pem',
      ),
    ],
    timestampAuthorities: [certifiedAuthority(tsa.uri, chainOf(tsa), 'tsa.pem')],
  };
  const log: PublicLog = {
    url: tlog.baseUrl,
    spki: decodeBase64(tlog.publicKey.rawBytes),
    logId: decodeBase64(tlog.logId.keyId),
    created: CREATED,
  };
  const written = formatTrustedRoot(log, authorities);

  it('have the shape that JavaScript, Go and Python clients take', () => {
    expect(shapeOf(JSON.parse(written))).toEqual(shapeOf(vector));
    const config = readVectorJson('trust', 'with-tsa-ca', 'signing_config.json');
    const writtenConfig = formatSigningConfig(log, authorities, ['http://127.0.0.1:4191']);
    expect(shapeOf(JSON.parse(writtenConfig))).toEqual(shapeOf(config));
  });

  it('have what was in the PEM files', () => {
    const root = JSON.parse(written) as Root;
    expect(root.tlogs).toEqual(vector.tlogs);
    expect(root.ctlogs).toEqual(vector.ctlogs);
    expect(root.certificateAuthorities).toEqual([
      {
        ...ca,
        subject: { organization: 'lab', commonName: 'lab root' },
        validFor: { start: '2026-10-23T13:34:07Z' },
      },
    ]);
    expect(root.timestampAuthorities).toEqual([
      {
        ...tsa,
        subject: { organization: 'local', commonName: 'Test TSA Root' },
        validFor: { start: '2026-11-22T13:31:06Z' },
      },
    ]);
  });

  it('verify a bundle with a certificate', async () => {
    expect(parseTrustedRoot(encodeText(written)).logs).toHaveLength(1);
    const verdict = await verifyCase({
      ...conformanceCase('happy-path-v0.3'),
      bundle: readVector('trust', 'cosign-keyless.bundle.json'),
      artifact: artifactOfBytes(readVector('trust', 'cosign.blob')),
      trustedRoot: encodeText(written),
      identity: { identity: 'a@lab.example', issuer: 'https://oidc.lab.example' },
    });
    expect(verdict).toEqual({ stage: 'accepted', index: 15 });
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a chain the wrong way round',
      () =>
        certifiedAuthority(
          ca.uri,
          pemOf('CERTIFICATE', ...ca.certChain.certificates.map(({ rawBytes }) => rawBytes).reverse()),
          'fulcio.pem',
        ),
      /fulcio\.pem: certificate 1 .* put the chain in order/,
    ],
    [
      'a chain without its root',
      () =>
        certifiedAuthority(ca.uri, pemOf('CERTIFICATE', ca.certChain.certificates[0]?.rawBytes ?? ''), 'f'),
      /issued by .*lab root.* is the last/,
    ],
    [
      'a key for a chain',
      () => certifiedAuthority(ca.uri, pemOf('PUBLIC KEY', ct.publicKey.rawBytes), 'f.pem'),
      /f\.pem holds PEM \(PUBLIC KEY\), where CERTIFICATE alone belongs/,
    ],
    ['no PEM', () => certifiedAuthority(ca.uri, 'chain', 'f.pem'), /f\.pem has no PEM block/],
    [
      'neither PEM nor DER',
      () => certificateLog(ct.baseUrl, encodeText('key'), CREATED, 'ct.key'),
      /ct\.key is no key that clients verify: .*DER/,
    ],
    [
      'no certificate',
      () => certifiedAuthority(ca.uri, pemOf('CERTIFICATE', 'AAAA'), 'f.pem'),
      /f\.pem: a certificate cannot be read/,
    ],
    [
      'two keys',
      () => certificateLog(ct.baseUrl, encodeText(pemOf('PUBLIC KEY', 'AAAA', 'AAAA')), CREATED, 'ct.pem'),
      /ct\.pem has more than one key/,
    ],
    [
      'no key',
      () => certificateLog(ct.baseUrl, encodeText(pemOf('PUBLIC KEY', 'AAAA')), CREATED, 'ct.pem'),
      /ct\.pem is no key that clients verify/,
    ],
  ])('are not made of %s', (_what, make, message) => {
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(message);
  });

  it('take the key of a certificate log as PEM and as DER', () => {
    const der = decodeBase64(ct.publicKey.rawBytes);
    const pem = encodeText(pemOf('PUBLIC KEY', ct.publicKey.rawBytes));
    const [ofDer, ofPem] = [der, pem].map((file) => certificateLog(ct.baseUrl, file, CREATED, 'ctlog'));
    expect(ofDer).toEqual(ofPem);
    expect(ofDer?.spki).toEqual(der);
    expect(ofDer?.logId).toEqual(decodeBase64(ct.logId.keyId));
  });

  it('name the keys of certificate logs by their types', () => {
    const detailsOf = (key: KeyObject) =>
      certificateLog('https://ct', key.export({ type: 'spki', format: 'der' }), 0, 'k').keyDetails;
    expect([
      detailsOf(generateKeyPairSync('ed25519').publicKey),
      detailsOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
      detailsOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
    ]).toEqual(['PKIX_ED25519', 'PKIX_ECDSA_P384_SHA_384', 'PKIX_RSA_PKCS1V15_2048_SHA256']);
  });
});

describe('PEM', () => {
  it('is read with text around it', () => {
    const der = Uint8Array.from({ length: 100 }, (_, i) => i);
    const text = pemFile('PUBLIC KEY', der);
    expect(parsePem(`comment\n${text}\r\n\nmore\n${text.replaceAll('\n', '\r\n')}`, 'file')).toEqual([
      { label: 'PUBLIC KEY', der },
      { label: 'PUBLIC KEY', der },
    ]);
  });

  it.each([
    ['', /no PEM block/],
    ['-----BEGIN A-----\nAAAA\n-----END B-----', /begins a A in PEM and ends a B/],
    ['-----BEGIN A-----\nAAA\n-----END A-----', /not padded/],
    ['-----BEGIN A-----\nAAAA', /no PEM block/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePem(text, 'file')).toThrow(FormatError);
    expect(() => parsePem(text, 'file')).toThrow(message);
  });
});
