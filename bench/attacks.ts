/**
 * Requests that cost the log far more than they cost their sender, one of each kind.
 * @module
 */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { signEd25519ph } from '../src/signatures/ed25519ph.js';

/** Length of a body just below the default `--max-body`, in bytes. */
const LONGEST = 3_900_000;

/** For each kind, a function that makes the body. */
export const ATTACKS = {
  'many fields': () => `{${series(330_000, (i) => `"k${i}":0`)}}`,
  'snake_case names': () => `{${series(200_000, (i) => `"a_b_c${i}":0`)}}`,
  'one long name': () => `{"${'_a'.repeat(LONGEST / 2)}":0}`,
  'empty objects': () => `{"hashedRekordRequestV002":[${series(1_300_000, () => '{}')}]}`,
  numbers: () => `{"hashedRekordRequestV002":[${series(700_000, () => '1e99')}]}`,
  'one long number': () => `{"hashedRekordRequestV002":${'1'.repeat(LONGEST)}}`,
  'long base64': () => rekord('A'.repeat(LONGEST)),
  'long URL-safe base64': () => rekord('-'.repeat(LONGEST)),
  'escaped quotes': () => `{"hashedRekordRequestV002":"${'\\"'.repeat(LONGEST / 2)}"}`,
  'large envelope': () => envelope(Buffer.alloc((LONGEST / 4) * 3 - 1_000, 'a')),
  'P-384': () => signed(key('secp384r1'), 'sha384', 'PKIX_ECDSA_P384_SHA_384'),
  'P-521': () => signed(key('secp521r1'), 'sha512', 'PKIX_ECDSA_P521_SHA_512'),
  'RSA 4096': () => signed(rsaKey(), 'sha256', 'PKIX_RSA_PKCS1V15_4096_SHA256'),
  Ed25519ph: () => signedPh(),
} satisfies Record<string, () => string>;

export type Attack = keyof typeof ATTACKS;

function series(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(',');
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function key(namedCurve: string): KeyPair {
  return generateKeyPairSync('ec', { namedCurve });
}

function rsaKey(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 4096 });
}

function signed(pair: KeyPair, hash: string, keyDetails: string): string {
  const artifact = Buffer.from(`artifact of ${process.pid}`);
  const content = sign(hash, artifact, pair.privateKey);
  return rekord(content.toString('base64'), createHash(hash).update(artifact).digest(), pair, keyDetails);
}

function signedPh(): string {
  const pair = generateKeyPairSync('ed25519');
  const digest = createHash('sha512').update(`artifact of ${process.pid}`).digest();
  const seed = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const content = Buffer.from(signEd25519ph(seed, digest)).toString('base64');
  return rekord(content, digest, pair, 'PKIX_ED25519_PH');
}

function rekord(
  content: string,
  digest = Buffer.alloc(32),
  pair = key('prime256v1'),
  keyDetails = 'PKIX_ECDSA_P256_SHA_256',
): string {
  const signature = { content, verifier: verifier(pair, keyDetails) };
  return JSON.stringify({
    hashedRekordRequestV002: { digest: digest.toString('base64'), signature },
  });
}

function envelope(payload: Buffer): string {
  const pair = key('prime256v1');
  const type = 'application/octet-stream';
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const sig = sign('sha256', message, pair.privateKey).toString('base64');
  return JSON.stringify({
    dsseRequestV002: {
      envelope: { payload: payload.toString('base64'), payloadType: type, signatures: [{ sig }] },
      verifiers: [verifier(pair, 'PKIX_ECDSA_P256_SHA_256')],
    },
  });
}

function verifier({ publicKey }: KeyPair, keyDetails: string): object {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { publicKey: { rawBytes: spki.toString('base64') }, keyDetails };
}
