/**
 * Keys, certificates and signatures that a log must refuse.
 * @module
 */
import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import { OpenSsl } from './openssl-keys.js';

/** One DER element. */
export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = Buffer.from(
    length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'),
    'hex',
  );
  return Buffer.concat([Buffer.of(tag, 0x80 + bytes.length), bytes, content]);
}

/** A DER INTEGER, at least 0. */
export function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** A DER ECDSA signature. */
export function ecdsaSignature(r: bigint, s: bigint): Buffer {
  return der(0x30, integer(r), integer(s));
}

/** The order of P-256. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const P256_ALGORITHM = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex');
const RSA_ALGORITHM = Buffer.from('300d06092a864886f70d0101010500', 'hex');
const ED25519_ALGORITHM = Buffer.from('300506032b6570', 'hex');

function spki(algorithm: Uint8Array, key: Uint8Array): Buffer {
  return der(0x30, algorithm, der(0x03, Buffer.of(0), key));
}

/** An RSA public key of `bits` bits. Nobody has the private key. */
export function rsaKey(bits: number, exponent: bigint): Buffer {
  const modulus = BigInt(`0x${randomBytes(Math.ceil(bits / 8) + 1).toString('hex')}`);
  const top = 1n << BigInt(bits - 1);
  return spki(RSA_ALGORITHM, der(0x30, integer((modulus % top) | top | 1n), integer(exponent)));
}

export function p256Key(point: Uint8Array): Buffer {
  return spki(P256_ALGORITHM, point);
}

export function ed25519Key(point: Uint8Array): Buffer {
  return spki(ED25519_ALGORITHM, point);
}

/** A point of P-256. */
export function p256Point(form: 'compressed' | 'hybrid' | 'uncompressed'): Buffer {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  return ecdh.getPublicKey(null, form);
}

/** DER SPKIs of key types that the log does not take. */
export function otherKeys() {
  const options = { type: 'spki', format: 'der' } as const;
  return {
    secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export(options),
    p224: generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey.export(options),
    rsaPss: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey.export(options),
    dsa: generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey.export(options),
    x25519: generateKeyPairSync('x25519').publicKey.export(options),
    ed25519: generateKeyPairSync('ed25519').publicKey.export(options),
    p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export(options),
  };
}

/** DER certificates, by openssl. */
export function certificates() {
  const openssl = new OpenSsl();
  const make = (curve: string, ...more: string[]) =>
    openssl.run(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes'],
      ...['-keyout', 'key.pem', '-subj', '/CN=t', '-outform', 'DER', ...more],
    );
  try {
    return {
      p256: make('P-256'),
      secp256k1: make('secp256k1'),
      big: make('P-256', '-addext', `1.2.3.4=ASN1:UTF8String:${'a'.repeat(49_000)}`),
    };
  } finally {
    openssl.remove();
  }
}
