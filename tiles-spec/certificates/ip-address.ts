/**
 * IP addresses as text.
 * @module
 */

/**
 * The text of an address, one for each: four decimal numbers, or the form of RFC 5952, in which an IPv4 address mapped
 * into IPv6 is `::ffff:192.0.2.1`.
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
  // RFC 5952 section 4.2.2: `::` does not stand for a single group of zeros.
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** The start and length of the longest run of zeros; of several equally long, the first. */
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
