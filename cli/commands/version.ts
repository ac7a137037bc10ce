/**
 * `stele version`.
 * @module
 */
import { command } from '../command.js';
import { PACKAGE_VERSION, versionLine } from '../package-version.js';
import { FORMAT } from '../settings/format-settings.js';

export const versionCommand = command({
  summary: 'Show the version',
  settings: { format: FORMAT },
  examples: [{ what: 'For a script', command: 'stele version --format json' }],
  run: ({ values, terminal }) => {
    if (values.format === 'json') {
      const platform = `${process.platform}-${process.arch}`;
      terminal.json({ version: PACKAGE_VERSION, node: process.version, platform });
    } else terminal.out(versionLine());
    return 0;
  },
});
