/**
 * The file of settings that `--config` names. It is checked by hand: loading zod would double the time that a command
 * takes to start.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../src/json.js';
import { FormatError } from '../../tiles-spec/errors.js';
import { readInput } from '../files.js';
import { nearest } from '../suggestion.js';
import type { KnownSettings, Settings } from './setting.js';

const WRONG_SHAPE = 'it is not one JSON object of texts, numbers and switches, or arrays of them';

/**
 * Reads the settings in a file, as texts.
 * @param settings the command's. @param known other commands' settings, which the file may hold too.
 * @throws ConfigurationError where the file cannot be read, has another shape, or holds a name that is no setting.
 */
export async function readConfigurationFile(
  settings: Settings,
  file: string,
  { shared, flagsAlone }: KnownSettings,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const refuse = (why: string) => new ConfigurationError(`the configuration file ${file}: ${why}`);
  const bytes = await readInput('the configuration file', file);
  let value: unknown;
  try {
    value = parseJson(bytes, 'it', DOCUMENT_LIMITS);
  } catch (error) {
    throw error instanceof FormatError ? refuse(error.message) : error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(WRONG_SHAPE);
  const names = [...Object.keys(settings).filter((name) => settings[name]?.flagOnly !== true), ...shared];
  const texts = Object.entries(value).map(([name, given]: [string, unknown]) => {
    if (!names.includes(name)) {
      if (flagsAlone.includes(name))
        throw refuse(`it has ${JSON.stringify(name)}, but --${name} is a flag alone`);
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
