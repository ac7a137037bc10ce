/**
 * Requests that the log must refuse, each for one reason, with the message of the refusal.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  certificates,
  der,
  ecdsaSignature,
  ed25519Key,
  integer,
  otherKeys,
  P256_ORDER,
  p256Key,
  p256Point,
  rsaKey,
} from './bad-input-keys.js';
import { goodEnvelope, goodRequest } from './http.js';

export interface BadRequest {
  readonly name: string;
  readonly body: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Default: 400. */
  readonly status?: number;
  readonly message: RegExp;
}

/** `--max-body` of the tests' daemon, in bytes. */
export const MAX_BODY = 256 * 1024;

const REKORD = 'hashedRekordRequestV002';
const DSSE = 'dsseRequestV002';
const keys = otherKeys();
const certificate = certificates();

/** A copy with the value at a dotted path replaced, or removed where the new value is undefined. */
function changed(object: object, path: string, value: unknown): object {
  const copy = structuredClone(object) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let parent = copy;
  for (const name of names) parent = parent[name] as Record<string, unknown>;
  parent[last] = value;
  return copy;
}

/** A hashedrekord request that is good but for one field, named from `hashedRekordRequestV002` on. */
function rekord(name: string, path: string, value: unknown, message: RegExp): BadRequest {
  return { name, body: JSON.stringify(changed(goodRequest(), `${REKORD}.${path}`, value)), message };
}

/** A DSSE request that is good but for one field, named from `dsseRequestV002` on. */
function envelope(name: string, path: string, value: unknown, message: RegExp): BadRequest {
  return { name, body: JSON.stringify(changed(goodEnvelope(), `${DSSE}.${path}`, value)), message };
}

function text(name: string, body: string | Uint8Array, message: RegExp): BadRequest {
  return { name, body, message };
}

/** A request whose verifier holds another key. */
function key(name: string, spki: Uint8Array, message: RegExp, keyDetails = 'PKIX_ECDSA_P256_SHA_256') {
  return rekord(name, 'signature.verifier', { publicKey: { rawBytes: base64(spki) }, keyDetails }, message);
}

