/**
 * Private keys in PEM, and advice for those that OpenSSL does not read.
 * @module
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ConfigurationError } from '../../errors.js';
import { pemLabels } from '../../pem.js';

/** The use of a key decides the advice: other programs can sign artifacts with their own keys, but not for a log. */
type Use = 'artifact' | 'log';

/**
 * Reads a private key: PKCS#8, SEC 1 or PKCS#1, not encrypted.
 * @param name names the file in errors.
 * @throws ConfigurationError that says what the file holds instead, and what to do.
 */
export function readPrivateKey(pem: Uint8Array, name: string, use: Use = 'artifact'): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pem), format: 'pem' });
  } catch {
    // OpenSSL's own words, "DECODER routines::unsupported", help nobody.
    const why = whyNot(Buffer.from(pem).toString('latin1'), name, use);
    throw new ConfigurationError(`${name} is no private key in PEM that can be used: ${why}`);
  }
}

function whyNot(pem: string, name: string, use: Use): string {
  const labels = pemLabels(pem);
  const label = labels.find((each) => each.endsWith('PRIVATE KEY')) ?? labels[0];
  if (label === undefined) return 'it holds no PEM block';
  // The two names that cosign has given its keys.
  const isCosign = /^ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY$/.test(label);
  if (use === 'log' && (isCosign || label === 'OPENSSH PRIVATE KEY'))
    return `it holds ${label}: a log has a key of its own, which stele keygen makes`;
  if (isCosign) {
    return `it is cosign's, which cosign alone decrypts. Let cosign sign and log: cosign sign-blob --key ${name} --signing-config signing_config.json --trusted-root trusted_root.json --bundle BUNDLE FILE, with the two files that stele trust writes`;
  }
  if (label === 'OPENSSH PRIVATE KEY') return opensshAdvice(pem, name);
  if (pem.includes('ENCRYPTED'))
    return `it is encrypted: decrypt it first (openssl pkey -in ${name} -out DECRYPTED)`;
  return label.endsWith('PRIVATE KEY')
    ? `its ${label} is damaged, or of an unknown type`
    : `it holds ${label}`;
}

function opensshAdvice(pem: string, name: string): string {
  // The key's type is not encrypted, even where the key is.
  const isEd25519 = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64').includes('ssh-ed25519');
  return isEd25519
    ? 'it is an Ed25519 key in the format of OpenSSH, which ssh-keygen writes in no other: make one for signing (openssl genpkey -algorithm ed25519 -out signing.pem)'
    : `it is in the format of OpenSSH: convert a copy (cp ${name} ${name}.pem && ssh-keygen -p -m PKCS8 -N '' -f ${name}.pem)`;
}
