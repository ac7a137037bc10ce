/**
 * IP addresses as text.
 * @module
 */

/**
 * The text of an address. An address has one text: an IPv4 address is four decimal numbers with dots, an IPv6 address
 * is in the form of RFC 5952, and an IPv6 address that maps an IPv4 address is such as `::ffff:192.0.2.1`.
 * @param bytes 4 for IPv4, 16 for IPv6.
 * @returns undefined for bytes of any other number.
 */
export function formatIpAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0));
  const isMapped = groups.slice(0, 6).every((group, i) => group === (i === 5 ? 0xffff : 0));
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  // RFC 5952 section 4.2.2: `::` does not stand for a single group of zeros.
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** The start and length of the longest run of zeros. Of several runs of one length RFC 5952 takes the first. */
function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let longest: readonly [number, number] = [0, 0];
  let start = 0;
  // A group more, which is not zero, ends the last run.
  for (const [i, group] of [...groups, 1].entries()) {
    if (group === 0) continue;
    if (i - start > longest[1]) longest = [start, i - start];
    start = i + 1;
  }
  return longest;
}
