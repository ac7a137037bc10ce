/**
 * Where a command's settings come from: flags, then `STELE_…` in the environment, then one JSON file, then defaults.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { Flags } from '../command-line.js';
import { nearest } from '../suggestion.js';
import { leftOut, STRENGTH, type Alternatives, type Source, type Strength } from './alternatives.js';
import { readConfigurationFile } from './configuration-file.js';
import {
  checkText,
  CONFIG,
  environmentName,
  PREFIX,
  type Setting,
  type Settings,
  type SettingValue,
  type Values,
} from './setting.js';

/** A command's settings, read. */
export interface Given<S extends Settings> {
  readonly values: Values<S>;
  /** Where each given setting comes from, without those that were left out for another. */
  readonly sources: Readonly<Record<string, Source>>;
}

export interface ReadSettingsOptions {
  /** Settings of other commands, which the configuration file may hold too. */
  readonly known?: readonly string[];
  readonly alternatives?: readonly Alternatives[];
  /** The names of the arguments that are given, for the alternatives. */
  readonly places?: readonly string[];
}

/**
 * Reads a command's settings. A command that has none reads no file.
 * @throws ConfigurationError naming the setting, and where it was given.
 */
export async function readSettings<S extends Settings>(
  settings: S,
  flags: Flags,
  environment: NodeJS.ProcessEnv,
  { known = [], alternatives = [], places = [] }: ReadSettingsOptions = {},
): Promise<Given<S>> {
  const hasSettings = Object.keys(settings).length > 0;
  const file = hasSettings ? configurationFile(flags, environment) : undefined;
  const configured = file === undefined ? {} : await readConfigurationFile(settings, file, known);
  const given = Object.fromEntries(
    Object.entries(settings).flatMap(([name, { flagOnly }]) => {
      const variable = environmentName(name);
      const found = [
        textsOf(`--${name}`, STRENGTH.flag, flags[name]),
        textsOf(variable, STRENGTH.environment, environment[variable]),
        textsOf(`${name} in ${String(file)}`, STRENGTH.file, configured[name]),
      ]
        .slice(0, flagOnly === true ? 1 : undefined)
        .find((texts) => texts !== undefined);
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
  const arguments_ = places.map((name) => [name, { where: name, strength: STRENGTH.flag }] as const);
  const out = leftOut(alternatives, { ...given, ...Object.fromEntries(arguments_) });
  const sources = Object.fromEntries(Object.entries(given).filter(([name]) => !out.has(name)));
  const values = Object.entries(settings).map(([name, setting]) => {
    const { where, texts } = sources[name] ?? { where: name, texts: [setting.default ?? []].flat() };
    return [name, valueOf(where, setting, texts)] as const;
  });
  return { values: Object.fromEntries(values) as Values<S>, sources };
}

/** The file that `--config` or its variable names. */
function configurationFile(flags: Flags, environment: NodeJS.ProcessEnv): string | undefined {
  const variable = environmentName('config');
  const flag = flags['config']?.at(-1);
  const file = flag ?? environment[variable];
  if (file !== undefined) checkText(flag === undefined ? variable : '--config', file, CONFIG);
  return file;
}

/** The texts that one source gives for a setting. */
interface Texts extends Source {
  readonly texts: readonly string[];
}

function textsOf(
  where: string,
  strength: Strength,
  given: string | readonly string[] | undefined,
): Texts | undefined {
  return given === undefined ? undefined : { where, strength, texts: [given].flat() };
}

function valueOf(where: string, setting: Setting, given: readonly string[]): SettingValue<Setting> {
  const { value, many } = setting;
  if (value === undefined) return readSwitch(where, given.at(-1) ?? 'false');
  for (const text of given) checkText(where, text, setting);
  return many === true ? given : given.at(-1);
}

function readSwitch(where: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ConfigurationError(`${where} is a switch: true or false, not ${JSON.stringify(text)}`);
}

/**
 * Warnings about variables of the environment that begin with `STELE_` and are not read: mistyped, or another program's.
 * @param known the settings of all commands that may come from the environment.
 */
export function unknownVariables(
  environment: NodeJS.ProcessEnv,
  known: readonly string[],
): readonly string[] {
  const names = ['config', ...known].map(environmentName);
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(PREFIX) && !names.includes(variable))
    .map((variable) => {
      const meant = nearest(variable, names);
      return `${variable} in the environment is no setting, and is not read${meant === undefined ? '' : `: did you mean ${meant}?`}`;
    });
}
