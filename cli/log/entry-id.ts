/**
 * The id of an entry: its leaf hash or, as Rekor writes it, the log's tree id and the leaf hash.
 * @module
 */
import { treeIdOf } from '../../src/keys/tree-id.js';
import { decodeHex, type Hash } from '../../tiles-spec/index.js';
import { SettingError } from '../settings/setting.js';

const LEAF_HASH_DIGITS = 64;
const ID_DIGITS = 80;

/**
 * The leaf hash in a `--uuid`: 64 hexadecimal digits, or 80 that begin with the log's tree id.
 * @throws ConfigurationError when it is neither, or names another log.
 */
export function parseEntryId(text: string, logId: Uint8Array): Hash {
  const digits = text.toLowerCase();
  if (!/^[0-9a-f]+$/.test(digits) || ![LEAF_HASH_DIGITS, ID_DIGITS].includes(digits.length)) {
    throw new SettingError(
      '--uuid',
      'it is neither a leaf hash (64 hexadecimal digits) nor an entry id (80)',
    );
  }
  const treeId = digits.slice(0, -LEAF_HASH_DIGITS);
  if (treeId !== '' && BigInt(`0x${treeId}`) !== treeIdOf(logId)) {
    throw new SettingError(
      '--uuid',
      `it is of the log with tree id ${BigInt(`0x${treeId}`)}, not of this one (${treeIdOf(logId)})`,
    );
  }
  return decodeHex(digits.slice(-LEAF_HASH_DIGITS));
}
