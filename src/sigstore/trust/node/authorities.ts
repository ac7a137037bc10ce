/**
 * The authorities that signatures with certificates need beside a log, read from the PEM files that they publish.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { FormatError, sha256 } from '../../../../tiles-spec/index.js';
import { ConfigurationError, InvalidEntryError, messageOf } from '../../../errors.js';
import { parsePublicKey } from '../../../signatures/node/public-key.js';
import { isPem, parsePem, type PemBlock } from '../../../pem.js';
import type { CertificateLog, CertifiedAuthority } from '../trust-files.js';
import { PKIX_ED25519 } from '../trusted-root.js';

/**
 * The authority whose certificates are in a PEM file: a certificate authority's from the one that signs to the root,
 * a time stamp authority's from the one that stamps.
 * @param name names the file in errors.
 * @throws ConfigurationError when the file is no such chain.
 */
export function certifiedAuthority(url: string | undefined, pem: string, name: string): CertifiedAuthority {
  const certificates = blocks(pem, 'CERTIFICATE', name).map((der) => readCertificate(der, name));
  certificates.forEach(({ subject, issuer }, i) => {
    // A chain ends with a root, which is its own issuer.
    const next = certificates[i + 1]?.subject ?? subject;
    if (issuer !== next) {
      throw new ConfigurationError(
        `${name}: certificate ${i + 1} (${inLine(subject)}) is issued by ${inLine(issuer)}, but ${inLine(next)} ${i + 1 < certificates.length ? 'follows' : 'is the last'}: put the chain in order, from the one that signs to the root`,
      );
    }
  });
  const [first] = certificates;
  const root = certificates.at(-1);
  if (first === undefined || root === undefined) throw new TypeError('a PEM file has a block');
  return {
    url,
    organization: attributeOf(root, 'O'),
    commonName: attributeOf(root, 'CN'),
    certificates: certificates.map(({ raw }) => new Uint8Array(raw)),
    start: Date.parse(first.validFrom),
  };
}

/**
 * The certificate transparency log whose public key is in a file, PEM or DER.
 * @param start the beginning of the key's validity, Unix milliseconds.
 * @param name names the file in errors.
 * @throws ConfigurationError when the file holds no single key of a type that clients verify.
 */
export function certificateLog(
  url: string | undefined,
  file: Uint8Array,
  start: number,
  name: string,
): CertificateLog {
  const keys = isPem(file) ? blocks(new TextDecoder('latin1').decode(file), 'PUBLIC KEY', name) : [file];
  const [spki, ...more] = keys;
  if (spki === undefined || more.length > 0) throw new ConfigurationError(`${name} has more than one key`);
  return { url, spki, keyDetails: keyDetailsOf(spki, name), logId: sha256(spki), start };
}

function keyDetailsOf(spki: Uint8Array, name: string): string {
  try {
    const { type, keyDetails } = parsePublicKey(spki);
    // A log signs its messages themselves, not a digest as Ed25519ph does.
    return type === 'ed25519' ? PKIX_ED25519 : keyDetails;
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new ConfigurationError(`${name} is no key that clients verify: ${error.message}`);
  }
}

function blocks(pem: string, label: string, name: string): Uint8Array[] {
  let found: readonly PemBlock[];
  try {
    found = parsePem(pem, name);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ConfigurationError(error.message);
  }
  const other = found.find((block) => block.label !== label);
  if (other !== undefined)
    throw new ConfigurationError(`${name} holds PEM (${other.label}), where ${label} alone belongs`);
  return found.map(({ der }) => der);
}

/** The first attribute of this name in the subject; empty where there is none. OpenSSL gives several as an array. */
function attributeOf(certificate: X509Certificate, name: 'O' | 'CN'): string {
  const subject: Partial<Record<string, string | string[]>> = { ...certificate.toLegacyObject().subject };
  return [subject[name] ?? []].flat()[0] ?? '';
}

/** A name in one line: OpenSSL writes a line for each attribute. */
function inLine(name: string): string {
  return name.replaceAll('\n', ', ');
}

function readCertificate(der: Uint8Array, name: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new ConfigurationError(`${name}: a certificate cannot be read: ${messageOf(error)}`);
  }
}
