/**
 * Tests that need a program which the developer has to install, such as a browser or a web server.
 * @module
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

export interface Program {
  /** The names that the program may have. */
  readonly names: readonly string[];
  /** The environment variable that names another one. */
  readonly variable: string;
  /** Folders to search besides the PATH, which often lacks those of administrators' programs. */
  readonly folders?: readonly string[];
}

/** Tests that need the program. Without it they are skipped or, when CI=true, fail. */
export function describeWithProgram(
  { names, variable, folders = [] }: Program,
  name: string,
  fn: (executable: string) => void,
): void {
  const path = [...(process.env['PATH'] ?? '').split(delimiter), ...folders];
  const found = names.flatMap((name) => path.map((folder) => join(folder, name))).find(isExecutable);
  const executable = process.env[variable] ?? found;
  if (executable !== undefined) {
    describe(name, () => {
      fn(executable);
    });
    return;
  }
  const message = `there is no ${names.join(', ')} on the PATH (install one, or set ${variable})`;
  describe(name, () => {
    if (process.env['CI'] === 'true') {
      it(`finds ${names[0] ?? ''}`, () => {
        expect.fail(message);
      });
    } else {
      it.skip(message);
    }
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
