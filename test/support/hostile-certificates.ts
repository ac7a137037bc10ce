/**
 * Certificates with malformed or malicious names, and the search keys that each must give: the corpus for all code that
 * reads names, in Node and in a browser. All are signed. OpenSSL accepts all but those at the end.
 * @module
 */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  der,
  extension,
  newAuthority,
  oid,
  SAN,
  sequence,
  subjectAltNames,
  TRUE,
  utf8,
} from './certificates.js';

export interface HostileCertificate {
  readonly what: string;
  readonly certificate: Uint8Array;
  /** The certificate's keys that begin with `san`, in order. */
  readonly keys: readonly string[];
}

const email = (text: string | Uint8Array) => der(0x81, Buffer.from(text));
const dns = (text: string | Uint8Array) => der(0x82, Buffer.from(text));
const uri = (text: string) => der(0x86, Buffer.from(text));
const ip = (...bytes: number[]) => der(0x87, Buffer.from(bytes));
const otherName = (...content: Uint8Array[]) => der(0xa0, ...content);
const username = (value: Uint8Array) => otherName(oid('1.3.6.1.4.1.57264.1.7'), der(0xa0, value));
const hashed = (name: Uint8Array) => `san-sha256:${createHash('sha256').update(name).digest('hex')}`;

/** Good names before and after the bad one: both must be given. */
const BEFORE = dns('before.example');
const BEHIND = email('behind@example.com');
const [SAN_BEFORE, SAN_BEHIND] = ['san:before.example', 'san:behind@example.com'];

const X400 = der(0xa3, sequence(), der(0x31));
const DIRECTORY = der(0xa4, sequence(der(0x31, sequence(oid('2.5.4.3'), utf8('a')))));
const EDI_PARTY = der(0xa5, der(0xa1, utf8('a')));
const REGISTERED = der(0x88, Buffer.from('2a0304', 'hex'));
const PRINCIPAL = otherName(oid('1.3.6.1.4.1.311.20.2.3'), der(0xa0, utf8('a@example.com')));
/** SEQUENCEs nested 10,000 deep. */
const DEEP = Array.from({ length: 10_000 }).reduce<Buffer>((inner) => sequence(inner), Buffer.alloc(0));
const NAMES = Array.from({ length: 10_000 }, (_, i) => i.toString(36));

