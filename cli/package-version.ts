/**
 * The version of this package.
 * @module
 */
import { createRequire } from 'node:module';

// Seen from dist/cli, where the built file is.
const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };

export const PACKAGE_VERSION = manifest.version;

/** The version, and what it runs on. */
export function versionLine(): string {
  return `stele/${PACKAGE_VERSION} ${process.platform}-${process.arch} node-${process.version}`;
}
