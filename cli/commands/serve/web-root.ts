/**
 * Keeps keys and the data folder out of a folder store: a web server may serve all that is in it to everybody.
 * @module
 */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigurationError } from '../../../src/errors.js';

/**
 * Demands that places are outside of a store.
 * @param places by the setting that names each.
 * @throws ConfigurationError where one of the places is the store or in it, by its name or through links.
 */
export function requireOutsideStore(store: string, places: Readonly<Record<string, string>>): void {
  for (const [setting, place] of Object.entries(places)) {
    // A web server follows links too: neither the path itself nor its target may be in the store.
    const named = join(realOf(dirname(resolve(place))), basename(resolve(place)));
    if (![named, realOf(place)].some((each) => isWithin(each, realOf(store)))) continue;
    throw new ConfigurationError(
      `${setting}: ${place} is in the store ${store}, where a web server may serve the log's private key to everybody. Give --store a folder of its own, such as store/ in the data folder`,
    );
  }
}

/** Whether a path is a folder or goes through it, also under another name of the folder. */
function isWithin(path: string, folder: string): boolean {
  for (let each = path; ; each = dirname(each)) {
    if (each === folder || isSameFile(each, folder)) return true;
    if (each === dirname(each)) return false;
  }
}

/** Whether two paths are of one file: a folder may be mounted in two places. */
function isSameFile(one: string, two: string): boolean {
  const file = fileAt(one);
  return file !== undefined && file === fileAt(two);
}

/** The identity of the file at a path; undefined where it cannot be read. */
function fileAt(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** A path with its links resolved, as far as it exists. */
function realOf(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return whole === dirname(whole) ? whole : join(realOf(dirname(whole)), basename(whole));
  }
}
