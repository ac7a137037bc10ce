/**
 * The version of this package, and `stele version`.
 * @module
 */
import { createRequire } from 'node:module';
import type { Invocation } from '../command.js';
import type { VERSION_SETTINGS } from '../settings.js';

const manifest = createRequire(import.meta.url)('../../../package.json') as { version: string };

export const VERSION = manifest.version;

export function version({ values, terminal }: Invocation<typeof VERSION_SETTINGS>): number {
  const platform = `${process.platform}-${process.arch}`;
  if (values.format === 'json') terminal.json({ version: VERSION, node: process.version, platform });
  else terminal.out(`stele/${VERSION} ${platform} node-${process.version}`);
  return 0;
}
