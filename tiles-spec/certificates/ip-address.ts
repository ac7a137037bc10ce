/**
 * IP addresses as text.
 * @module
 */

/**
 * The text of an address, which is the same for the same bytes. An IPv4 address is written as four decimal numbers with
 * dots, an IPv6 address in the form of RFC 5952. An IPv6 address that stands for an IPv4 address (`::ffff:0:0/96`) ends in
 * that address: `::ffff:192.0.2.1`.
 * @param bytes 4 for IPv4, 16 for IPv6.
 * @returns undefined where `bytes` has any other length.
 */
export function formatIpAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0));
  const isMappedIpv4 = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMappedIpv4) return `::ffff:${bytes.subarray(12).join('.')}`;
  const { start, end } = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  // RFC 5952 section 4.2.2: `::` does not stand for a single group of zeros.
  if (end - start < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(end))}`;
}

/** The longest run of zeros, its end not included. Of several runs of one length RFC 5952 takes the first. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly end: number } {
  let longest = { start: 0, end: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > longest.end - longest.start) longest = { start, end: i + 1 };
  }
  return longest;
}
