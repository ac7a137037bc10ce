/**
 * Signing an artifact with a private key, so that the log takes the signature.
 * @module
 */
import { createHash, createPublicKey, createSign, type KeyObject } from 'node:crypto';
import { ConfigurationError, InvalidEntryError } from '../../errors.js';
import { algorithmFor, type Algorithm } from '../algorithms.js';
import { signEd25519ph } from '../ed25519ph.js';
import { parsePublicKey } from './public-key.js';

/** A signature over an artifact's digest, and what verifies it. */
export interface ArtifactSignature {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly algorithm: Algorithm;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Signs an artifact by the algorithm that the log pairs with the key. The artifact is read once and never held.
 * @param key a private key, of `readPrivateKey`.
 * @param name names the key's file in errors.
 * @throws ConfigurationError for a key that the log does not take; and what `artifact` throws.
 */
export async function signArtifact(
  key: KeyObject,
  name: string,
  artifact: AsyncIterable<Uint8Array>,
): Promise<ArtifactSignature> {
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const algorithm = algorithmOf(spki, name);
  const hash = createHash(algorithm.digestName);
  if (key.asymmetricKeyType === 'ed25519') {
    for await (const chunk of artifact) hash.update(chunk);
    const digest = new Uint8Array(hash.digest());
    return { spki, algorithm, digest, signature: signEd25519ph(seedOf(key), digest) };
  }
  const signer = createSign(algorithm.digestName);
  for await (const chunk of artifact) {
    hash.update(chunk);
    signer.update(chunk);
  }
  return {
    spki,
    algorithm,
    digest: new Uint8Array(hash.digest()),
    signature: new Uint8Array(signer.sign(key)),
  };
}

function algorithmOf(spki: Uint8Array, name: string): Algorithm {
  try {
    return algorithmFor(parsePublicKey(spki).keyDetails);
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    throw new ConfigurationError(`${name} holds a key that the log does not take: ${error.message}`);
  }
}

/** The 32 bytes of the key are the last of its PKCS#8 (RFC 8410 section 7). */
function seedOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }).subarray(-32));
}
