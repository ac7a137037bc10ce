/**
 * The file with the key that a user verifies with: a public key or a certificate, in PEM or DER.
 * @module
 */
import { SEQUENCE } from '../../../tiles-spec/der.js';
import { FormatError } from '../../../tiles-spec/index.js';
import { ConfigurationError, InvalidEntryError } from '../../errors.js';
import { certificateKey } from '../../signatures/node/certificate.js';
import { parsePublicKey } from '../../signatures/node/public-key.js';
import { isPem, parsePem, type PemBlock } from '../../pem.js';

/** A public key, and the certificate that the file had it in. */
export interface PublicKeyFile {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** DER. */
  readonly certificate?: Uint8Array;
}

/**
 * Reads a public key (`PUBLIC KEY`) or a certificate (`CERTIFICATE`, the first of several), in PEM or DER. Only the key
 * is checked: names, dates and issuer of a certificate are not.
 * @param name names the file in errors.
 * @throws ConfigurationError when the file holds neither, or a key of a type that Stele does not verify.
 * @example
 * import { generateKeyPairSync } from 'node:crypto';
 *
 * const { publicKey } = generateKeyPairSync('ed25519');
 * const pem = publicKey.export({ type: 'spki', format: 'pem' });
 * readPublicKeyFile(Buffer.from(pem), 'cosign.pub').spki.length; // => 44
 */
export function readPublicKeyFile(file: Uint8Array, name: string): PublicKeyFile {
  try {
    const { label, der } = blockOf(file, name);
    if (label === 'CERTIFICATE') return { spki: acceptedKey(certificateKey(der)), certificate: der };
    if (label === 'PUBLIC KEY') return { spki: acceptedKey(der) };
    const advice = /^(?:(?:EC|RSA|ENCRYPTED) )?PRIVATE KEY$/.test(label)
      ? `: openssl pkey -in ${name} -pubout writes it`
      : '';
    throw new ConfigurationError(`${name} holds ${label}; a PUBLIC KEY or a CERTIFICATE is needed${advice}`);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof InvalidEntryError)) throw error;
    throw new ConfigurationError(`${name} is no public key that Stele can use: ${error.message}`);
  }
}

function blockOf(file: Uint8Array, name: string): PemBlock {
  const [ssh] = /^(?:ssh|ecdsa-sha2)-[a-z0-9-]+(?= )/.exec(new TextDecoder('latin1').decode(file)) ?? [];
  if (ssh !== undefined) throw new ConfigurationError(`${name} is an SSH key: ${sshAdvice(ssh, name)}`);
  if (isPem(file)) return parsePem(new TextDecoder('latin1').decode(file), name)[0];
  if (file[0] !== SEQUENCE)
    throw new ConfigurationError(`${name} is no public key: it is neither PEM nor DER`);
  // DER that is a certificate cannot be read as a key, nor a key as a certificate.
  try {
    certificateKey(file);
    return { label: 'CERTIFICATE', der: file };
  } catch {
    return { label: 'PUBLIC KEY', der: file };
  }
}

/** ssh-keygen writes Ed25519 keys in its own format alone. */
function sshAdvice(type: string, name: string): string {
  return type === 'ssh-ed25519'
    ? 'one of this kind cannot be converted to PEM with ssh-keygen. Give a PUBLIC KEY in PEM, as openssl pkey -pubout writes it'
    : `convert it first (ssh-keygen -e -m PKCS8 -f ${name} > ${name}.pem)`;
}

function acceptedKey(spki: Uint8Array): Uint8Array {
  parsePublicKey(spki);
  return spki;
}
