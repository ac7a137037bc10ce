/**
 * Checksums of staging's rows. SQLite notices damage to its own structure, but not to the contents of a row.
 * @module
 */
import { createHash } from 'node:crypto';

/**
 * SHA-256 of a row: its table's name and its columns, each preceded by its length. Pass the row's key as a column too,
 * so that a row stored under another row's key is noticed. Costs about 1 us, and 0.6 us a KiB.
 */
export function checksum(table: string, ...columns: readonly (number | string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256').update(table);
  for (const column of columns) {
    const bytes = typeof column === 'number' ? String(column) : column;
    hash.update(`\n${bytes.length} `).update(bytes);
  }
  return hash.digest();
}
