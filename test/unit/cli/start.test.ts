/**
 * Every run of `stele` loads all commands' definitions, so that they load nothing heavy: no schemas, no curves, no HTTP, no
 * database. What a command needs of these it loads when it runs.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** The packages that a file, and all that it imports at once, import at once. */
function packagesOf(file: URL, visited = new Set<string>()): string[] {
  if (visited.has(file.href)) return [];
  visited.add(file.href);
  const text = readFileSync(fileURLToPath(file), 'utf8');
  const names = [...text.matchAll(/^(?:import|export) (?:[^;']* from )?'([^']+)'/gm)].map(
    ([, name = '']) => name,
  );
  return names.flatMap((name) => {
    if (name.startsWith('.')) return packagesOf(new URL(name, file), visited);
    return name.startsWith('node:') ? [] : [name];
  });
}

it('a start loads four small packages', () => {
  const packages = packagesOf(new URL('../../../dist/cli/main.js', import.meta.url));
  expect([...new Set(packages)].sort()).toStrictEqual([
    'cac',
    'cli-progress',
    'fastest-levenshtein',
    'picocolors',
  ]);
});
