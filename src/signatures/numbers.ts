/**
 * Bytes and numbers, big-endian. In Node, hexadecimal is the fastest way from bytes to a BigInt and back.
 * @module
 */

/** The number that `bytes` hold; no bytes are 0. */
export function bytesToNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

/** The number as hex of `length` bytes. The number must be at least 0 and fit. */
export function numberToHex(number: bigint, length: number): string {
  return number.toString(16).padStart(2 * length, '0');
}
