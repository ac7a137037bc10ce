/**
 * Where the commands keep things between runs, by the XDG base directory specification.
 * @module
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What the user has decided: the logs that are pinned. */
export function configFolder(environment: NodeJS.ProcessEnv): string {
  return folder(environment, 'XDG_CONFIG_HOME', '.config');
}

/** What was seen: the newest checkpoint of each log, and evidence against logs. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  return join(folder(environment, 'XDG_STATE_HOME', join('.local', 'state')), 'heads');
}

/** What can be fetched again: full tiles. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(folder(environment, 'XDG_CACHE_HOME', '.cache'), 'tiles');
}

function folder(environment: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const given = environment[variable];
  // The specification: a path that is not absolute is ignored.
  const base =
    given !== undefined && isAbsolute(given) ? given : join(environment['HOME'] ?? homedir(), fallback);
  return join(base, 'stele');
}
