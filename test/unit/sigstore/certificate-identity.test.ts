/**
 * Whose certificate signed: by every kind of name, whatever stands beside it, by patterns, and never by what a bundle
 * brings itself.
 */
import { describe, expect, it } from 'vitest';
import { namePattern } from '#src/sigstore/verify/node/name-pattern.js';
import { ConfigurationError } from '#src/errors.js';
import {
  der,
  elderOidcIssuer,
  extension,
  newAuthority,
  oid,
  oidcIssuer,
  SAN,
  sequence,
  SERVER_AUTHENTICATION,
  subjectAltNames,
  TRUE,
  utf8,
} from '../../support/certificates.js';
import {
  certifiedBundle,
  rawBytes,
  trustedAuthority,
  trustedRootOf,
  verdictOf,
  verifyBy,
  type BundleParts,
} from '../../support/certified-bundles.js';

const ISSUER = 'https://login.example.com';
const email = der(0x81, Buffer.from('signer@example.com'));
const dns = der(0x82, Buffer.from('build.example.com'));
const uri = der(0x86, Buffer.from('https://example.com/build'));
const ip = der(0x87, Buffer.of(192, 0, 2, 1));
const username = der(0xa0, oid('1.3.6.1.4.1.57264.1.7'), der(0xa0, utf8('user!example.com')));
const ediParty = der(0xa5, der(0xa1, utf8('a')));

const bundleWith = (names: Uint8Array, parts: Partial<BundleParts> = {}) =>
  certifiedBundle({ extensions: [names, oidcIssuer(ISSUER)], ...parts });
const usual = (parts: Partial<BundleParts> = {}) => bundleWith(subjectAltNames(email), parts);
const signer = { identity: 'signer@example.com', issuer: ISSUER };

describe('a certificate is verified by a name of it', () => {
  it.each([
    ['an address', email, 'signer@example.com'],
    ['a DNS name', dns, 'build.example.com'],
    ['a URI', uri, 'https://example.com/build'],
    ['an IP address', ip, '192.0.2.1'],
    ["Fulcio's user name", username, 'user!example.com'],
  ])('%s', async (_what, name, identity) => {
    const bundle = bundleWith(subjectAltNames(name));
    const { verified, signer } = await verifyBy(bundle, { identity, issuer: ISSUER });
    expect({ verified, signer }).toEqual({
      verified: true,
      signer: { type: 'identity', identity, issuer: ISSUER, timestamps: 1 },
    });
    for (const other of [
      'other@example.com',
      identity.toUpperCase().replace('192', '193'),
      '',
      `${identity}.`,
    ])
      expect(await verdictOf(bundle, { identity: other, issuer: ISSUER })).toBe(
        `the certificate is of ${identity}, not of ${other}`,
      );
  });

  it('whichever of several it is', async () => {
    const bundle = bundleWith(subjectAltNames(email, dns, uri, ip, username));
    for (const identity of ['signer@example.com', 'build.example.com', '192.0.2.1', 'user!example.com'])
      expect(await verdictOf(bundle, { identity, issuer: ISSUER })).toBe('verified');
  });

  it.each([
    ['an ediPartyName', subjectAltNames(ediParty, email)],
    ['an x400Address', subjectAltNames(der(0xa3), email)],
    ['an otherName that is none', subjectAltNames(der(0xa0, der(5)), email)],
    ['a NULL', subjectAltNames(der(5), email)],
    ['a name without an end behind it', subjectAltNames(email, Buffer.from('8287ffffffffffffff', 'hex'))],
    ['bytes behind the names', extension(SAN, Buffer.concat([sequence(email), Buffer.of(0)]))],
    ['a critical mark', extension(SAN, sequence(email), TRUE)],
  ])('beside %s', async (_what, names) => {
    expect(await verdictOf(bundleWith(names), signer)).toBe('verified');
  });

  it.each([
    ['a NULL for the names', extension(SAN, der(5))],
    ['nothing for the names', extension(SAN, Buffer.alloc(0))],
    ['names of types that are no texts', subjectAltNames(ediParty)],
    ['no names', extension('1.2.3.4', Buffer.alloc(0))],
  ])('but not with %s', async (_what, names) => {
    expect(await verdictOf(bundleWith(names), signer)).toBe(
      'the certificate is of nobody, not of signer@example.com',
    );
  });

  it('but not where an extension stands twice', async () => {
    const twice = bundleWith(subjectAltNames(email), {
      extensions: [subjectAltNames(email), subjectAltNames(dns), oidcIssuer(ISSUER)],
    });
    expect(await verdictOf(twice, signer)).toMatch(/it has an extension twice$/);
    const issuers = [subjectAltNames(email), oidcIssuer(ISSUER), oidcIssuer('https://evil.example')];
    expect(await verdictOf(certifiedBundle({ extensions: issuers }), signer)).toMatch(/an extension twice/);
  });
});

