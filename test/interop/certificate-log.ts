/**
 * A stand-in for a certificate transparency log: it signs timestamps, and keeps no certificates.
 * @module
 */
import { createHash, generateKeyPairSync, sign, type KeyPairKeyObjectResult } from 'node:crypto';

export interface CertificateLog {
  /** PEM. */
  readonly publicKey: string;
  /**
   * The value of a certificate's extension for SCTs, with one for this precertificate.
   * @param issuerKeyHash SHA-256 of the issuer's SubjectPublicKeyInfo.
   * @param tbs the TBSCertificate without the extension.
   */
  readonly sctExtension: (issuerKeyHash: Uint8Array, tbs: Uint8Array, time: Date) => Buffer;
}

export function newCertificateLog(): CertificateLog {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sctExtension: (...precertificate) => sctList(signedCertificateTimestamp(keys, ...precertificate)),
  };
}

/** RFC 6962 section 3.2, over a precertificate. */
function signedCertificateTimestamp(
  { publicKey, privateKey }: KeyPairKeyObjectResult,
  issuerKeyHash: Uint8Array,
  tbs: Uint8Array,
  time: Date,
): Buffer {
  const timestamp = unsigned(time.getTime(), 6, 8);
  const noExtensions = unsigned(0, 2);
  const signature = sign(
    'sha256',
    Buffer.concat([
      // Version 1; certificate_timestamp; then precert_entry.
      ...[Buffer.of(0, 0), timestamp, Buffer.of(0, 1), issuerKeyHash],
      ...[unsigned(tbs.length, 3), tbs, noExtensions],
    ]),
    privateKey,
  );
  const logId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  // SHA-256 with ECDSA.
  const algorithm = Buffer.of(4, 3);
  return Buffer.concat([
    ...[Buffer.of(0), logId, timestamp, noExtensions],
    ...[algorithm, unsigned(signature.length, 2), signature],
  ]);
}

/** The extension's value: an OCTET STRING with one timestamp in a list. */
function sctList(sct: Uint8Array): Buffer {
  const list = Buffer.concat([unsigned(sct.length + 2, 2), unsigned(sct.length, 2), sct]);
  // A DER length below 128, or in one byte.
  const length = list.length < 0x80 ? Buffer.of(list.length) : Buffer.of(0x81, list.length);
  return Buffer.concat([Buffer.of(0x04), length, list]);
}

/** A big-endian number of so many bytes, in a field of so many. */
function unsigned(value: number, bytes: number, field = bytes): Buffer {
  const buffer = Buffer.alloc(field);
  buffer.writeUIntBE(value, field - bytes, bytes);
  return buffer;
}
