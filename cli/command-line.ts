/**
 * The command line, read once and strictly, by the habits of POSIX and GNU: an option that takes a value takes the rest
 * of its word after `=`, or else the next word, whatever that looks like; after `--` nothing is an option. A word that
 * begins with a dash is one option: `parseArgs` of `node:util` is not used, since it would split the file name `-h.tgz`
 * into options and print help.
 * @module
 */
import { ConfigurationError } from '../src/errors.js';
import { environmentName, type Setting, type Settings } from './settings/setting.js';
import { nearest } from './suggestion.js';

/** An option as it stands on the command line. */
export interface GivenOption {
  /** As it was typed, without a value: `--artifact`, `-h`. */
  readonly word: string;
  readonly value?: string | undefined;
  /** The value was the word after it. */
  readonly isNextWord?: true;
}

/** A command line, read. `flagsOf` checks that the command has the options. */
export interface CommandLine {
  /** The words that are no options, in their order: the command, then its arguments. */
  readonly places: readonly string[];
  readonly options: readonly GivenOption[];
}

/** The texts given for each setting, by its name. A switch that is given has the text `true`. */
export type Flags = Readonly<Record<string, readonly string[] | undefined>>;

/** Options that every command has, and `stele` by itself. */
export const HELP_OPTIONS: readonly string[] = ['-h', '--help'];
/** Options of `stele` by itself. */
export const VERSION_OPTIONS: readonly string[] = ['-v', '--version'];

/**
 * Reads the words of a command line. Any words can be read.
 * @param takesValue whether an option takes a value, in whichever command: options may come before the command.
 */
export function readCommandLine(
  words: readonly string[],
  takesValue: (word: string) => boolean,
): CommandLine {
  const places: string[] = [];
  const options: GivenOption[] = [];
  for (let at = 0; at < words.length; at++) {
    const given = words[at] ?? '';
    if (given === '--') {
      places.push(...words.slice(at + 1));
      break;
    }
    if (!given.startsWith('-') || given === '-') {
      places.push(given);
      continue;
    }
    const [, word = given, value] = /^(--[^=]+)=([^]*)$/.exec(given) ?? [];
    const hasNext = value === undefined && takesValue(word) && at + 1 < words.length;
    options.push(hasNext ? { word, value: words[++at], isNextWord: true } : { word, value });
  }
  return { places, options };
}

/** Whether one of the options is given. A value of another option does not count, nor a word after `--`. */
export function isGiven({ options }: CommandLine, words: readonly string[]): boolean {
  return options.some(({ word }) => words.includes(word));
}

/**
 * The options of a command line by their settings.
 * @param others options that are no settings, and take no value.
 * @throws ConfigurationError where there is no such option, its value is missing, a switch has one, or an option that may
 *   not be repeated has two values.
 */
export function flagsOf(
  { options }: CommandLine,
  settings: Settings,
  others: readonly string[] = HELP_OPTIONS,
): Flags {
  const flags: Record<string, string[]> = {};
  for (const { word, value } of options) {
    if (others.includes(word)) {
      if (value !== undefined) throw new ConfigurationError(`${word} takes no value`);
      continue;
    }
    const name = settingNameOf(word, settings);
    if (name !== undefined && settings[name]?.secret === true) throw noFlag(word, name);
    if (name === undefined) throw noOption(word, settings, others);
    const texts = (flags[name] ??= []);
    const text = textOf(word, value, settings[name]);
    const [other = text] = texts;
    if (text !== other && settings[name]?.many !== true)
      throw new ConfigurationError(`${word} is given twice, as ${other} and as ${text}: give it once`);
    texts.push(text);
  }
  return flags;
}

/**
 * Explains, for an error message, that an option has taken another option for its value. The rules allow that, but a
 * user seldom means it.
 * @returns undefined where no option has.
 */
export function doubtIn({ options }: CommandLine, isOption: (word: string) => boolean): string | undefined {
  const doubtful = options.find(
    ({ value, isNextWord }) => isNextWord === true && isOption(value?.replace(/=[^]*/, '') ?? ''),
  );
  if (doubtful === undefined) return undefined;
  const { word, value = '' } = doubtful;
  return `${word} has taken the word after it, ${value}, for its value: give it one before ${value}`;
}

function noFlag(word: string, name: string): ConfigurationError {
  return new ConfigurationError(
    `${word} is no flag, which everybody on this machine could read: put it into ${environmentName(name)}`,
  );
}

function settingNameOf(word: string, settings: Settings): string | undefined {
  const name = word.startsWith('--') ? word.slice(2) : '';
  return Object.hasOwn(settings, name) ? name : undefined;
}

function textOf(word: string, value: string | undefined, setting: Setting | undefined): string {
  const kind = setting?.value;
  if (kind === undefined) {
    if (value !== undefined) throw new ConfigurationError(`${word} is a switch: it takes no value`);
    return 'true';
  }
  if (value === undefined) throw new ConfigurationError(`${word} takes a value: ${word} ${kind}`);
  return value;
}

function noOption(word: string, settings: Settings, others: readonly string[]): ConfigurationError {
  if (!word.startsWith('--')) {
    return new ConfigurationError(
      `there is no option ${word} here: --help lists them. A file of that name is given as ./${word}, or after --`,
    );
  }
  const names = [...Object.keys(settings), ...others.map((other) => other.replace(/^-+/, ''))];
  const meant = nearest(word.slice(2), names);
  return new ConfigurationError(
    `there is no option ${word}${meant === undefined ? ' here: --help lists them' : `: did you mean --${meant}?`}`,
  );
}
