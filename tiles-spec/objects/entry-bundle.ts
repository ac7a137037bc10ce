/**
 * Entry bundles (c2sp.org/tlog-tiles): 1 to 256 entries, each after its length.
 * @module
 */
import { FormatError } from '../errors.js';
import { requireWidth } from '../tree/tile.js';

/** The longest entry, in bytes: its length is two bytes, big-endian. */
export const MAX_ENTRY_LENGTH = 65_535;

/** The most bytes that a bundle of this width can have, uncompressed. */
export function maxEntryBundleLength(width: number): number {
  return width * (MAX_ENTRY_LENGTH + 2);
}

/** The longest that gzip makes of `length` bytes that do not compress, its header with a file's name included. */
export function maxGzipLength(length: number): number {
  return length + Math.ceil(length / 1024) + 512;
}

/** Whether stored bytes are gzip (RFC 1952): a bundle never begins so, unless its first entry has 8,075 bytes. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
}

/** Writes a bundle, uncompressed. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  requireWidth(entries.length);
  const bytes = new Uint8Array(entries.reduce((total, entry) => total + 2 + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_LENGTH)
      throw new FormatError(`an entry of ${entry.length} bytes is over ${MAX_ENTRY_LENGTH}`);
    view.setUint16(at, entry.length);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/**
 * The entries of an uncompressed bundle, as views into it.
 * @throws FormatError unless it holds exactly `width` entries.
 */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  requireWidth(width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length)
      throw new FormatError(`bundle ends inside the length of entry ${entries.length}`);
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) throw new FormatError(`bundle ends inside entry ${entries.length}`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
    if (entries.length > width) break;
  }
  if (entries.length !== width) {
    throw new FormatError(
      `bundle has ${entries.length > width ? 'more' : String(entries.length)} entries, not ${width}`,
    );
  }
  return entries;
}
