/**
 * A file of certificates.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../src/errors.js';
import { isPem, parsePem } from '../../src/pem.js';
import { readInput } from '../files.js';
import { SettingError } from './setting.js';

/**
 * The certificates in a file, each as PEM: all `CERTIFICATE` blocks of PEM, or one certificate in DER.
 * @param what the flag that named the file.
 * @throws ConfigurationError where the file cannot be read, or holds no certificate.
 */
export async function readCertificates(what: string, file: string): Promise<string[]> {
  const bytes = await readInput(what, file);
  try {
    const ders = isPem(bytes)
      ? parsePem(Buffer.from(bytes).toString('latin1'), file).filter(({ label }) => label === 'CERTIFICATE')
      : [{ der: bytes }];
    if (ders.length === 0) throw new Error('there is no CERTIFICATE in it');
    return ders.map(({ der }) => new X509Certificate(der).toString());
  } catch (error) {
    throw new SettingError(what, `${file} holds no certificate that can be read: ${messageOf(error)}`);
  }
}
