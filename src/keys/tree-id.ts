/**
 * The number by which the API of Rekor v1 knows a log.
 * @module
 */
import { sha256 } from '../../tiles-spec/index.js';

/**
 * A log's tree id: the first 8 bytes of the SHA-256 of its log id, big-endian, with the top bit cleared. From 1 to
 * 2^63 - 1: Rekor's clients read it as a signed number, and zero as no tree id.
 * @param logId all 32 bytes.
 * @example
 * treeIdOf(logId).toString(16).padStart(16, '0'); // the first 16 digits of an entry id of 80
 */
export function treeIdOf(logId: Uint8Array): bigint {
  const { buffer, byteOffset } = sha256(logId);
  const id = new DataView(buffer, byteOffset, 8).getBigUint64(0) & 0x7fff_ffff_ffff_ffffn;
  return id === 0n ? 1n : id;
}
