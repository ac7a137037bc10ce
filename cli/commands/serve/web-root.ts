/**
 * What must not be in the folder of the log's files: a web server may serve all of that to everybody.
 * @module
 */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigurationError } from '../../../src/errors.js';

/**
 * @param places by the setting that names each.
 * @throws ConfigurationError where one of the places is the store or in it, by its name or through links.
 */
export function requireOutsideStore(store: string, places: Readonly<Record<string, string>>): void {
  for (const [setting, place] of Object.entries(places)) {
    // A link in the store leads out of it for a web server, too: both its place and what it leads to count.
    const named = join(realOf(dirname(resolve(place))), basename(resolve(place)));
    if (![named, realOf(place)].some((each) => isWithin(each, realOf(store)))) continue;
    throw new ConfigurationError(
      `${setting}: ${place} is in the store ${store}, where a web server may serve the log's private key to everybody. Give --store a folder of its own, such as store/ in the data folder`,
    );
  }
}

/** Whether a path is a folder or leads through it, under whatever name. */
function isWithin(path: string, folder: string): boolean {
  for (let each = path; ; each = dirname(each)) {
    if (each === folder || isSameFile(each, folder)) return true;
    if (each === dirname(each)) return false;
  }
}

/** Whether two names are of one file: it may be mounted in two places. */
function isSameFile(one: string, two: string): boolean {
  const file = fileAt(one);
  return file !== undefined && file === fileAt(two);
}

/** Which file has a name; undefined where that cannot be told. */
function fileAt(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** A path without links, as far as it is there. */
function realOf(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return whole === dirname(whole) ? whole : join(realOf(dirname(whole)), basename(whole));
  }
}
