/**
 * What a setting of a command is. It has one name everywhere: as a flag, as `STELE_…` in the environment, and in the
 * configuration file.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { Source } from './alternatives.js';

/** What the names of settings begin with in the environment. */
export const PREFIX = 'STELE_';

/** One setting of a command. */
export interface Setting {
  /** How help shows its value, in capitals; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  /** As a user would write it. Without a default, the setting has to be given or may be absent. */
  readonly default?: string;
  /** The flag may be repeated, and the configuration file may hold an array; the environment holds one value. */
  readonly many?: true;
  /** The only values that it may have. */
  readonly choices?: readonly string[];
  /** Completion offers files. */
  readonly file?: true;
  /** Completion offers folders. */
  readonly folder?: true;
  /** Read from its flag alone: a value that stands in the environment or a file for another command would do harm. */
  readonly flagOnly?: true;
  /** It has no flag: everybody on the machine can read command lines. */
  readonly secret?: true;
  /** Its heading in help. Default: `Options`. */
  readonly group?: string;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The values of settings. A switch is a boolean; a value is undefined where it is not given and has no default. */
export type Values<S extends Settings> = { readonly [name in keyof S]: SettingValue<S[name]> };

export type SettingValue<S extends Setting> = Setting extends S
  ? string | readonly string[] | boolean | undefined
  : S extends { readonly many: true }
    ? readonly string[]
    : S extends { readonly value: string }
      ? S extends { readonly default: string }
        ? string
        : string | undefined
      : boolean;

/** The names of the settings of all commands: one environment and one configuration file serve them all. */
export interface KnownSettings {
  /** Those that are read from the environment and from the file. */
  readonly shared: readonly string[];
  /** Those that some command reads from its flag alone. */
  readonly flagsAlone: readonly string[];
}

/** The file that `--config` names. */
export const CONFIG = {
  value: 'FILE',
  description: 'a JSON file of settings, by the same names, for this and the other commands',
  file: true,
  group: 'Everywhere',
} as const satisfies Setting;

/**
 * Checks a text against what every value is held to: no NUL, no empty name of a file or folder, one of the choices.
 * @throws ConfigurationError naming `where`.
 */
export function checkText(
  where: string,
  text: string,
  { choices = [text], file, folder }: Pick<Setting, 'choices' | 'file' | 'folder'>,
): void {
  if (text.includes('\0')) throw new ConfigurationError(`${where}: it holds a NUL character`);
  if (text === '' && (file ?? folder) === true) throw new ConfigurationError(`${where}: it is empty`);
  if (choices.includes(text)) return;
  const all = [choices.slice(0, -1).join(', '), ...choices.slice(-1)].filter((part) => part !== '');
  throw new ConfigurationError(`${where}: ${JSON.stringify(text)} is not ${all.join(' or ')}`);
}

/** `batch-age` is `STELE_BATCH_AGE` in the environment. */
export function environmentName(name: string): string {
  return `${PREFIX}${name.toUpperCase().replaceAll('-', '_')}`;
}

/** An error about what one setting, or argument, was given. */
export class SettingError extends ConfigurationError {
  override name = 'SettingError';

  /**
   * @param where `--key`, or an argument in capitals.
   * @param link what stands between the place and the reason.
   */
  constructor(
    readonly where: string,
    readonly reason: string,
    readonly link: ':' | ' has no place:' = ':',
  ) {
    super(`${where}${link} ${reason}`);
  }

  /** The message, naming where the setting was given: a variable or a file, where no flag was. */
  from(sources: Readonly<Record<string, Source>>): string {
    const source = this.where.startsWith('--') ? sources[this.where.slice(2)] : undefined;
    return source === undefined ? this.message : `${source.where}${this.link} ${this.reason}`;
  }
}

/** Parses one value. @throws SettingError naming the setting where `parse` throws ConfigurationError. */
export function parseSetting<T>(name: string, value: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new SettingError(`--${name}`, error.message);
  }
}
