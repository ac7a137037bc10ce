/**
 * Private keys as clients take them: PKCS #8 in PEM.
 * @module
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';

export const ecdsa = (namedCurve: 'P-256' | 'P-384' | 'P-521') =>
  pem(generateKeyPairSync('ec', { namedCurve }));

export const rsa = (modulusLength: 2048 | 3072 | 4096) => pem(generateKeyPairSync('rsa', { modulusLength }));

export const ed25519 = () => pem(generateKeyPairSync('ed25519'));

function pem({ privateKey }: { readonly privateKey: KeyObject }): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}
