/**
 * Where the commands keep things between runs, by the XDG base directory specification. A user in a container may have
 * no home, and then there is no such folder.
 * @module
 */
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** For decisions of the user: the logs that are pinned. */
export function configFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return folder(environment, 'XDG_CONFIG_HOME', '.config');
}

/** For what was seen: the newest checkpoint of each log, and evidence against logs. */
export function stateFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return folder(environment, 'XDG_STATE_HOME', join('.local', 'state'), 'heads');
}

/** For what can be fetched again: full tiles. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return folder(environment, 'XDG_CACHE_HOME', '.cache', 'tiles');
}

/** How an error begins where there is no folder; the name of the variable that gives one follows. */
export const NO_HOME = 'this user has no home folder. Set HOME or';

function folder(
  environment: NodeJS.ProcessEnv,
  variable: string,
  fallback: string,
  ...names: readonly string[]
): string | undefined {
  const given = environment[variable];
  // The specification: a path that is not absolute is ignored.
  if (given !== undefined && isAbsolute(given)) return join(given, 'stele', ...names);
  const home = homeFolder(environment);
  return home === undefined ? undefined : join(home, fallback, 'stele', ...names);
}

function homeFolder({ HOME: given }: NodeJS.ProcessEnv): string | undefined {
  if (given !== undefined && isAbsolute(given)) return given;
  try {
    return userInfo().homedir;
  } catch {
    // The user of a container may be missing from its /etc/passwd.
    return undefined;
  }
}
