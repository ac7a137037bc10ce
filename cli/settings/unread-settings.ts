/**
 * Warnings about settings that are given where they are not read. A setting that is a flag alone may stand in the
 * environment or in the file for another command, so that this is no error.
 * @module
 */
import { nearest } from '../suggestion.js';
import { environmentName, PREFIX, type KnownSettings } from './setting.js';

/**
 * Warns of each variable that begins with `STELE_` and is not read: a flag alone, mistyped, or another program's.
 * @param unread settings of the command that are flags alone, and whose flags are not given.
 */
export function unreadVariables(
  environment: NodeJS.ProcessEnv,
  unread: readonly string[],
  { shared, flagsAlone }: KnownSettings,
): string[] {
  const known = ['config', ...shared].map(environmentName);
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(PREFIX))
    .flatMap((variable) => {
      const isKnown = known.includes(variable);
      const flags = isKnown ? unread : flagsAlone;
      const flag = flags.find((name) => environmentName(name) === variable);
      if (flag !== undefined) return [`${variable} in the environment ${isFlagAlone(flag)}`];
      return isKnown
        ? []
        : [`${variable} in the environment is no setting, and is not read${meant(variable, known)}`];
    });
}

/** Warns of each setting in the configuration file that is a flag alone. */
export function unreadInFile(
  configured: Readonly<Record<string, unknown>>,
  unread: readonly string[],
  file: string,
): string[] {
  return unread
    .filter((name) => Object.hasOwn(configured, name))
    .map((name) => `${name} in ${file} ${isFlagAlone(name)}`);
}

function isFlagAlone(name: string): string {
  return `is not read: --${name} is a flag alone`;
}

/** Compares the names without their prefix: with it, any two would be near. */
function meant(variable: string, known: readonly string[]): string {
  const bare = (name: string) => name.slice(PREFIX.length);
  const found = nearest(bare(variable), known.map(bare));
  return found === undefined ? '' : `: did you mean ${PREFIX}${found}?`;
}