describe('the identity provider', () => {
  const names = subjectAltNames(email);

  it('is that of the newer extension, or else of the elder', async () => {
    const elder = certifiedBundle({ extensions: [names, elderOidcIssuer(ISSUER)] });
    expect(await verdictOf(elder, signer)).toBe('verified');
    const both = [names, elderOidcIssuer('https://old.example'), oidcIssuer(ISSUER)];
    expect(await verdictOf(certifiedBundle({ extensions: both }), signer)).toBe('verified');
    const isOld = { ...signer, issuer: 'https://old.example' };
    expect(await verdictOf(certifiedBundle({ extensions: both }), isOld)).toMatch(/is by https:\/\/login/);
  });

  it('that cannot be read is nobody', async () => {
    const malformed = extension('1.3.6.1.4.1.57264.1.8', Buffer.from(ISSUER));
    const bundle = certifiedBundle({ extensions: [names, malformed] });
    expect(await verdictOf(bundle, signer)).toMatch(
      /^bundle: the issuer in its certificate's extension is not DER/,
    );
  });

  it("is nobody in a certificate of a company's own, which must be said", async () => {
    const own = certifiedBundle({ extensions: [subjectAltNames(dns)] });
    const identity = 'build.example.com';
    expect(await verdictOf(own, { identity, issuer: ISSUER })).toBe(
      `the certificate names no identity provider, and so it is not by ${ISSUER}; the issuer pattern ^$ takes a certificate that names none`,
    );
    expect(await verdictOf(own, { identity, issuer: '' })).toMatch(/names no identity provider/);
    for (const regexp of ['^$', '.*', '']) {
      const { signer, verified } = await verifyBy(own, { identity, issuer: { regexp } });
      expect({ verified, signer }).toEqual({
        verified: true,
        signer: { type: 'identity', identity, timestamps: 1 },
      });
    }
    expect(await verdictOf(usual(), { ...signer, issuer: { regexp: '^$' } })).toBe(
      `the certificate's identity is by ${ISSUER}, not by one that matches ^$`,
    );
  });
});

describe('a pattern', () => {
  const bundle = bundleWith(subjectAltNames(dns, email));

  it.each([
    ['signer@example\\.com', 'https://login\\..*'],
    ['^signer@.*$', '^https://login.*$'],
    ['(?:builder|signer)@\\p{L}+\\.com', '.*'],
    ['.*', '[^/]+//[^/]+'],
  ])('takes a whole name: %s by %s', async (identity, issuer) => {
    const wanted = { identity: { regexp: identity }, issuer: { regexp: issuer } };
    expect(await verdictOf(bundle, wanted)).toBe('verified');
  });

  it.each([
    'signer',
    '@example.com',
    'example\\.com$',
    '^signer@',
    'a|b|',
    'SIGNER@EXAMPLE.COM',
    'x\n|signer',
  ])('does not take a part: %j', async (regexp) => {
    expect(await verdictOf(bundle, { ...signer, identity: { regexp } })).toBe(
      `the certificate is of build.example.com, signer@example.com, not of one that matches ${regexp}`,
    );
    expect(await verdictOf(bundle, { ...signer, issuer: { regexp } })).toMatch(/not by one that matches/);
  });

  it('says by which name it was', async () => {
    const { signer } = await verifyBy(bundle, { identity: { regexp: '.*@.*' }, issuer: { regexp: '.*' } });
    expect(signer).toMatchObject({ identity: 'signer@example.com', issuer: ISSUER });
  });

  it.each(['(', 'a)|(b', '[', '\\k', '(?i)a', '\\-'])('that is none is refused: %s', (regexp) => {
    expect(() => namePattern(regexp, '--certificate-identity-regexp')).toThrow(ConfigurationError);
    expect(() => namePattern(regexp, '--certificate-identity-regexp')).toThrow(
      /^--certificate-identity-regexp is not a regular expression of JavaScript with flag u: /,
    );
  });

  it('that would take for ever is stopped', async () => {
    const long = der(0x82, Buffer.from(`${'a'.repeat(60)}.example`));
    expect(
      await verdictOf(bundleWith(subjectAltNames(long)), { ...signer, identity: { regexp: '(a+)+b' } }),
    ).toBe(
      "the pattern (a+)+b takes over a second for the certificate's names: a repetition inside a repetition, such as (a+)+, is to be written as one",
    );
  });
});

