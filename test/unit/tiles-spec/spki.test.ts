/**
 * Public keys in DER, against OpenSSL's.
 */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeElement, OCTET_STRING, readElement } from '#tiles-spec/der.js';
import { ed25519Key, ed25519Spki, p256Point, readSpki } from '#tiles-spec/spki.js';

const ED25519 = spki('ed25519');
const P256 = ecSpki('prime256v1');

function spki(type: 'ed25519' | 'x25519'): Uint8Array {
  // Overloads of generateKeyPairSync take one type each.
  const { publicKey } = type === 'ed25519' ? generateKeyPairSync(type) : generateKeyPairSync(type);
  return publicKey.export({ type: 'spki', format: 'der' });
}

function ecSpki(namedCurve: string, paramEncoding: 'named' | 'explicit' = 'named'): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve, paramEncoding });
  return publicKey.export({ type: 'spki', format: 'der' });
}

test('an Ed25519 key in DER has the 32 bytes that its JWK has, and is made of them', () => {
  const key = ed25519Key(ED25519) ?? new Uint8Array();
  const jwk = createPublicKey({ key: Buffer.from(ED25519), format: 'der', type: 'spki' }).export({
    format: 'jwk',
  });
  expect(Buffer.from(key).toString('base64url')).toBe(jwk.x);
  expect(ed25519Spki(key)).toEqual(Uint8Array.from(ED25519));
});

test('a P-256 key in DER has an uncompressed point', () => {
  expect(p256Point(P256)).toEqual(P256.subarray(-65));
});

describe('no key is taken for one of another type', () => {
  test.each([
    ['X25519', spki('x25519')],
    ['P-384', ecSpki('secp384r1')],
    ['P-256 with its parameters written out', ecSpki('prime256v1', 'explicit')],
    ['nothing', new Uint8Array()],
    ['a byte after the key', Buffer.concat([ED25519, Buffer.of(0)])],
    ['a byte after the point', Buffer.concat([P256, Buffer.of(0)])],
  ])('%s', (_, der) => {
    expect(ed25519Key(der)).toBeUndefined();
    expect(p256Point(der)).toBeUndefined();
  });

  test('a compressed point', () => {
    const { algorithm } = readSpki(P256);
    const bits = encodeElement(0x03, [Uint8Array.of(0, 2), P256.subarray(-64, -32)]);
    expect(p256Point(encodeElement(0x30, [algorithm, bits]))).toBeUndefined();
  });
});

test.each([0, 1, 127, 128, 255, 256, 65_535, 65_536])(
  'an element of %i bytes is read as it was written',
  (length) => {
    const content = randomBytes(length);
    const half = length >> 1;
    const written = encodeElement(OCTET_STRING, [content.subarray(0, half), content.subarray(half)]);
    const { tag, content: read, rest } = readElement(written);
    expect({ tag, isSame: content.equals(read), rest: rest.length }).toEqual({
      tag: OCTET_STRING,
      isSame: true,
      rest: 0,
    });
  },
);
