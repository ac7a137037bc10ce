/**
 * X.509: bare public keys (DER SubjectPublicKeyInfo) and certificates (DER).
 * @module
 */
import { OBJECT_IDENTIFIER, readableElements, SEQUENCE } from '../../tiles-spec/der.js';
import { InvalidEntryError } from '../errors.js';
import type { SignerKey } from '../kinds/statement.js';
import type { Algorithm } from '../signatures/algorithms.js';
import type { KeyFormat } from './key-format.js';

/**
 * The format of keys that sign by an algorithm.
 * @param algorithm as it is claimed for a key; the suite compares it with the key.
 */
export function x509(algorithm: Algorithm): KeyFormat<SignerKey> {
  return {
    // Only the form is told here. The suite says whether the bytes are a key, since it parses them anyway.
    parseKey: (der) => ({ form: isPublicKey(der) ? 'publicKey' : 'certificate', der }),
    checks: ({ form, der }, signature, { digests }, suite) => {
      const digest = digests[algorithm.digestName];
      if (digest === undefined)
        throw new InvalidEntryError(`digest: ${algorithm.keyDetails} signs ${algorithm.digestAlgorithm}`);
      const key = form === 'publicKey' ? der : suite.certificateKey(der);
      return [{ key, algorithm, digest, signature }];
    },
    // DER has one encoding, and the suite takes no other.
    canonicalKey: ({ der }) => der,
  };
}

/**
 * Whether DER that is a key or a certificate is a key: inside the two outer SEQUENCEs an SPKI has its algorithm's
 * OBJECT IDENTIFIER, a certificate its version or serial number (RFC 5280 section 4.1).
 */
function isPublicKey(der: Uint8Array): boolean {
  const [outer] = readableElements(der);
  const [inner] = outer?.tag === SEQUENCE ? readableElements(outer.content) : [];
  return inner?.tag === SEQUENCE && inner.content[0] === OBJECT_IDENTIFIER;
}
