/**
 * The log's signing key: an Ed25519 key in a PKCS#8 PEM file of its own.
 * @module
 */
import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import {
  ED25519,
  keyHash,
  readKeyId,
  type NoteSigner,
  type NoteVerifier,
  type VerifierKey,
} from '../../../tiles-spec/index.js';
import { readSpki } from '../../../tiles-spec/spki.js';
import { ConfigurationError } from '../../errors.js';
import { createFile } from '../../node/durable-file.js';
import { reasonOf } from '../../node/system-error.js';
import { readPrivateKey } from './private-key.js';

/**
 * The key with which a log signs its checkpoints.
 * @example
 * const key = await LogKey.create('log.key');
 * const vkey = formatVerifierKey(key.verifierKey('log.example.com'));
 * const note = signNote('a text\n', key.signer('log.example.com'));
 * verifyNote(parseNote(note), [noteVerifier(parseVerifierKey(vkey))]).length; // => 1
 */
export class LogKey {
  readonly #privateKey: KeyObject;
  /** DER SPKI. */
  readonly spki: Uint8Array;

  private constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    this.spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  }

  /** The public key in PEM. */
  get pem(): string {
    return createPublicKey(this.#privateKey).export({ type: 'spki', format: 'pem' }).toString();
  }

  /** The verifier key of the log of this origin. */
  verifierKey(origin: string): VerifierKey {
    return { name: origin, type: ED25519, publicKey: readSpki(this.spki).key };
  }

  /** Signs the checkpoints of the log of this origin, in OpenSSL. */
  signer(origin: string): NoteSigner {
    return {
      name: origin,
      keyId: readKeyId(keyHash(this.verifierKey(origin))),
      sign: (text) => sign(null, text, this.#privateKey),
    };
  }

  /** Verifies the checkpoints of the log of this origin, in OpenSSL: thirty times as fast as `noteVerifier`. */
  verifier(origin: string): NoteVerifier {
    const publicKey = createPublicKey(this.#privateKey);
    const { name, keyId } = this.signer(origin);
    return { name, keyId, verify: (text, signature) => verify(null, text, publicKey, signature) };
  }

  /**
   * Makes a key and its file, which only the file's owner can read. A crash leaves the whole file or none.
   * @throws ConfigurationError where the file exists, or cannot be written.
   */
  static async create(file: string): Promise<LogKey> {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const isCreated = await createFile(file, pem, { mode: 0o600 }).catch((error: unknown) => {
      throw new ConfigurationError(`cannot make the key file ${file}: ${reasonOf(error)}`);
    });
    if (!isCreated) {
      throw new ConfigurationError(
        `cannot make the key file ${file}: it already exists, and a key is never overwritten. Give --key another name`,
      );
    }
    return new LogKey(privateKey);
  }

  /**
   * Reads a key file.
   * @throws ConfigurationError when the file is missing, others than its owner can read or write it, or it does not
   *   hold an Ed25519 private key.
   */
  static async read(file: string): Promise<LogKey> {
    const [pem, { mode }] = await Promise.all([readFile(file), stat(file)]).catch((error: unknown) => {
      throw new ConfigurationError(`cannot read the key file ${file}: ${reasonOf(error)}`);
    });
    if ((mode & 0o077) !== 0) {
      throw new ConfigurationError(
        `the key file ${file} can be read or written by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`,
      );
    }
    const privateKey = readPrivateKey(pem, file, 'log');
    if (privateKey.asymmetricKeyType !== 'ed25519') {
      throw new ConfigurationError(
        `the key in ${file} is ${String(privateKey.asymmetricKeyType)}; a log signs with Ed25519`,
      );
    }
    return new LogKey(privateKey);
  }
}
