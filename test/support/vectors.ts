/**
 * The folder of third-party vectors, and tests that need it.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Outside the repository: other projects' files are never copied into it. */
export const VECTORS = resolve(process.cwd(), process.env['STELE_VECTORS'] ?? '../shared/vectors');

/** Tests that need the vectors. Without the folder they are skipped or, when CI=true, fail. */
export function describeWithVectors(name: string, fn: () => void): void {
  if (existsSync(VECTORS)) {
    describe(name, fn);
    return;
  }
  const message = `the third-party vectors are not at ${VECTORS} (set STELE_VECTORS)`;
  describe(name, () => {
    if (process.env['CI'] === 'true') {
      it('finds the vectors', () => {
        expect.fail(message);
      });
    } else {
      it.skip(message);
    }
  });
}

/** A file of the vectors. */
export function readVector(...path: string[]): Uint8Array {
  return new Uint8Array(readFileSync(join(VECTORS, ...path)));
}

/** A text file of the vectors. */
export function readVectorText(...path: string[]): string {
  return readFileSync(join(VECTORS, ...path), 'utf8');
}

/** A JSON file of the vectors. Integers over 2^53 are rounded: see `readVectorJsonExact`. */
export function readVectorJson(...path: string[]): unknown {
  return JSON.parse(readVectorText(...path));
}

/** A JSON file of the vectors with every integer as a bigint. */
export function readVectorJsonExact(...path: string[]): unknown {
  const text = readVectorText(...path).replace(/(?<=": )-?[0-9]+(?=[,\s}])/g, '"int:$&"');
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith('int:') ? BigInt(value.slice(4)) : value,
  );
}

/** The files below a folder of the vectors, as paths below VECTORS, sorted. */
export function listVectors(folder: string): string[] {
  return readdirSync(join(VECTORS, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(VECTORS.length + 1))
    .sort();
}
