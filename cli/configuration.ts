/**
 * Where a command's settings come from: flags, then `STELE_…` in the environment, then one JSON file, then defaults.
 * Each setting has one name everywhere.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ConfigurationError, messageOf } from '../src/errors.js';
import { parseJson } from '../src/json.js';
import { FormatError } from '../tiles-spec/index.js';

/** One setting of a command. */
export interface Setting {
  /** What its value is called in help; none for a switch. */
  readonly value?: string;
  readonly description: string;
  /** In the form that a user would write; none where it has to be given or may be absent. */
  readonly default?: string;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The values given, by setting; 'true' for a switch that is on. */
export type Values<S extends Settings> = { readonly [name in keyof S]: string | undefined };

/** The file that `--config` names. */
export const CONFIG: Setting = {
  value: 'FILE',
  description: 'a JSON file of these settings, by the same names',
};

/** Reads a command's settings. @throws ConfigurationError naming the setting, and where it was given. */
export async function readSettings<S extends Settings>(
  settings: S,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Values<S>> {
  const flags = readFlags({ ...settings, config: CONFIG }, args);
  const file = flags['config'] ?? environment[environmentName('config')];
  const configured = file === undefined ? {} : await readFileSettings(settings, file);
  const given = (name: string): string | undefined =>
    flags[name] ?? environment[environmentName(name)] ?? configured[name] ?? settings[name]?.default;
  const values = Object.keys(settings).map((name) => [name, given(name)] as const);
  for (const [name, value] of values) {
    if (settings[name]?.value === undefined && value !== undefined && !/^(true|false)$/.test(value)) {
      throw new ConfigurationError(`${name} is a switch: true or false, not ${JSON.stringify(value)}`);
    }
  }
  return Object.fromEntries(values) as Values<S>;
}

/** `batch-age` is `STELE_BATCH_AGE` in the environment. */
export function environmentName(name: string): string {
  return `STELE_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Flags, strictly, and as text: cac itself would turn what looks like a number into one, with loss. */
function readFlags(settings: Settings, args: readonly string[]): Record<string, string | undefined> {
  const options = Object.entries(settings).map(
    ([name, { value }]) =>
      [name, { type: value === undefined ? ('boolean' as const) : ('string' as const) }] as const,
  );
  try {
    const { values } = parseArgs({ args: [...args], options: Object.fromEntries(options), strict: true });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  } catch (error) {
    throw new ConfigurationError(messageOf(error));
  }
}

const fileSchema = z.record(
  z.string(),
  z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]),
);

async function readFileSettings(settings: Settings, file: string): Promise<Record<string, string>> {
  const refuse = (why: string) => new ConfigurationError(`the configuration file ${file}: ${why}`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw refuse(String(error));
  });
  let value: unknown;
  try {
    value = parseJson(bytes, 'it');
  } catch (error) {
    throw error instanceof FormatError ? refuse(error.message) : error;
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw refuse('it is not one JSON object of texts, numbers and switches');
  const unknown = Object.keys(parsed.data).find((name) => !Object.hasOwn(settings, name));
  if (unknown !== undefined) throw refuse(`it has ${JSON.stringify(unknown)}, which is no setting`);
  return parsed.data;
}

/** Reads one value, saying which setting it is of when it does not fit. */
export function parseSetting<T>(name: string, value: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(`--${name}: ${error.message}`);
  }
}
