/**
 * Programs of others, run to their end.
 * @module
 */
import { spawn } from 'node:child_process';
import { expect } from 'vitest';

export interface Ended {
  /** The exit status; null when a signal ended it. */
  readonly status: number | null;
  /** What it printed, to standard output and standard error. */
  readonly output: string;
}

/**
 * Runs a program in a folder, which is its home too: it has no settings but what is given, and what it caches is gone
 * with the folder.
 */
export function run(
  program: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // One that hangs fails its test, and is not left behind.
      timeout: 60_000,
      killSignal: 'SIGKILL',
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ status, output });
    });
  });
}

/** Demands that a program succeeded. Returns what it printed. */
export function expectSuccess({ status, output }: Ended): string {
  expect(status, output).toBe(0);
  return output;
}

/** Demands that a program failed, and said so in these words: not for some other reason. */
export function expectRefusal({ status, output }: Ended, words: RegExp): void {
  expect(output).toMatch(words);
  expect(status, output).toBe(1);
}
