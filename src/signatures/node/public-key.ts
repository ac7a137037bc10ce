/**
 * Public keys as DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), read strictly: a key has one encoding and matches one
 * `keyDetails` label, so that a search for a key by its bytes finds all that it signed.
 * @module
 */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bytesToNumberBE } from '@noble/curves/utils.js';
import { INTEGER, SEQUENCE, readElement, readPositive } from '../../../tiles-spec/der.js';
import { DerError } from '../../../tiles-spec/errors.js';
import { ED25519_ALGORITHM, P256_ALGORITHM, readSpki, type Spki } from '../../../tiles-spec/spki.js';
import { InvalidEntryError } from '../../errors.js';
import type { KeyDetails } from '../algorithms.js';
import { P256, P384, P521, decodePoint } from '../curves.js';
import type { AffinePoint, Curve } from '../curves.js';
import { checkEd25519Point } from '../ed25519ph.js';

/** A key that the log accepts, with the one `keyDetails` label that it matches. */
export type PublicKey = EcdsaKey | RsaKey | Ed25519Key;

export interface EcdsaKey {
  readonly type: 'ecdsa';
  readonly keyDetails: KeyDetails;
  readonly curve: Curve;
  readonly point: AffinePoint;
}

export interface RsaKey {
  readonly type: 'rsa';
  readonly keyDetails: KeyDetails;
  readonly key: KeyObject;
  /** Bytes of the modulus: 256, 384 or 512. */
  readonly modulusLength: number;
}

export interface Ed25519Key {
  readonly type: 'ed25519';
  readonly keyDetails: KeyDetails;
  /** The encoded point, 32 bytes. */
  readonly point: Uint8Array;
}

// AlgorithmIdentifiers in DER, as hexadecimal. RFC 5480: id-ecPublicKey with a named curve. RFC 3279: rsaEncryption
// with NULL.
const EC_KEYS: ReadonlyMap<string, { keyDetails: KeyDetails; curve: Curve }> = new Map([
  [P256_ALGORITHM, { keyDetails: 'PKIX_ECDSA_P256_SHA_256', curve: P256 }],
  ['301006072a8648ce3d020106052b81040022', { keyDetails: 'PKIX_ECDSA_P384_SHA_384', curve: P384 }],
  ['301006072a8648ce3d020106052b81040023', { keyDetails: 'PKIX_ECDSA_P521_SHA_512', curve: P521 }],
]);
const RSA = '300d06092a864886f70d0101010500';

const RSA_KEY_DETAILS: ReadonlyMap<number, KeyDetails> = new Map<number, KeyDetails>([
  [2048, 'PKIX_RSA_PKCS1V15_2048_SHA256'],
  [3072, 'PKIX_RSA_PKCS1V15_3072_SHA256'],
  [4096, 'PKIX_RSA_PKCS1V15_4096_SHA256'],
]);
// Go's crypto/rsa refuses larger exponents, so Sigstore's clients in Go could not verify the entry; and a large
// exponent makes verifying as dear as signing.
const MAX_RSA_EXPONENT = 2n ** 31n - 1n;

/**
 * Reads a public key.
 *
 * Cost: 4 us for ECDSA, 8 for RSA, 100 for Ed25519.
 * @param spki One SubjectPublicKeyInfo in DER.
 * @throws InvalidEntryError, saying what is wrong, when the bytes are anything else, or the key is of no accepted
 *   algorithm: ECDSA on P-256, P-384 or P-521 as a named curve with an uncompressed point; RSA of 2048, 3072 or 4096
 *   bits with an odd exponent from 3 to 2^31 - 1; Ed25519 with a canonical point not of small order.
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  const { algorithm: identifier, key: subjectPublicKey } = readKey(spki);
  const algorithm = Buffer.from(identifier).toString('hex');
  const ec = EC_KEYS.get(algorithm);
  if (ec !== undefined) return { type: 'ecdsa', ...ec, point: decodePoint(ec.curve, subjectPublicKey) };
  if (algorithm === RSA) return parseRsaKey(subjectPublicKey);
  if (algorithm === ED25519_ALGORITHM) {
    checkEd25519Point(subjectPublicKey);
    return { type: 'ed25519', keyDetails: 'PKIX_ED25519_PH', point: subjectPublicKey };
  }
  throw new InvalidEntryError(`publicKey: its algorithm${nameByOpenSsl(spki)} is not accepted`);
}

/** Not by createPublicKey, which overlooks much and costs 99 us in Node 20, more than a verification. */
function readKey(spki: Uint8Array): Spki {
  try {
    return readSpki(spki);
  } catch (error) {
    if (error instanceof DerError) {
      throw new InvalidEntryError(`publicKey: is not a DER SubjectPublicKeyInfo: ${error.message}`);
    }
    throw error;
  }
}

/** OpenSSL's name of the key's algorithm, for the message; empty where OpenSSL does not know it. */
function nameByOpenSsl(spki: Uint8Array): string {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const curve = key.asymmetricKeyDetails?.namedCurve;
    return ` (${key.asymmetricKeyType ?? 'unknown'}${curve === undefined ? '' : ` ${curve}`})`;
  } catch {
    return '';
  }
}

/** Reads an RSAPublicKey (RFC 8017, A.1.1): `SEQUENCE { modulus INTEGER, publicExponent INTEGER }`. */
function parseRsaKey(rsaPublicKey: Uint8Array): RsaKey {
  const { modulus, exponent } = readRsaPublicKey(rsaPublicKey);
  const bits = modulus.toString(2).length;
  const keyDetails = RSA_KEY_DETAILS.get(bits);
  if (keyDetails === undefined) {
    throw new InvalidEntryError(
      `publicKey: its RSA modulus has ${bits} bits; 2048, 3072 and 4096 are accepted`,
    );
  }
  if (exponent < 3n || exponent > MAX_RSA_EXPONENT || exponent % 2n === 0n) {
    throw new InvalidEntryError('publicKey: its RSA exponent is not an odd number from 3 to 2^31 - 1');
  }
  // In Node 20, OpenSSL takes 4 us for an RSAPublicKey, and 250 for the SPKI around it.
  const key = createPublicKey({ key: Buffer.from(rsaPublicKey), format: 'der', type: 'pkcs1' });
  return { type: 'rsa', keyDetails, key, modulusLength: bits / 8 };
}

function readRsaPublicKey(rsaPublicKey: Uint8Array): { modulus: bigint; exponent: bigint } {
  try {
    const { content, rest } = readElement(rsaPublicKey, SEQUENCE);
    const first = readElement(content, INTEGER);
    const second = readElement(first.rest, INTEGER);
    if (rest.length > 0 || second.rest.length > 0) throw new DerError('bytes follow the exponent');
    return {
      modulus: bytesToNumberBE(readPositive(first.content)),
      exponent: bytesToNumberBE(readPositive(second.content)),
    };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new InvalidEntryError(`publicKey: is not the DER encoding of an RSA key: ${error.message}`);
  }
}
