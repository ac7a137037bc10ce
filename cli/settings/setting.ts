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
  /** What its value is called in help; none for a switch. */
  readonly value?: string;
  readonly description: string;
  /** In the form that a user would write; none where it has to be given or may be absent. */
  readonly default?: string;
  /** The flag may be repeated, and the configuration file may hold an array; the environment holds one value. */
  readonly many?: true;
  /** The only values that it may have. */
  readonly choices?: readonly string[];
  /** Completion offers files. */
  readonly file?: true;
  /** Completion offers folders. */
  readonly folder?: true;
  /** It comes from its flag alone: a value left in the environment or a file for another command would do harm. */
  readonly flagOnly?: true;
  /** It has no flag: everybody on the machine sees command lines. */
  readonly secret?: true;
  /** The heading it has in help; none for the first. */
  readonly group?: string;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The values given, by setting. A switch is on or off; without a default a value may be absent. */
export type Values<S extends Settings> = { readonly [name in keyof S]: Value<S[name]> };

export type Value<S extends Setting> = Setting extends S
  ? string | readonly string[] | boolean | undefined
  : S extends { readonly many: true }
    ? readonly string[]
    : S extends { readonly value: string }
      ? S extends { readonly default: string }
        ? string
        : string | undefined
      : boolean;

/** The file that `--config` names. */
export const CONFIG = {
  value: 'FILE',
  description: 'a JSON file of settings, by the same names, for this and the other commands',
  file: true,
  group: 'Everywhere',
} as const satisfies Setting;

/**
 * Demands of a text that it can be what is asked for: no file is called nothing, or has a NUL in its name.
 * @throws ConfigurationError naming `where`, also when there are choices, and the text is none of them.
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

  /** @param where `--key`, or an argument in capitals. */
  constructor(
    readonly where: string,
    readonly reason: string,
  ) {
    super(`${where}: ${reason}`);
  }

  /** The message, by the name of the place where the setting was given: a flag that nobody gave would mislead. */
  from(sources: Readonly<Record<string, Source>>): string {
    const source = this.where.startsWith('--') ? sources[this.where.slice(2)] : undefined;
    return source === undefined ? this.message : `${source.where}: ${this.reason}`;
  }
}

/** Reads one value, saying which setting it is of when it does not fit. */
export function parseSetting<T>(name: string, value: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new SettingError(`--${name}`, error.message);
  }
}
