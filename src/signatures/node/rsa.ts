/**
 * RSASSA-PKCS1-v1_5 over a bare SHA-256 digest (RFC 8017, 8.2.2).
 * @module
 */
import { constants, publicDecrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { counted } from '../../../tiles-spec/counted.js';

// DigestInfo up to the digest (RFC 8017, 9.2, note 1): SHA-256 with its NULL parameters, and an OCTET STRING of 32.
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/**
 * Verifies one signature by comparing the whole encoded message (EM). The padding is not parsed, so no error in it can
 * be overlooked.
 *
 * Cost: 30 us for RSA 2048 and 90 for RSA 4096.
 * @param key An RSA public key.
 * @param modulusLength The length of its modulus, and so of every signature, in bytes.
 * @param digest 32 bytes.
 * @returns undefined when it verifies; or why it does not, in words that follow "signature".
 */
export function verifyRsa(
  key: KeyObject,
  modulusLength: number,
  digest: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  if (signature.length !== modulusLength) {
    return `is ${counted(signature.length, 'byte')}; with this key it has ${modulusLength}`;
  }
  const padding = modulusLength - 3 - SHA256_DIGEST_INFO.length - digest.length;
  const expected = Buffer.concat([
    Buffer.from([0x00, 0x01]),
    Buffer.alloc(padding, 0xff),
    Buffer.from([0x00]),
    SHA256_DIGEST_INFO,
    digest,
  ]);
  return raise(key, signature)?.equals(expected) === true
    ? undefined
    : 'does not verify over the digest with this key';
}

/** signature^e mod n, or undefined when OpenSSL refuses: the signature is not below n, or n is even. */
function raise(key: KeyObject, signature: Uint8Array): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return undefined;
  }
}
