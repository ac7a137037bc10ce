/**
 * IP addresses as text.
 * @module
 */

/**
 * The one text of an address: four decimal numbers, or RFC 5952's form, in which an IPv4 address that is mapped into
 * IPv6 is `::ffff:192.0.2.1`.
 * @returns undefined unless `bytes` are the 4 of IPv4 or the 16 of IPv6.
 */
export function formatIpAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0));
  const isMapped = groups.slice(0, 6).every((group, i) => group === (i === 5 ? 0xffff : 0));
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  // RFC 5952, 4.2.2: a single group of zeros is written out.
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Where the longest run of zeros begins, the first of equals, and its length. */
function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let longest: readonly [number, number] = [0, 0];
  let start = 0;
  for (const [i, group] of [...groups, 1].entries()) {
    if (group === 0) continue;
    if (i - start > longest[1]) longest = [start, i - start];
    start = i + 1;
  }
  return longest;
}