describe('certificates that a bundle brings beside its own', () => {
  const untrusted = newAuthority('untrusted');
  const impostor = newAuthority('trusted');
  const { root, intermediate } = trustedAuthority;
  const expired = intermediate('expired', new Date('2024-01-01'));
  const own = rawBytes;

  it.each<[string, (certificate: Buffer) => readonly unknown[]]>([
    ['its root', (c) => [c, root].map(own)],
    ['an intermediate and its root', (c) => [c, intermediate('between'), root].map(own)],
    ['the root first', (c) => [c, root, intermediate('between')].map(own)],
    ['itself again', (c) => [c, c].map(own)],
    ['an authority that has nothing to do with it', (c) => [c, untrusted.root].map(own)],
    ['another root of the same name', (c) => [c, impostor.root].map(own)],
    ['an expired authority', (c) => [c, expired].map(own)],
    ['a hundred authorities', (c) => [own(c), ...Array.from({ length: 100 }, () => own(root))]],
    ['what is no certificate', (c) => [own(c), own(Buffer.from('certificate')), {}, null, 7]],
  ])('do no harm: %s', async (_what, chain) => {
    expect(await verdictOf(usual({ chain }), signer)).toBe('verified');
    const bundle = usual({ chain, authority: untrusted });
    expect(await verdictOf(bundle, signer)).toMatch(/^the certificate is not shown to be good: /);
    const forged = usual({ chain, authority: impostor });
    expect(await verdictOf(forged, signer)).toMatch(/^the certificate is not shown to be good: /);
  });

  it.each<[string, (certificate: Buffer) => readonly unknown[]]>([
    ['the root, which is untrusted', (c) => [c, untrusted.root].map(own)],
    [
      'an intermediate and the untrusted root',
      (c) => [c, untrusted.intermediate('i'), untrusted.root].map(own),
    ],
    ['the untrusted root and the trusted one', (c) => [c, untrusted.root, root].map(own)],
  ])('are never believed: %s', async (_what, chain) => {
    expect(await verdictOf(usual({ chain, authority: untrusted }), signer)).toMatch(
      /^the certificate is not shown to be good: .*no valid certificate path/,
    );
  });

  it.each<[string, (certificate: Buffer) => readonly unknown[]]>([
    ['the order is reversed', (c) => [root, c].map(own)],
    ['the root stands alone', () => [root].map(own)],
    ['an authority stands first', (c) => [intermediate('first'), c].map(own)],
  ])('do not become the signer where %s', async (_what, chain) => {
    expect(await verdictOf(usual({ chain }), signer)).toBe(
      "the logged entry is by another certificate than the bundle's",
    );
  });

  it('are refused in v0.3, which forbids them', async () => {
    const chain = (c: Buffer) => [c, root].map(own);
    const text = new TextDecoder().decode(usual({ chain }));
    const v03 = text.replace('+json;version=0.1', '.v0.3+json');
    expect(await verdictOf(new TextEncoder().encode(v03), signer)).toMatch(/which v0\.3 forbids$/);
  });
});

