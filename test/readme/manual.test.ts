/**
 * The manual is true: it is what the commands' definitions make of it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { expect, test } from 'vitest';

test('docs/cli.md is that of the code: npm run docs makes it anew', async () => {
  const manual = execFileSync(process.execPath, ['dist/cli/manual.js'], { encoding: 'utf8' });
  expect(readFileSync('docs/cli.md', 'utf8')).toBe(await format(manual, { filepath: 'docs/cli.md' }));
});