/** A request whose verifier holds a certificate. */
function x509(name: string, bytes: Uint8Array, message: RegExp) {
  const verifier = { x509Certificate: { rawBytes: base64(bytes) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
  return rekord(name, 'signature.verifier', verifier, message);
}

/** A request with an Ed25519 key, whose digest has the right length. */
function ed25519(name: string, point: Uint8Array, message: RegExp, signed: Uint8Array = randomBytes(64)) {
  const verifier = { publicKey: { rawBytes: base64(ed25519Key(point)) }, keyDetails: 'PKIX_ED25519_PH' };
  const content = { content: base64(signed), verifier };
  return text(
    name,
    JSON.stringify({ [REKORD]: { digest: base64(randomBytes(64)), signature: content } }),
    message,
  );
}

/** A request with an RSA 2048 key. */
function rsa(name: string, signed: Uint8Array, message: RegExp) {
  const verifier = {
    publicKey: { rawBytes: base64(rsaKey(2048, 65537n)) },
    keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256',
  };
  return rekord(name, 'signature', { content: base64(signed), verifier }, message);
}

function signature(name: string, bytes: Uint8Array, message: RegExp) {
  return rekord(name, 'signature.content', base64(bytes), message);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function withByte(bytes: Uint8Array, at: number, change: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy.at(at) ?? 0) ^ change;
  return copy;
}

const good = JSON.stringify(goodRequest());
const R = 0x1234567890n;

const JSON_SYNTAX: readonly BadRequest[] = [
  text('no body at all', '', /^the request is not JSON/),
  text('whitespace', '  \r\n\t ', /^the request is not JSON/),
  text('JSON cut short', good.slice(0, -1), /^the request is not JSON/),
  text('JSON and more', `${good}{}`, /^the request is not JSON/),
  text('a trailing comma', good.replace(/}$/, ',}'), /^the request is not JSON/),
  text('a comment', `/* no */${good}`, /^the request is not JSON/),
  text('single quotes', good.replaceAll('"', "'"), /^the request is not JSON/),
  text('NaN', '{"hashedRekordRequestV002":NaN}', /^the request is not JSON/),
  text('a control character in a string', '{"a\nb":1}', /^the request is not JSON/),
  text('a lone escape', '{"\\x":1}', /^the request is not JSON/),
  text('bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/),
  text('UTF-8 cut inside a character', Buffer.from([0x22, 0xe2, 0x82, 0x22]), /not UTF-8/),
  text('a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /not UTF-8/),
  text('UTF-16', Buffer.from(good, 'utf16le'), /^the request is not JSON/),
  text('a byte order mark', `\ufeff${good}`, /byte order mark/),
  text('33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, /nests over 32 deep/),
  text('100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /nests over 32 deep/),
  text('a field twice', good.replace('{"digest"', '{"digest":"AA==","digest"'), /"digest" twice/),
  text(
    'a field twice, once escaped',
    good.replace('{"digest"', '{"\\u0064igest":"AA==","digest"'),
    /"digest" twice/,
  ),
  text('the request twice', good.replace(/^{/, `{"${REKORD}":{},`), /"hashedRekordRequestV002" twice/),
  text('a string for a request', '"hello"', /the request is not a JSON object/),
  text('a number for a request', '42', /the request is not a JSON object/),
  text('null for a request', 'null', /the request is not a JSON object/),
  text('true for a request', 'true', /the request is not a JSON object/),
  text('an array for a request', `[${good}]`, /the request is not a JSON object/),
];

const SHAPE: readonly BadRequest[] = [
  text('an empty object', '{}', /the request is empty; it needs one of hashedRekordRequestV002/),
  text('a request that is null', `{"${REKORD}":null}`, /the request is empty/),
  text('an unknown kind', '{"rekordRequestV001":{}}', /rekordRequestV001 is no request that this log takes/),
  text('a kind of an odd name', '{"__proto__":{}}', /_Proto__ is no request that this log takes/),
  text(
    'two kinds at once',
    JSON.stringify({ ...goodRequest(), ...goodEnvelope() }),
    /hashedRekordRequestV002, dsseRequestV002; it takes one/,
  ),
  text(
    'a field beside the request',
    JSON.stringify({ ...goodRequest(), extra: 1 }),
    /hashedRekordRequestV002, extra; it takes one/,
  ),
  text(
    'a request that is a string',
    `{"${REKORD}":"x"}`,
    /hashedRekordRequestV002: .*expected object, received string/,
  ),
  text(
    'a request that is an array',
    `{"${REKORD}":[]}`,
    /hashedRekordRequestV002: .*expected object, received array/,
  ),
  text(
    'a request without fields',
    `{"${REKORD}":{}}`,
    /V002\.digest: is missing; .*V002\.signature: is missing/,
  ),
  rekord('an unknown field in the request', 'note', 'x', /V002: .*"note"/),
  rekord('an unknown field in the signature', 'signature.note', 'x', /signature: .*"note"/),
  rekord('an unknown field in the verifier', 'signature.verifier.note', 'x', /verifier: .*"note"/),
  rekord('an unknown field in the key', 'signature.verifier.publicKey.note', 'x', /publicKey: .*"note"/),
  text(
    'a field called __proto__',
    good.replace('{"digest"', '{"__proto__":{"a":1},"digest"'),
    /V002: .*"_Proto__"/,
  ),
  rekord('a field called constructor', 'constructor', 'x', /V002: .*"constructor"/),
  rekord(
    'both spellings of a field',
    'signature.verifier.key_details',
    5,
    /keyDetails is there in both spellings/,
  ),
  rekord('a field in neither spelling', 'signature.verifier.KeyDetails', 5, /verifier: .*"KeyDetails"/),
  rekord('no digest', 'digest', undefined, /V002\.digest: is missing/),
  rekord('a digest that is null', 'digest', null, /V002\.digest: is missing/),
  rekord('a digest that is a number', 'digest', 7, /V002\.digest: .*expected string, received number/),
  rekord('a digest that is an array', 'digest', ['AA=='], /V002\.digest: .*expected string, received array/),
  rekord('a digest that is an object', 'digest', {}, /V002\.digest: .*expected string, received object/),
  rekord('an empty digest', 'digest', '', /V002\.digest: is empty/),
  rekord('no signature', 'signature', undefined, /V002\.signature: is missing/),
  rekord('a signature that is a string', 'signature', 'x', /V002\.signature: .*expected object/),
  rekord('no signature content', 'signature.content', undefined, /signature\.content: is missing/),
  rekord('an empty signature', 'signature.content', '', /signature\.content: is empty/),
  rekord('no verifier', 'signature.verifier', undefined, /signature\.verifier: is missing/),
  rekord('a verifier that is true', 'signature.verifier', true, /verifier: .*received boolean/),
  rekord('several verifiers', 'signature.verifier', [], /verifier: .*received array/),
  rekord('no key', 'signature.verifier.publicKey', undefined, /has neither publicKey nor x509Certificate/),
  rekord(
    'a key and a certificate',
    'signature.verifier.x509Certificate',
    { rawBytes: base64(certificate.p256) },
    /has both publicKey and x509Certificate/,
  ),
  rekord('a key that is a string', 'signature.verifier.publicKey', 'x', /publicKey: .*expected object/),
  rekord('a key without bytes', 'signature.verifier.publicKey', {}, /publicKey\.rawBytes: is missing/),
  rekord('an empty key', 'signature.verifier.publicKey.rawBytes', '', /publicKey\.rawBytes: is empty/),
  rekord(
    'an empty certificate',
    'signature.verifier',
    { x509Certificate: { rawBytes: '' }, keyDetails: 5 },
    /x509Certificate\.rawBytes: is empty/,
  ),
];

const BASE64: readonly BadRequest[] = [
  rekord(
    'base64 with a line break',
    'digest',
    `${'A'.repeat(40)}\nAAA`,
    /digest: base64 has "\\n" at position 40/,
  ),
  rekord('base64 with a space', 'digest', 'AA AA===', /digest: base64 has " " at position 2/),
  rekord('base64 with another character', 'digest', 'AA.A', /digest: base64 has "\." at position 2/),
  rekord('base64 of a character beyond ASCII', 'digest', 'AAAÄ', /digest: base64 has "Ä" at position 3/),
  rekord('base64 of both alphabets', 'digest', 'A-A/', /digest: base64 mixes/),
  rekord('base64 with too much padding', 'digest', 'AAAA====', /digest: base64 has "=" at position 4/),
  rekord('base64 with too little padding', 'digest', 'AA=', /digest: base64 of 3 characters is not padded/),
  rekord('base64 with padding inside', 'digest', 'AA==AAAA', /digest: base64 has "=" at position 2/),
  rekord('base64 of one character', 'digest', 'AAAAA', /digest: base64 .*(not padded|"=" at position 5)/),
  rekord('base64 with bits left over', 'digest', 'AB==', /digest: base64 ends in bits that are not zero/),
  rekord('hex for base64', 'digest', 'sha256:00', /digest: base64 has ":" at position 6/),
];

const LABELS: readonly BadRequest[] = [
  rekord('no keyDetails', 'signature.verifier.keyDetails', undefined, /keyDetails: is missing/),
  rekord(
    'an unknown keyDetails',
    'signature.verifier.keyDetails',
    'PKIX_ECDSA_P256_SHA_512',
    /keyDetails: "PKIX_ECDSA_P256_SHA_512" is not accepted; one of PKIX_RSA.*PKIX_ED25519_PH is/,
  ),
  rekord(
    'keyDetails in lower case',
    'signature.verifier.keyDetails',
    'pkix_ed25519_ph',
    /keyDetails: .* is not accepted/,
  ),
  rekord('keyDetails that is empty', 'signature.verifier.keyDetails', '', /keyDetails: "" is not accepted/),
  rekord(
    'the keyDetails of ML-DSA',
    'signature.verifier.keyDetails',
    'ML_DSA_65',
    /"ML_DSA_65" is not accepted/,
  ),
  rekord('an unknown number', 'signature.verifier.keyDetails', 99, /keyDetails: 99 is not accepted/),
  rekord('the number 0', 'signature.verifier.keyDetails', 0, /keyDetails: 0 is not accepted/),
  rekord('a number that is none', 'signature.verifier.keyDetails', 5.5, /keyDetails: 5\.5 is not accepted/),
  rekord('a number in a string', 'signature.verifier.keyDetails', '5', /keyDetails: "5" is not accepted/),
  rekord('keyDetails in an array', 'signature.verifier.keyDetails', [5], /keyDetails: \[5\] is not accepted/),
  key('pure Ed25519', keys.ed25519, /keyDetails: "PKIX_ED25519" is not accepted/, 'PKIX_ED25519'),
  key('RSA-PSS', keys.rsaPss, /"PKIX_RSA_PSS_2048_SHA256" is not accepted/, 'PKIX_RSA_PSS_2048_SHA256'),
  rekord(
    "another curve's keyDetails",
    'signature.verifier.keyDetails',
    'PKIX_ED25519_PH',
    /^digest: is 32 bytes; SHA2_512 has 64/,
  ),
  rekord(
    'RSA said of an ECDSA key',
    'signature.verifier.keyDetails',
    'PKIX_RSA_PKCS1V15_2048_SHA256',
    /^keyDetails: PKIX_RSA_PKCS1V15_2048_SHA256 names an RSA 2048 key, but the key is ECDSA P-256/,
  ),
  key('ECDSA P-256 said of a P-384 key', keys.p384, /names an ECDSA P-256 key, but the key is ECDSA P-384/),
  key(
    'RSA 4096 said of RSA 2048',
    rsaKey(2048, 65537n),
    /RSA 4096 key, but the key is RSA 2048/,
    'PKIX_RSA_PKCS1V15_4096_SHA256',
  ),
  rekord(
    'a digest one byte short',
    'digest',
    base64(randomBytes(31)),
    /^digest: is 31 bytes; SHA2_256 has 32/,
  ),
  rekord(
    'a digest one byte long',
    'digest',
    base64(randomBytes(33)),
    /^digest: is 33 bytes; SHA2_256 has 32/,
  ),
  rekord(
    'a digest of 100,000 bytes',
    'digest',
    base64(randomBytes(100_000)),
    /an entry has at most 65535 bytes/,
  ),
];

const compressed = p256Point('compressed');
const hybrid = p256Point('hybrid');
const point = p256Point('uncompressed');

const KEYS: readonly BadRequest[] = [
  key('a key that is not DER', randomBytes(1).fill(0x41), /^publicKey: is not a DER SubjectPublicKeyInfo/),
  key(
    'a key in PEM',
    Buffer.from('-----BEGIN PUBLIC KEY-----\n'),
    /not a DER SubjectPublicKeyInfo: a tag is 0x2d/,
  ),
  key('a key that ends early', p256Key(point).subarray(0, 60), /SubjectPublicKeyInfo: it ends early/),
  key('bytes after the key', Buffer.concat([p256Key(point), Buffer.of(0)]), /bytes follow the key/),
  key(
    'a length that is not minimal',
    Buffer.concat([Buffer.of(0x30, 0x81, 0x59), p256Key(point).subarray(2)]),
    /a length is not minimal/,
  ),
  key(
    'an indefinite length',
    Buffer.concat([Buffer.of(0x30, 0x80), p256Key(point).subarray(2)]),
    /indefinite/,
  ),
  key("a certificate in the key's place", certificate.p256, /^publicKey: is not a DER SubjectPublicKeyInfo/),
  key('secp256k1', keys.secp256k1, /^publicKey: its algorithm \(ec secp256k1\) is not accepted/),
  key('P-224', keys.p224, /^publicKey: its algorithm \(ec secp224r1\) is not accepted/),
  key('an RSA-PSS key', keys.rsaPss, /^publicKey: its algorithm \(rsa-pss\) is not accepted/),
  key('a DSA key', keys.dsa, /^publicKey: its algorithm \(dsa\) is not accepted/),
  key('an X25519 key', keys.x25519, /^publicKey: its algorithm \(x25519\) is not accepted/),
  key('a compressed point', p256Key(compressed), /P-256 point is not in uncompressed form/),
  key('a hybrid point', p256Key(hybrid), /P-256 point is not in uncompressed form/),
  key('the point at infinity', p256Key(Buffer.of(0)), /P-256 point is not in uncompressed form/),
  key('a point off the curve', p256Key(withByte(point, 64, 1)), /point is not on P-256/),
  key(
    'a coordinate over the prime',
    p256Key(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)])),
    /not below the field prime/,
  ),
  ...([1024, 2047, 8192] as const).map((bits) =>
    key(
      `RSA ${bits}`,
      rsaKey(bits, 65537n),
      new RegExp(`RSA modulus has ${bits} bits; 2048, 3072 and 4096 are accepted`),
      'PKIX_RSA_PKCS1V15_2048_SHA256',
    ),
  ),
  ...([1n, 2n, 65536n, 2n ** 31n + 1n] as const).map((exponent) =>
    key(
      `the RSA exponent ${String(exponent)}`,
      rsaKey(2048, exponent),
      /RSA exponent is not an odd number from 3/,
      'PKIX_RSA_PKCS1V15_2048_SHA256',
    ),
  ),
  ed25519('an Ed25519 point of small order', Buffer.alloc(32), /Ed25519 point has small order/),
  ed25519(
    'an Ed25519 point in another form',
    Buffer.alloc(32, 0xff),
    /not on the curve or not in canonical form/,
  ),
  ed25519('an Ed25519 key of 31 bytes', randomBytes(31), /not on the curve or not in canonical form/),
];

const CERTIFICATES: readonly BadRequest[] = [
  x509('a certificate of garbage', randomBytes(300), /^x509Certificate: is not a DER X\.509 certificate/),
  x509(
    'a certificate that ends early',
    certificate.p256.subarray(0, -1),
    /^x509Certificate: is not a DER X\.509/,
  ),
  x509('bytes after the certificate', Buffer.concat([certificate.p256, Buffer.of(0)]), /or bytes follow it/),
  x509(
    'a certificate in PEM',
    Buffer.from(`-----BEGIN CERTIFICATE-----\n${base64(certificate.p256)}\n-----END CERTIFICATE-----\n`),
    /^x509Certificate: is not a DER X\.509 certificate/,
  ),
  x509(
    'a certificate of a secp256k1 key',
    certificate.secp256k1,
    /its algorithm \(ec secp256k1\) is not accepted/,
  ),
  x509(
    "a certificate of another's key",
    certificate.p256,
    /^signature: does not verify over the digest with this key/,
  ),
  x509("a bare key in the certificate's field, compressed", p256Key(compressed), /not in uncompressed form/),
  x509(
    'a certificate that makes the body too long',
    certificate.big,
    /rawBytes: has \d{5} characters; an entry has at most 65535 bytes/,
  ),
];

const WRONG = /^signature: does not verify over the digest with this key/;
const valid = Buffer.from(goodRequest().hashedRekordRequestV002.signature.content, 'base64');
const content = ecdsaSignature(R, R).subarray(2);

const SIGNATURES: readonly BadRequest[] = [
  signature("another digest's signature", valid, WRONG),
  signature('a signature of garbage', randomBytes(1).fill(0x41), /^signature: is not DER/),
  signature('r and s without DER', Buffer.alloc(64, 0x11), /^signature: is not DER: a tag is 0x11/),
  signature('a signature that ends early', ecdsaSignature(R, R).subarray(0, -1), /is not DER: it ends early/),
  signature(
    'bytes after the signature',
    Buffer.concat([ecdsaSignature(R, R), Buffer.of(0)]),
    /bytes follow s/,
  ),
  signature('bytes after s', der(0x30, content, Buffer.of(5, 0)), /bytes follow s/),
  signature('no s', der(0x30, integer(R)), /is not DER: it ends early/),
  signature('a padded r', der(0x30, der(2, Buffer.of(0, 1)), integer(R)), /an INTEGER is not minimal/),
  signature(
    'a length of two bytes',
    Buffer.concat([Buffer.of(0x30, 0x81), Buffer.of(content.length), content]),
    /a length is not minimal/,
  ),
  signature('a negative r', der(0x30, der(2, Buffer.of(0x80)), integer(R)), /an INTEGER is negative/),
  signature('an empty r', der(0x30, der(2), integer(R)), /an INTEGER is empty/),
  signature('r = 0', ecdsaSignature(0n, R), /has an r that is not between 0 and the order/),
  signature('s = 0', ecdsaSignature(R, 0n), /has an s that is not between 0 and the order/),
  signature('r = n', ecdsaSignature(P256_ORDER, R), /has an r that is not between 0 and the order/),
  signature('s = n', ecdsaSignature(R, P256_ORDER), /has an s that is not between 0 and the order/),
  rsa(
    'an RSA signature one byte short',
    randomBytes(255),
    /^signature: is 255 bytes; with this key it has 256/,
  ),
  rsa(
    'an RSA signature one byte long',
    randomBytes(257),
    /^signature: is 257 bytes; with this key it has 256/,
  ),
  rsa('an RSA signature over the modulus', Buffer.alloc(256, 0xff), WRONG),
  rsa('an RSA signature that is wrong', Buffer.alloc(256, 0x01), WRONG),
  ed25519('an Ed25519 signature that is wrong', keys.ed25519.subarray(-32), WRONG),
  ed25519(
    'an Ed25519 signature of 63 bytes',
    keys.ed25519.subarray(-32),
    /is 63 bytes; an Ed25519ph signature has 64/,
    randomBytes(63),
  ),
];

const ENVELOPES: readonly BadRequest[] = [
  envelope('no envelope', 'envelope', undefined, /V002\.envelope: is missing/),
  envelope('an envelope that is base64', 'envelope', 'AA==', /V002\.envelope: .*expected object/),
  envelope('no payload', 'envelope.payload', undefined, /envelope\.payload: is missing/),
  envelope('a payload that is no base64', 'envelope.payload', '{}', /envelope\.payload: base64/),
  envelope('no payloadType', 'envelope.payloadType', undefined, /envelope\.payloadType: is missing/),
  envelope('an empty payloadType', 'envelope.payloadType', '', /envelope\.payloadType: is empty/),
  envelope('a payloadType that is a number', 'envelope.payloadType', 1, /payloadType: .*expected string/),
  envelope('no signatures', 'envelope.signatures', [], /envelope\.signatures: must have exactly one/),
  envelope('signatures that are one', 'envelope.signatures', { sig: 'AA==' }, /signatures: .*expected array/),
  envelope(
    'two signatures',
    'envelope.signatures',
    [{ sig: 'AA==' }, { sig: 'AA==' }],
    /signatures: must have exactly one/,
  ),
  envelope(
    'a signature that is null',
    'envelope.signatures',
    [null],
    /signatures\.0: .*expected object, received null/,
  ),
  envelope('an empty sig', 'envelope.signatures', [{ sig: '' }], /signatures\.0\.sig: is empty/),
  envelope(
    'a keyid that is a number',
    'envelope.signatures',
    [{ sig: 'AA==', keyid: 1 }],
    /signatures\.0\.keyid: .*expected string/,
  ),
  envelope(
    'an unknown field in a signature',
    'envelope.signatures',
    [{ sig: 'AA==', cert: '' }],
    /signatures\.0: .*"cert"/,
  ),
  envelope('an unknown field in the envelope', 'envelope.note', 1, /envelope: .*"note"/),
  envelope('no verifiers', 'verifiers', [], /V002\.verifiers: must have exactly one/),
  envelope('verifiers that are missing', 'verifiers', undefined, /V002\.verifiers: is missing/),
  envelope("v2.2.1's verifier", 'verifier', {}, /V002: .*"verifier"/),
  envelope(
    'two verifiers',
    'verifiers',
    [...goodEnvelope().dsseRequestV002.verifiers, ...goodEnvelope().dsseRequestV002.verifiers],
    /V002\.verifiers: must have exactly one/,
  ),
  envelope('another payload', 'envelope.payload', base64(randomBytes(32)), WRONG),
  envelope('another payloadType', 'envelope.payloadType', 'application/json', WRONG),
  envelope('a payload cut short', 'envelope.payload', '', WRONG),
];

const JSON_TYPE = { 'content-type': 'application/json' };

/** Requests that are refused for their head or encoding, and not for their JSON. */
const HTTP: readonly BadRequest[] = [
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ].map((type) => ({
    name: `the content type ${type}`,
    body: good,
    headers: { 'content-type': type },
    status: 415,
    message: /^the request is not JSON: send Content-Type: application\/json/,
  })),
  ...['json', 'application/json, text/plain'].map((type) => ({
    name: `the content type ${type}`,
    body: good,
    headers: { 'content-type': type },
    status: 415,
    message: /send Content-Type: application\/json/,
  })),
  {
    name: 'no content type',
    body: good,
    headers: {},
    status: 415,
    message: /send Content-Type: application\/json/,
  },
  {
    name: 'no content type and no body',
    body: '',
    headers: {},
    status: 415,
    message: /send Content-Type: application\/json/,
  },
  {
    name: 'a body in gzip',
    body: gzipSync(good),
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    status: 415,
    message: /Content-Encoding: "gzip" .* send the JSON as it is/,
  },
  {
    name: 'a body that is said to be in gzip and is not',
    body: good,
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    status: 415,
    message: /Content-Encoding: "gzip"/,
  },
  {
    name: 'gzip that is not announced',
    body: gzipSync(good),
    status: 400,
    message: /^the request is not UTF-8/,
  },
  {
    name: 'a body over the limit',
    body: ' '.repeat(MAX_BODY + 1),
    status: 413,
    message: /^the request body is over \d+ bytes \(--max-body\)/,
  },
  {
    name: 'a body at the limit',
    body: ' '.repeat(MAX_BODY),
    status: 400,
    message: /^the request is not JSON/,
  },
  ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'].map((method) => ({
    name: `the method ${method}`,
    method,
    body: method.startsWith('P') ? good : null,
    headers: method.startsWith('P') ? JSON_TYPE : {},
    status: 405,
    message: new RegExp(`^${method} is not for /api/v2/log/entries: entries are submitted by POST`),
  })),
];

/** All cases, by what they try. */
export const BAD_REQUESTS: readonly (readonly [string, readonly BadRequest[]])[] = [
  ['JSON', JSON_SYNTAX],
  ['its fields', SHAPE],
  ['base64', BASE64],
  ['keyDetails and the digest', LABELS],
  ['keys', KEYS],
  ['certificates', CERTIFICATES],
  ['signatures', SIGNATURES],
  ['envelopes', ENVELOPES],
  ['HTTP', HTTP],
];