describe('a certificate that RFC 5280 forbids to take', () => {
  const names = subjectAltNames(email);

  it('is for other uses alone', async () => {
    const server = certifiedBundle({
      extensions: [SERVER_AUTHENTICATION, names, oidcIssuer(ISSUER)],
      isComplete: true,
    });
    expect(await verdictOf(server, signer)).toBe(
      'the certificate is not for signing code: its extended key usage has 1.3.6.1.5.5.7.3.1, not 1.3.6.1.5.5.7.3.3',
    );
    const free = certifiedBundle({ extensions: [names, oidcIssuer(ISSUER)], isComplete: true });
    expect(await verdictOf(free, signer)).toBe('verified');
  });

  it('has a critical extension that nobody has processed', async () => {
    const unknown = extension('1.2.3.4', sequence(), TRUE);
    const bundle = certifiedBundle({ extensions: [names, oidcIssuer(ISSUER), unknown] });
    expect(await verdictOf(bundle, signer)).toBe(
      'the certificate has the extension 1.2.3.4, which Stele does not process and RFC 5280 forbids ignoring',
    );
  });

  // A limit that a lenient reader leaves out would be no limit.
  it.each([
    [
      'a critical extension that a UUID names',
      sequence(der(6, Buffer.of(0x69, 0x83, ...Array<number>(17).fill(0xff), 0x7f)), TRUE, der(4)),
      /^the certificate has the extension 2\.25\.\d{39}, which Stele does not process/,
    ],
    [
      'a critical extension with more in it',
      sequence(oid('1.2.3.4'), TRUE, der(5), der(4)),
      /^bundle: its certificate: it has an extension that cannot be read$/,
    ],
    [
      'its use in an extension that is none',
      sequence(oid('2.5.29.37'), TRUE, der(5), der(4, sequence(oid('1.3.6.1.5.5.7.3.1')))),
      /an extension that cannot be read$/,
    ],
    [
      'other names in an extension that is none',
      sequence(oid(SAN), TRUE, der(5), der(4, sequence(dns))),
      /an extension that cannot be read$/,
    ],
  ])('has %s', async (_what, hidden, message) => {
    const extensions = [names, oidcIssuer(ISSUER), hidden];
    expect(await verdictOf(certifiedBundle({ extensions, isComplete: true }), signer)).toMatch(message);
  });

  it.each([
    ['is for web servers alone', SERVER_AUTHENTICATION],
    ['has a critical extension that nobody has processed', extension('1.2.3.4', sequence(), TRUE)],
    ['has an extension that cannot be read', sequence(oid('1.2.3.4'), TRUE, der(5), der(4))],
  ])('is of an authority that %s', async (_what, limit) => {
    const limited = newAuthority('limited', limit);
    expect(await verdictOf(usual({ authority: limited }), signer, trustedRootOf(limited))).toMatch(
      /^the certificate is not shown to be good: .*; the authority https:\/\/ca\.example was left out: /,
    );
  });

  it.each([
    ['critical', [TRUE]],
    ['not critical', []],
  ])('is of an authority that may certify some names alone, %s', async (_what, mark) => {
    const limited = newAuthority('limited', extension('2.5.29.30', sequence(), ...mark));
    const bundle = usual({ authority: limited });
    expect(await verdictOf(bundle, signer, trustedRootOf(limited))).toMatch(
      /^the certificate is not shown to be good: .*; the authority https:\/\/ca\.example was left out: a certificate of it has the extension 2\.5\.29\.30/,
    );
  });
});

describe('a checkpoint of Rekor v1', () => {
  it.each([
    ['the host of its URL', {}],
    ['a name of its own', { logName: 'rekor-server-6b4c8f-x2x9z' }],
    [
      'another name in its signature line',
      { logName: 'other', logOrigin: 'rekor.example - 12345678901234567890' },
    ],
    ['a name with spaces', { logOrigin: 'the log - of us - 7' }],
  ])('may have %s: the key decides', async (_what, parts) => {
    expect(await verdictOf(usual(parts), signer)).toBe('verified');
  });

  it.each([
    [
      'no tree id',
      { logOrigin: 'rekor.example' },
      /^the checkpoint is of "rekor\.example", which is not a name/,
    ],
    [
      'a tree id that is none',
      { logOrigin: 'rekor.example - x' },
      /which is not a name, " - " and a tree id/,
    ],
    ['the id of another key', { keyId: 7 }, /^no signature of rekor\.example\+[0-9a-f]{8}; signed by/],
  ])('is refused with %s', async (_what, parts, message) => {
    expect(await verdictOf(usual(parts), signer)).toMatch(message);
  });
});
