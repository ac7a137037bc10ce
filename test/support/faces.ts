/**
 * The entries of the package, and what the declarations of each export.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

/** One of the "exports" in package.json. */
export interface Entry {
  /** What a user imports, such as `stele/reader`. */
  readonly specifier: string;
  /** The .d.ts and the module, from the package's folder. */
  readonly types: string;
  readonly module: string;
}

const { name: packageName, exports: conditions } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  exports: Readonly<Record<string, { types: string; default: string } | string>>;
};

export const ENTRIES: readonly Entry[] = Object.entries(conditions).flatMap(([path, target]) =>
  typeof target === 'string'
    ? []
    : [{ specifier: packageName + path.slice(1), types: target.types, module: target.default }],
);

const program = ts.createProgram(
  ENTRIES.map(({ types }) => types),
  { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: ['node'] },
);

export const typeChecker = program.getTypeChecker();

/** The names that an entry exports, each with the symbol that it stands for. */
export function exportsOf({ types }: Entry): { readonly name: string; readonly symbol: ts.Symbol }[] {
  const file = program.getSourceFile(types);
  const module = file && typeChecker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${types} is not a module`);
  return typeChecker
    .getExportsOfModule(module)
    .map((exported) => ({ name: exported.name, symbol: originalOf(exported) }));
}

/** The symbol of the declaration that an import or export refers to. */
export function originalOf(symbol: ts.Symbol): ts.Symbol {
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : typeChecker.getAliasedSymbol(symbol);
}

/** Whether a symbol is declared in this project, type parameters excepted. */
export function isOurs(symbol: ts.Symbol): boolean {
  const isParameter = (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0;
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? '';
  return !isParameter && resolve(file).startsWith(resolve('dist'));
}
