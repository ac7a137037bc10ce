/**
 * Where a command's settings come from: flags, then `STELE_…` in the environment, then one JSON file, then defaults.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { Flags } from '../command-line.js';
import { leftOut, STRENGTH, type Alternatives, type Source, type Strength } from './alternatives.js';
import { readConfigurationFile } from './configuration-file.js';
import {
  checkText,
  CONFIG,
  environmentName,
  type KnownSettings,
  type Setting,
  type Settings,
  type SettingValue,
  type Values,
} from './setting.js';
import { unreadInFile, unreadVariables } from './unread-settings.js';

/** A command's settings, read. */
export interface Given<S extends Settings> {
  readonly values: Values<S>;
  /** Where each given setting comes from, without those that were left out for another. */
  readonly sources: Readonly<Record<string, Source>>;
  /** A line for each text that is given where it is not read. */
  readonly warnings: readonly string[];
}

export interface ReadSettingsOptions {
  readonly known?: KnownSettings;
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
  { known = { shared: [], flagsAlone: [] }, alternatives = [], places = [] }: ReadSettingsOptions = {},
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
  const unread = Object.keys(settings).filter(
    (name) => settings[name]?.flagOnly === true && flags[name] === undefined,
  );
  const warnings = hasSettings
    ? [...unreadVariables(environment, unread, known), ...unreadInFile(configured, unread, String(file))]
    : [];
  return { values: Object.fromEntries(values) as Values<S>, sources, warnings };
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

/** What a switch may be in the environment and in the file. */
const SWITCH: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

function readSwitch(where: string, text: string): boolean {
  const isOn = Object.hasOwn(SWITCH, text) ? SWITCH[text] : undefined;
  if (isOn !== undefined) return isOn;
  throw new ConfigurationError(`${where} is a switch: true, false, 1 or 0, not ${JSON.stringify(text)}`);
}
