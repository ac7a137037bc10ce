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
  const refuse = (why: string) =>
    new SettingError(what, `${file} holds no certificate that can be read: ${why}`);
  let ders: readonly Uint8Array[];
  try {
    ders = isPem(bytes)
      ? parsePem(Buffer.from(bytes).toString('latin1'), file)
          .filter(({ label }) => label === 'CERTIFICATE')
          .map(({ der }) => der)
      : [bytes];
  } catch (error) {
    throw refuse(messageOf(error));
  }
  if (ders.length === 0) throw refuse('there is no CERTIFICATE in it');
  try {
    return ders.map((der) => new X509Certificate(der).toString());
  } catch {
    // OpenSSL's words for it, "PEM routines::no start line", help nobody.
    throw refuse(
      isPem(bytes) ? 'a CERTIFICATE in it is damaged' : 'it is neither PEM nor a certificate in DER',
    );
  }
}
