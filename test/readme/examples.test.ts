/**
 * The examples of the package's functions and classes run, and give what they say. Each function and class has one, in its
 * docstring or in docs/library.md; errors are in docs/errors.md.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENTRIES, exportsOf, isOurs, typeChecker } from '../support/faces.js';

/** The code in docs/library.md, which library.test.ts runs. */
const LIBRARY = (readFileSync('docs/library.md', 'utf8').match(/^```js run\n[^]*?^```$/gm) ?? []).join('\n');

/** The functions and classes of each entry, errors excepted, with their examples. */
const EXPORTS = ENTRIES.flatMap((entry) =>
  exportsOf(entry)
    .filter(({ isType, symbol }) => !isType && isCallable(symbol))
    .map(({ name, symbol }) => ({ name, from: entry.specifier, examples: examplesOf(symbol) })),
);

function isCallable(symbol: ts.Symbol): boolean {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined || !isOurs(symbol) || symbol.name.endsWith('Error')) return false;
  const type = typeChecker.getTypeOfSymbolAtLocation(symbol, declaration);
  return type.getCallSignatures().length + type.getConstructSignatures().length > 0;
}

function examplesOf(symbol: ts.Symbol): string[] {
  return symbol
    .getJsDocTags(typeChecker)
    .filter(({ name }) => name === 'example')
    .map(({ text }) => ts.displayPartsToString(text));
}

function isIn(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

/**
 * An example as a module. It imports the package's names that the example uses, from the example's own entry where that has
 * them. A line `EXPRESSION; // => TEXT` becomes a check that `util.inspect` shows the expression's value as that text.
 */
function moduleOf(example: string, from: string): string {
  const names = new Map<string, string>();
  for (const each of [...EXPORT_NAMES, ...EXPORT_NAMES.filter((exported) => exported.from === from)])
    if (isIn(example, each.name)) names.set(each.name, each.from);
  const imports = [...names].map(([name, specifier]) => `import { ${name} } from '${specifier}';`);
  const code = example.replace(
    /^(.*); \/\/ => (.*)$/gm,
    (_, expression: string, shown: string) => `show(${expression}, ${JSON.stringify(shown)});`,
  );
  return `${imports.join('\n')}
import { equal } from 'node:assert/strict';
import { inspect } from 'node:util';
const show = (value, shown) => equal(inspect(value, { compact: true, breakLength: Infinity }), shown);
${code}
`;
}

/** Every name, types and constants too. */
const EXPORT_NAMES = ENTRIES.flatMap((entry) =>
  exportsOf(entry).map(({ name }) => ({ name, from: entry.specifier })),
);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  // The package under its own name, as where it is installed.
  await mkdir(join(folder, 'node_modules'));
  await symlink(process.cwd(), join(folder, 'node_modules', 'stele'));
});

afterAll(() => rm(folder, { recursive: true }));

test('every function and class has an example', () => {
  const without = EXPORTS.filter(({ name, examples }) => examples.length === 0 && !isIn(LIBRARY, name));
  expect(without.map(({ name, from }) => `${from} ${name}`)).toEqual([]);
});

const EXAMPLES = EXPORTS.flatMap(({ name, from, examples }) =>
  examples.map((example) => ({ name, from, example })),
);

test.each(EXAMPLES)('$from $name', async ({ name, from, example }) => {
  // A folder of its own, in which the example may make files.
  const cwd = await mkdtemp(join(folder, `${name}-`));
  await writeFile(join(cwd, 'example.mjs'), moduleOf(example, from));
  const run = promisify(execFile)(process.execPath, ['example.mjs'], { cwd });
  await expect(run).resolves.toEqual({ stdout: '', stderr: '' });
});
