/**
 * Entry bundles (c2sp.org/tlog-tiles): 1 to 256 entries, each preceded by its length.
 * @module
 */
import { counted } from '../counted.js';
import { FormatError } from '../errors.js';
import { requireWidth } from '../tree/tile.js';

/** The longest entry, in bytes: a bundle has its length in two bytes. */
export const MAX_ENTRY_LENGTH = 65_535;

/**
 * The length of the longest bundle of this width, uncompressed, in bytes.
 * @param width entries in the bundle, from 1 to 256.
 * @example
 * maxEntryBundleLength(256); // => 16777472
 */
export function maxEntryBundleLength(width: number): number {
  return width * (MAX_ENTRY_LENGTH + 2);
}

/**
 * The length of the longest gzip file for `length` bytes: bytes that do not compress, and a header with a file name.
 */
export function maxGzipLength(length: number): number {
  return length + Math.ceil(length / 1024) + 512;
}

/**
 * Whether a stored bundle is compressed, by the first bytes of gzip, `1f 8b 08` (RFC 1952). An uncompressed Stele
 * bundle never begins so: its third byte is the `{` of its first entry. Another log's could, where its first entry has
 * 8,075 bytes (0x1f8b) and begins with the byte 8.
 * @example
 * isGzip(Uint8Array.of(0x1f, 0x8b, 0x08, 0)); // => true
 */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
}

/**
 * Writes a bundle, uncompressed: before each entry its length, two bytes, big-endian.
 * @throws FormatError unless there are 1 to 256 entries, of at most 65,535 bytes each.
 * @example
 * encodeEntryBundle([Uint8Array.of(7, 8), Uint8Array.of(9)]); // => Uint8Array(7) [ 0, 2, 7, 8, 0, 1, 9 ]
 */
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
 * The entries of an uncompressed bundle, as views of its bytes. Nothing is authenticated.
 * @throws FormatError unless the bytes are exactly `width` entries, from 1 to 256.
 * @example
 * parseEntryBundle(Uint8Array.of(0, 2, 7, 8), 1); // => [ Uint8Array(2) [ 7, 8 ] ]
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
      `bundle has ${entries.length > width ? 'more entries' : counted(entries.length, 'entry')}, not ${width}`,
    );
  }
  return entries;
}