/** Single names, each placed between two good ones, with the keys that the name itself must give. */
const BETWEEN: readonly (readonly [what: string, name: Uint8Array, ...own: string[]])[] = [
  ['an x400Address', X400, hashed(X400)],
  ['a directoryName', DIRECTORY, hashed(DIRECTORY)],
  ['a directoryName 10,000 deep', der(0xa4, DEEP), hashed(der(0xa4, DEEP))],
  ['an ediPartyName', EDI_PARTY, hashed(EDI_PARTY)],
  ['an empty ediPartyName', der(0xa5), hashed(der(0xa5))],
  ['a registeredID', REGISTERED, hashed(REGISTERED)],
  ['an otherName of another type', PRINCIPAL, hashed(PRINCIPAL)],
  ["Fulcio's otherName", username(utf8('user!example.com')), 'san:user!example.com'],
  ["Fulcio's otherName with a byte order mark", username(utf8('\ufeffÿ')), 'san:\ufeffÿ'],
  ["Fulcio's otherName, empty", username(utf8(''))],
  ["Fulcio's otherName that is no UTF-8", username(der(0x0c, Buffer.of(0xc3, 0x28)))],
  ["Fulcio's otherName with a NUL", username(utf8('user\0!example.com'))],
  ["Fulcio's otherName with a NEL", username(utf8('user\u0085!example.com'))],
  ["Fulcio's otherName with a line separator", username(utf8('user\u2028!example.com'))],
  ["Fulcio's otherName with a paragraph separator", username(utf8('user\u2029!example.com'))],
  ["Fulcio's otherName that turns its direction", username(utf8('user\u202emoc.elpmaxe!'))],
  ["Fulcio's otherName that isolates its direction", username(utf8('user\u2067!example.com'))],
  ["Fulcio's otherName with a right-to-left mark", username(utf8('user\u200f!example.com'))],
  [
    "Fulcio's otherName with a zero-width joiner",
    username(utf8('user\u200d!example.com')),
    'san:user\u200d!example.com',
  ],
  ["Fulcio's otherName as an IA5String", username(der(0x16, Buffer.from('user')))],
  ["Fulcio's otherName with bytes behind its value", username(Buffer.concat([utf8('user'), Buffer.of(0)]))],
  ['an empty otherName', otherName()],
  ['an otherName that is its type alone', otherName(oid('1.2.3'))],
  ['an otherName without a type', otherName(der(0xa0, utf8('user')))],
  ['an otherName whose value has no [0]', otherName(oid('1.2.3'), utf8('user'))],
  ['an otherName with a second value', otherName(oid('1.2.3'), der(0xa0, utf8('a')), der(0xa0, utf8('b')))],
  ['an otherName cut short', otherName(oid('1.2.3'), Buffer.of(0xa0, 0x7f, 0x0c))],
  ['an otherName whose type is no identifier', otherName(der(6, Buffer.of(0x80, 0x01)), der(0xa0))],
  ['an otherName whose type is empty', otherName(der(6), der(0xa0))],
  ['a NULL', der(5)],
  ['a UTF8String', utf8('text.example')],
  ['a name of type [9]', der(0x89, Buffer.from('nine.example'))],
  ['a DNS name in constructed form', der(0xa2, der(0x16, Buffer.from('constructed.example')))],
  ['an upper-case DNS name with a dot at its end', dns('WWW.Example.COM.'), 'san:www.example.com'],
  ['a wildcard', dns('*.Example.com'), 'san:*.example.com'],
  ['a DNS name of one dot', dns('.'), 'san:.'],
  ['an empty DNS name', dns('')],
  ['a DNS name with a NUL', dns('good.example\0.evil.example')],
  ['a DNS name that is no IA5String', dns(Buffer.of(0x61, 0xe9, 0x2e, 0x62))],
  ['a DNS name with a line feed', dns('a.example\nb.example')],
  ['an address that is a word', email('RELEASE'), 'san:RELEASE'],
  ['an address with two @', email('"X@Y"@Example.COM'), 'san:"X@Y"@example.com'],
  ['an address that is an @', email('@'), 'san:@'],
  ['an empty address', email('')],
  ['an address with a NUL', email('a@example.com\0b@example.org')],
  ['an address in UTF-8', email('ä@example.com')],
  ['a URI', uri('https://Example.com/Org?A#%0a'), 'san:https://Example.com/Org?A#%0a'],
  ['a URI with a DEL', uri('https://example.com/\u007f')],
  ['an IPv4 address', ip(192, 0, 2, 1), 'san:192.0.2.1'],
  ['an IPv6 address', ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), 'san:2001:db8:0:1::1'],
  ['the IPv6 address ::', ip(...Array.from({ length: 16 }, () => 0)), 'san:::'],
  ['an IPv4 address in IPv6', ip(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4), 'san:::ffff:1.2.3.4'],
  ['an IP address of no bytes', ip()],
  ['an IP address of 5 bytes', ip(192, 0, 2, 1, 0)],
  ['an IP address with its mask', ip(192, 0, 2, 0, 255, 255, 255, 0)],
  ['the name before once more', dns('BEFORE.example.')],
];

/** Elements with a wrong length: the elements after it on the same level cannot be read. */
const WITHOUT_END: readonly (readonly [what: string, element: Uint8Array])[] = [
  [
    'a length that is indefinite',
    Buffer.concat([Buffer.of(0xa4, 0x80), DIRECTORY.subarray(2), Buffer.alloc(2)]),
  ],
  ['a length that is not minimal', Buffer.from('82810161', 'hex')],
  [
    'a length with a leading zero',
    Buffer.concat([Buffer.from('8283000080', 'hex'), Buffer.alloc(128, 0x61)]),
  ],
  ['a length of 2^31', Buffer.from('828480000000', 'hex')],
  ['a length of 2^56', Buffer.from('8287ffffffffffffff', 'hex')],
  ['a length one too long', Buffer.concat([Buffer.of(0x82, BEHIND.length + 2), Buffer.of(0x61)])],
  ['a tag of several bytes', Buffer.from('bf8a000161', 'hex')],
];

