/**
 * Bounded gunzip by node:zlib.
 * @module
 */
import { gunzip as zlibGunzip } from 'node:zlib';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.js';
import { FormatError } from '../../tiles-spec/index.js';

const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zlibGunzip);

/**
 * Decompresses gzip.
 * @throws FormatError when it is not gzip or holds over `maxLength` bytes.
 */
export async function gunzip(bytes: Uint8Array, maxLength: number): Promise<Uint8Array> {
  try {
    return await inflate(bytes, { maxOutputLength: maxLength });
  } catch (error) {
    throw new FormatError(`gzip: ${messageOf(error)}`);
  }
}
