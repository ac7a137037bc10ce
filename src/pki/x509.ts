/**
 * X.509: bare public keys (DER SubjectPublicKeyInfo) and certificates (DER).
 * @module
 */
import { OBJECT_IDENTIFIER, readableElements, SEQUENCE } from '../../tiles-spec/der.js';
import { signerKeys } from '../kinds/search-keys.js';
import type { SignerKey } from '../kinds/statement.js';
import type { KeyFormat } from './key-format.js';

export const x509: KeyFormat<SignerKey> = {
  name: 'x509',
  // The form is all that is told here. Whether the bytes are a key is for the suite to say, which parses them anyway.
  parseKey: (der) => ({ form: isPublicKey(der) ? 'publicKey' : 'certificate', der }),
  checks: ({ form, der }, signature, { algorithm, digest }, suite) => [
    { key: form === 'publicKey' ? der : suite.certificateKey(der), algorithm, digest, signature },
  ],
  // DER has one encoding, and the suite takes no other.
  canonicalKey: ({ der }) => der,
  fingerprints: signerKeys,
};

/**
 * Whether DER that is a key or a certificate is a key: inside the two outer SEQUENCEs an SPKI has its algorithm's
 * OBJECT IDENTIFIER, a certificate its version or serial number (RFC 5280 section 4.1).
 */
function isPublicKey(der: Uint8Array): boolean {
  const [outer] = readableElements(der);
  const [inner] = outer?.tag === SEQUENCE ? readableElements(outer.content) : [];
  return inner?.tag === SEQUENCE && inner.content[0] === OBJECT_IDENTIFIER;
}