const ISSUER_ALT_NAME = '2.5.29.18';

/** Cases of whole certificates, by their extensions. */
const EXTENSIONS: readonly (readonly [what: string, extensions: readonly Uint8Array[], ...keys: string[]])[] =
  [
    ...BETWEEN.map(
      ([what, name, ...own]) =>
        [what, [subjectAltNames(BEFORE, name, BEHIND)], SAN_BEFORE, ...own, SAN_BEHIND] as const,
    ),
    ...WITHOUT_END.map(
      ([what, element]) => [what, [subjectAltNames(BEFORE, element, BEHIND)], SAN_BEFORE] as const,
    ),
    ['10,000 names', [subjectAltNames(...NAMES.map(dns))], ...NAMES.map((name) => `san:${name}`)],
    ['a NULL for the names', [extension(SAN, der(5))]],
    ['nothing for the names', [extension(SAN, Buffer.alloc(0))]],
    ['an empty list of names', [subjectAltNames()]],
    ['a SET for the names', [extension(SAN, der(0x31, BEFORE))]],
    ['names longer than their extension', [extension(SAN, Buffer.concat([Buffer.of(0x30, 0x7f), BEFORE]))]],
    [
      'names of an indefinite length',
      [extension(SAN, Buffer.concat([Buffer.of(0x30, 0x80), BEFORE, Buffer.alloc(2)]))],
    ],
    ['bytes behind the names', [extension(SAN, Buffer.concat([sequence(BEFORE), BEHIND]))], SAN_BEFORE],
    ['critical names', [extension(SAN, sequence(BEFORE), TRUE)], SAN_BEFORE],
    ['names said not to be critical', [extension(SAN, sequence(BEFORE), der(1, Buffer.of(0)))], SAN_BEFORE],
    ['the extension twice', [subjectAltNames(BEFORE), subjectAltNames(BEHIND)], SAN_BEFORE, SAN_BEHIND],
    ['the extension twice, once unreadable', [extension(SAN, der(5)), subjectAltNames(BEHIND)], SAN_BEHIND],
    ["the issuer's names alone", [extension(ISSUER_ALT_NAME, sequence(BEFORE))]],
    [
      'an unknown critical extension before',
      [extension('1.2.3.4', Buffer.alloc(0), TRUE), subjectAltNames(BEHIND)],
      SAN_BEHIND,
    ],
  ];

/** Makes the corpus, for this key and signed by a test authority. */
export function hostileCertificates(publicKey: KeyObject = newKey()): HostileCertificate[] {
  const authority = newAuthority('hostile');
  const issue = (extensions: readonly Uint8Array[]) => authority.issue(publicKey, extensions, false);
  return EXTENSIONS.map(([what, extensions, ...keys]) => ({ what, certificate: issue(extensions), keys }));
}

/** Bytes that are no certificate, or look like one only to a parser that reads half of them. */
export function brokenCertificates(): HostileCertificate[] {
  const authority = newAuthority('broken');
  const publicKey = newKey();
  const issue = (...extensions: Uint8Array[]) => authority.issue(publicKey, extensions, false);
  const good = issue(subjectAltNames(BEFORE, BEHIND));
  const names = [SAN_BEFORE, SAN_BEHIND];
  const withoutValue = sequence(oid(SAN), TRUE);
  const withoutId = sequence(der(4, sequence(BEFORE)));
  return [
    { what: 'nothing', certificate: Buffer.alloc(0), keys: [] },
    { what: 'zeros', certificate: Buffer.alloc(1000), keys: [] },
    { what: 'text', certificate: Buffer.from('-----BEGIN CERTIFICATE-----'), keys: [] },
    { what: 'a key', certificate: publicKey.export({ type: 'spki', format: 'der' }), keys: [] },
    { what: 'a certificate cut short', certificate: good.subarray(0, -1), keys: [] },
    { what: 'bytes behind a certificate', certificate: Buffer.concat([good, good]), keys: names },
    {
      what: 'extensions without a value or an identifier',
      certificate: issue(withoutValue, withoutId, sequence(), der(5), subjectAltNames(BEFORE, BEHIND)),
      keys: names,
    },
  ];
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
}
