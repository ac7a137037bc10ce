/**
 * The examples of docs/library.md run as they stand, and print what they say that they print.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { goodRequest, log } from '../support/http.js';

const LIBRARY = readFileSync('docs/library.md', 'utf8');

/** Each example: the heading above it, the module, and its output. */
const EXAMPLES = LIBRARY.split(/^## /m).flatMap((section) =>
  [...section.matchAll(/^```js run\n([\s\S]*?)^```\n\n```text output\n([\s\S]*?)^```$/gm)].map(
    ([, code = '', output = ''], i) => ({
      name: `${section.split('\n', 1)[0] ?? ''} (${i + 1})`,
      code,
      output,
    }),
  ),
);

describe('docs/library.md', () => {
  let daemon: Daemon;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stele-'));
    // The package under its own name, as where it is installed.
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(process.cwd(), join(folder, 'node_modules', 'stele'));
    daemon = await startDaemon(join(folder, 'stele-data'));
    await Promise.all(Array.from({ length: 300 }, () => log(daemon.url, goodRequest())));
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true });
  });

  test('every block of code is an example that runs', () => {
    expect(EXAMPLES.length).toBeGreaterThan(0);
    expect(LIBRARY.match(/^```\w/gm)).toHaveLength(2 * EXAMPLES.length);
  });

  test.each(EXAMPLES)('$name', async ({ name, code, output }) => {
    const file = join(folder, `${name.replace(/\W+/g, '-')}.mjs`);
    writeFileSync(file, code);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
      cwd: folder,
      env: { PATH: process.env['PATH'], LOG_URL: daemon.url, LOG_VKEY: daemon.verifierKey },
    });
    expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
  });
});
