/**
 * The key of `--public-key`.
 * @module
 */
import { readPublicKeyFile, type PublicKeyFile } from '../../src/keys/node/public-key-file.js';
import { readInput } from '../files.js';
import { parseSetting } from '../settings/setting.js';

/** Reads a public key or a certificate. @throws ConfigurationError where the file holds neither. */
export async function readPublicKey(file: string): Promise<PublicKeyFile> {
  const bytes = await readInput('--public-key', file);
  return parseSetting('public-key', file, () => readPublicKeyFile(bytes, file));
}
