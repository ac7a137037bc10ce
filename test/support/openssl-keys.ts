/**
 * Keys, certificates and signatures made with the `openssl` command.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519ph } from '@noble/curves/ed25519.js';
import type { Algorithm, KeyDetails } from '#src/signatures/algorithms.js';

const GENPKEY = {
  PKIX_RSA_PKCS1V15_2048_SHA256: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  PKIX_RSA_PKCS1V15_3072_SHA256: ['RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  PKIX_RSA_PKCS1V15_4096_SHA256: ['RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  PKIX_ECDSA_P256_SHA_256: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  PKIX_ECDSA_P384_SHA_384: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  PKIX_ECDSA_P521_SHA_512: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  PKIX_ED25519_PH: ['ED25519'],
} as const satisfies Record<KeyDetails, readonly string[]>;

/** A temporary folder in which `openssl` runs. */
export class OpenSsl {
  readonly #folder = mkdtempSync(join(tmpdir(), 'stele-openssl-'));

  /** Runs `openssl` and returns what it prints. */
  run(...args: string[]): Buffer {
    return execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Makes a key of this algorithm, a certificate for it and a signature over a message. */
  signed(algorithm: Algorithm, message: Buffer): Signed {
    writeFileSync(join(this.#folder, 'message'), message);
    this.run('genpkey', '-algorithm', ...GENPKEY[algorithm.keyDetails], '-out', 'key.pem');
    const certificate = this.run(
      'req',
      '-x509',
      '-new',
      '-key',
      'key.pem',
      '-subj',
      '/CN=t',
      '-outform',
      'DER',
    );
    return {
      algorithm,
      key: this.run('pkey', '-in', 'key.pem', '-pubout', '-outform', 'DER'),
      certificate,
      digest: createHash(algorithm.digestName).update(message).digest(),
      signature: this.#sign(algorithm, message),
    };
  }

  #sign({ keyDetails, digestName }: Algorithm, message: Buffer): Buffer {
    if (keyDetails !== 'PKIX_ED25519_PH') {
      this.run('dgst', `-${digestName}`, '-sign', 'key.pem', '-out', 'signature', 'message');
      return readFileSync(join(this.#folder, 'signature'));
    }
    // OpenSSL 3.0 has no Ed25519ph. The seed is the end of the PKCS #8 form (RFC 8410).
    const seed = this.run('pkey', '-in', 'key.pem', '-outform', 'DER').subarray(-32);
    return Buffer.from(ed25519ph.sign(message, seed));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** A signature that verifies. Key and certificate are DER. */
export interface Signed {
  readonly algorithm: Algorithm;
  readonly key: Buffer;
  readonly certificate: Buffer;
  readonly digest: Buffer;
  readonly signature: Buffer;
}
