/**
 * Where a command's settings come from: flags, then `STELE_…` in the environment, then one JSON file, then defaults.
 * Each setting has one name everywhere.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { ConfigurationError, messageOf } from '../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../src/json.js';
import { FormatError } from '../tiles-spec/errors.js';
import { nearest } from './suggestion.js';

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

type Value<S extends Setting> = Setting extends S
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

/** What a command is given: its settings, and the arguments that are no flags. */
export interface Given<S extends Settings> {
  readonly values: Values<S>;
  readonly args: readonly string[];
}

/**
 * Reads a command's settings. The configuration file may also hold those that `known` names, for other commands; a
 * command that has no settings reads none.
 * @throws ConfigurationError naming the setting, and where it was given.
 */
export async function readSettings<S extends Settings>(
  settings: S,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  known: readonly string[] = [],
): Promise<Given<S>> {
  const options = Object.keys(settings).length === 0 ? {} : { ...settings, config: CONFIG };
  const { flags, positionals } = readFlags(options, args);
  const file =
    'config' in options ? (flags['config']?.at(-1) ?? environment[environmentName('config')]) : undefined;
  const configured = file === undefined ? {} : await readFileSettings(settings, file, known);
  const values = Object.entries(settings).map(([name, setting]) => {
    const inEnvironment = environmentName(name);
    const elsewhere: Source[] = [
      { where: inEnvironment, texts: environment[inEnvironment] },
      { where: `${name} in ${String(file)}`, texts: configured[name] },
    ];
    const sources: Source[] = [
      { where: `--${name}`, texts: flags[name] },
      ...(setting.flagOnly === true ? [] : elsewhere),
      { where: name, texts: setting.default },
    ];
    const { where, texts } = sources.find(({ texts }) => texts !== undefined) ?? { where: name };
    return [name, valueOf(where, setting, [texts ?? []].flat())] as const;
  });
  return { values: Object.fromEntries(values) as Values<S>, args: positionals };
}

/** What one source gives for a setting, and what that source is called in errors. */
interface Source {
  readonly where: string;
  readonly texts?: string | readonly string[] | undefined;
}

function valueOf(where: string, { value, many, choices }: Setting, given: readonly string[]): Value<Setting> {
  if (value === undefined) return readSwitch(where, given.at(-1) ?? 'false');
  for (const text of given) checkChoice(where, text, choices);
  return many === true ? given : given.at(-1);
}

function readSwitch(where: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ConfigurationError(`${where} is a switch: true or false, not ${JSON.stringify(text)}`);
}

/** @throws ConfigurationError when there are choices, and the text is none of them. */
export function checkChoice(name: string, text: string, choices: readonly string[] = [text]): void {
  if (choices.includes(text)) return;
  const all = [choices.slice(0, -1).join(', '), ...choices.slice(-1)].filter((part) => part !== '');
  throw new ConfigurationError(`${name}: ${JSON.stringify(text)} is not ${all.join(' or ')}`);
}

/** `batch-age` is `STELE_BATCH_AGE` in the environment. */
export function environmentName(name: string): string {
  return `STELE_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Flags, strictly, and as text: cac itself would turn what looks like a number into one, with loss. */
function readFlags(
  settings: Settings,
  args: readonly string[],
): { flags: Readonly<Record<string, readonly string[] | undefined>>; positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(settings).flatMap(([name, { value, secret }]) => {
      if (secret === true) return [];
      const type = value === undefined ? ('boolean' as const) : ('string' as const);
      return [[name, { type, multiple: true }] as const];
    }),
  );
  const given = { args: [...args], options, allowPositionals: true };
  for (const token of parseArgs({ ...given, strict: false, tokens: true }).tokens) {
    if (token.kind !== 'option' || Object.hasOwn(options, token.name)) continue;
    if (settings[token.name]?.secret === true) {
      throw new ConfigurationError(
        `${token.rawName} is no flag, which everybody on this machine could read: put it into ${environmentName(token.name)}`,
      );
    }
    const meant = nearest(token.name, [...Object.keys(options), 'help']);
    throw new ConfigurationError(
      `there is no option ${token.rawName}${meant === undefined ? ' here: --help lists them' : `: did you mean --${meant}?`}`,
    );
  }
  try {
    const { values, positionals } = parseArgs({ ...given, strict: true });
    const flags = Object.entries(values).map(([name, texts]) => [name, texts?.map(String)] as const);
    return { flags: Object.fromEntries(flags), positionals };
  } catch (error) {
    // Node's advice is on lines of its own.
    throw new ConfigurationError(messageOf(error).replaceAll('\n', ' '));
  }
}

/** The settings in a file, as texts: checked by hand, for zod would cost each command half of its start. */
async function readFileSettings(
  settings: Settings,
  file: string,
  known: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const refuse = (why: string) => new ConfigurationError(`the configuration file ${file}: ${why}`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw refuse(messageOf(error));
  });
  let value: unknown;
  try {
    value = parseJson(bytes, 'it', DOCUMENT_LIMITS);
  } catch (error) {
    throw error instanceof FormatError ? refuse(error.message) : error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(WRONG_SHAPE);
  const names = [...Object.keys(settings).filter((name) => settings[name]?.flagOnly !== true), ...known];
  const texts = Object.entries(value).map(([name, given]: [string, unknown]) => {
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      const suggestion = meant === undefined ? '' : `: did you mean ${JSON.stringify(meant)}?`;
      throw refuse(`it has ${JSON.stringify(name)}, which is no setting${suggestion}`);
    }
    if (Array.isArray(given) && Object.hasOwn(settings, name) && settings[name]?.many !== true) {
      throw refuse(`${JSON.stringify(name)} takes one value, not an array`);
    }
    const several: unknown[] = [given].flat();
    if (!several.every((one) => ['string', 'number', 'boolean'].includes(typeof one)))
      throw refuse(WRONG_SHAPE);
    return [name, several.map(String)] as const;
  });
  return Object.fromEntries(texts);
}

const WRONG_SHAPE = 'it is not one JSON object of texts, numbers and switches, or arrays of them';

/** Reads one value, saying which setting it is of when it does not fit. */
export function parseSetting<T>(name: string, value: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(`--${name}: ${error.message}`);
  }
}
