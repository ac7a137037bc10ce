/**
 * The README is true: its tour runs word for word, and its table of settings is the code's.
 */
import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { environmentName, type Setting } from '#cli/configuration.js';
import { SERVE_SETTINGS } from '#cli/serve-settings.js';
import { startDaemon, withFolder } from '../daemon.js';
import { tourOf } from './tour.mjs';

const README = readFileSync('README.md', 'utf8');

test('the tour ends in a verified proof, and in a refused one', async () => {
  await withFolder(async (folder) => {
    const daemon = await startDaemon(join(folder, 'stele-data'));
    symlinkSync(join(process.cwd(), 'examples'), join(folder, 'examples'));
    try {
      const { stdout, stderr } = await promisify(execFile)('sh', ['-ec', tourOf(README)], {
        cwd: folder,
        env: { ...process.env, LOG: daemon.url },
      });
      expect(stdout).toMatch(/"logIndex":"0"/);
      expect(stdout).toMatch(/^checkpoint {2}1 entries of 127\.0\.0\.1, signature verified$/m);
      expect(stdout).toMatch(/^proof {7}0 hashes from the entry to the root: verified$/m);
      expect(stderr).toMatch(/^NOT PROVED: the right edge \(tile\/0\/000\.p\/1\) does not hash to the root/m);
      expect(stdout).toMatch(/refused, as it should be\n$/);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});

test('the table of settings is that of the code', () => {
  const [, rest = ''] = README.split('<!-- settings: a test compares this table with the code -->');
  const rows = rest.split('\n').filter((line) => line.startsWith('| `--'));
  const settings: Record<string, Setting> = SERVE_SETTINGS;
  const expected = Object.entries(settings).map(([name, { value, default: fallback, description }]) => {
    const flag = `--${name}${value === undefined ? '' : ` ${value.replace('|', '\\|')}`}`;
    return `| \`${flag}\` | \`${environmentName(name)}\` | ${fallback === undefined ? '' : `\`${fallback}\` `}| ${description} |`;
  });
  const squeeze = (row: string) => row.replace(/ +/g, ' ');
  expect(rows.map(squeeze)).toEqual(expected.map(squeeze));
});
