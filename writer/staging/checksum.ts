/**
 * Checksums of staging's rows. SQLite notices damage to its own structure, and none to what a row holds.
 * @module
 */
import { createHash } from 'node:crypto';

/**
 * SHA-256 of a row: of its table's name and its columns, each told apart by its length. It covers the row's key too,
 * so that a row that is found in another's place is noticed. Costs about 1 us, and 0.6 us a KiB.
 */
export function checksum(table: string, ...columns: readonly (number | string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256').update(table);
  for (const column of columns) {
    const bytes = typeof column === 'number' ? String(column) : column;
    hash.update(`\n${bytes.length} `).update(bytes);
  }
  return hash.digest();
}
