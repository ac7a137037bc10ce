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

/** A name that an entry exports. */
export interface Export {
  readonly name: string;
  /** Whether it is a type alone: an interface, or a class that is exported as a type. */
  readonly isType: boolean;
  /** The symbol of its declaration. */
  readonly symbol: ts.Symbol;
}

export function exportsOf({ types }: Entry): Export[] {
  const file = program.getSourceFile(types);
  const module = file && typeChecker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${types} is not a module`);
  return typeChecker.getExportsOfModule(module).map((exported) => {
    const symbol = originalOf(exported);
    const isMarked = exported.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration) === true;
    return { name: exported.name, isType: isMarked || (symbol.flags & ts.SymbolFlags.Value) === 0, symbol };
  });
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
