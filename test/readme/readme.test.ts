/**
 * The README is true: its tour runs word for word, and its table of settings is the code's.
 */
import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { environmentName, type Setting } from '#cli/settings/setting.js';
import { serveCommand } from '#cli/commands/serve.js';
import { withFolder } from '../support/daemon.js';
import { freePort } from '../support/free-port.js';
import { tourOf } from './tour.mjs';

const README = readFileSync('README.md', 'utf8');

test('the tour signs, logs, verifies, finds the byte that was changed, and proves consistency', async () => {
  await withFolder(async (folder) => {
    symlinkSync(join(process.cwd(), 'dist'), join(folder, 'dist'));
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-ec', `trap 'kill $! 2> /dev/null || :' EXIT\n${tourOf(README)}`],
      {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, PORT: String(await freePort()) },
      },
    );
    const expected = [
      /^stele serves http:\/\/127\.0\.0\.1:\d+ with the verifier key 127\.0\.0\.1\+/,
      /^Entry at index 0 of 127\.0\.0\.1/,
      /^Verified$/,
      /^127\.0\.0\.1$/,
      /^1$/,
      /^ [0-9a-f]{2}( [0-9a-f]{2}){15}$/,
      /^\{"apiVersion":"0\.0\.2","kind":"hashedrekord"/,
      /^every file of the tree of \d+ is right$/,
      /^WRONG tile\/0\/000\.p\/1$/,
      /^refused, as it should be$/,
      /^Consistent with: +the tree of 1 entry seen before$/,
      /^stele serves /,
      /^Entry at index 1 /,
      /^Active Tree Size: +2$/,
      /^Consistent with: +the tree of 2 entries seen before$/,
      /^Hashes: \[[0-9a-f]{64}\]$/,
      /^Verified: the tree of 2 begins with that of 1 /,
    ];
    const lines = stdout.split('\n');
    for (const line of expected) {
      const at = lines.findIndex((candidate) => line.test(candidate));
      expect(at, `${line.source} in\n${stdout}`).toBeGreaterThanOrEqual(0);
      lines.splice(0, at + 1);
    }
  });
});

test('the table of settings is that of the code', () => {
  const [, rest = ''] = README.split('<!-- settings: a test compares this table with the code -->');
  const rows = rest.split('\n').filter((line) => line.startsWith('| `--'));
  const settings: Record<string, Setting> = serveCommand.settings;
  const expected = Object.entries(settings).map(
    ([name, { value, default: fallback, description, flagOnly }]) => {
      const flag = `--${name}${value === undefined ? '' : ` ${value.replace('|', '\\|')}`}`;
      const variable = flagOnly === true ? '' : `\`${environmentName(name)}\` `;
      return `| \`${flag}\` | ${variable}| ${fallback === undefined ? '' : `\`${fallback}\` `}| ${description} |`;
    },
  );
  const squeeze = (row: string) => row.replace(/ +/g, ' ');
  expect(rows.map(squeeze)).toEqual(expected.map(squeeze));
});
