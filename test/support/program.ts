/**
 * Tests that need a program of this machine, which its user installs: a browser, a web server.
 * @module
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

export interface Program {
  /** What the program may be called. */
  readonly names: readonly string[];
  /** The environment variable that names another one. */
  readonly variable: string;
  /** Where it may be beside the PATH: folders of an administrator's programs are not on everybody's. */
  readonly folders?: readonly string[];
}

/** Tests that need the program: skipped where there is none, failed there when CI=true. */
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
