/**
 * What a command of `stele` is: its definition, from which help, the manual and completion are made, and its code.
 * @module
 */
import { ConfigurationError } from '../src/errors.js';
import type { Alternatives } from './settings/alternatives.js';
import { checkText, CONFIG, type Setting, type Settings, type Values } from './settings/setting.js';
import type { Terminal } from './terminal.js';

/** One command. */
export interface Command<S extends Settings = Settings> {
  /** One line, no final period. */
  readonly summary: string;
  /** More than the summary: paragraphs of plain text, with a blank line between. */
  readonly details?: string;
  /** Positional arguments. After an optional argument all are optional, and an argument that may be repeated is the last. */
  readonly arguments?: readonly Argument[];
  readonly settings: S;
  /** Which of its settings and arguments stand for one another. */
  readonly alternatives?: readonly Alternatives[];
  readonly examples: readonly Example[];
  /**
   * Runs the command. Returns the exit code; an error that it throws becomes one line and an exit code in `run.ts`. Code
   * that reads logs, signs or serves is imported in here: every run of `stele` loads all definitions, for help and
   * completion too.
   */
  run(invocation: Invocation<S>): number | Promise<number>;
}

/** A positional argument. */
export interface Argument {
  /** In capitals, as help shows it. */
  readonly name: string;
  readonly description: string;
  readonly optional?: true;
  /** It may be given more than once. */
  readonly many?: true;
  readonly choices?: readonly string[];
  /** Completion offers files. */
  readonly file?: true;
  /** Completion offers folders. */
  readonly folder?: true;
}

export interface Example {
  readonly what: string;
  readonly command: string;
}

/** All commands, by name. */
export type Commands = Readonly<Record<string, Command>>;

/**
 * What a command runs with. Settings and arguments have the declared shape; the command itself checks their meaning.
 */
export interface Invocation<S extends Settings = Settings> {
  readonly values: Values<S>;
  readonly args: readonly string[];
  /** The command line, quoted for a shell. */
  readonly line: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  /** All commands, for help and completion. */
  readonly commands: Commands;
}

/** What the exit codes mean. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'success',
  1: 'it does not verify, is not in the log, cannot be read as a bundle, was refused, or failed',
  2: 'wrong use: a command, a setting, a file or a folder has to be changed',
  3: 'the log, or a file of it, cannot be reached; trying later may help',
};

/** A command's definition, in which `run` knows the values of just these settings. */
export function command<const S extends Settings>(definition: Command<S>): Command<S> {
  return definition;
}

/** `stele verify [BUNDLE] [options]` */
export function synopsis(name: string, { arguments: expected = [], settings }: Command): string {
  const places = expected.map(({ name, optional, many }) => {
    const place = many === true ? `${name}...` : name;
    return optional === true ? `[${place}]` : place;
  });
  const options = Object.keys(settings).length === 0 ? [] : ['[options]'];
  return ['stele', name, ...places, ...options].join(' ');
}

/** A command's options by name: its settings and, where it has any, `--config`. */
export function optionsOf({ settings }: Command): readonly (readonly [string, Setting])[] {
  const own = Object.entries(settings);
  return own.length === 0 ? [] : [...own, ['config', CONFIG]];
}

/** The options that have a flag. A secret has none: everybody on the machine can read command lines. */
export function publicOptionsOf(command: Command): readonly (readonly [string, Setting])[] {
  return optionsOf(command).filter(([, { secret }]) => secret !== true);
}

/** A command's options by their headings in help. */
export function optionGroups(command: Command): ReadonlyMap<string, readonly (readonly [string, Setting])[]> {
  const groups = new Map<string, (readonly [string, Setting])[]>();
  for (const option of optionsOf(command)) {
    const { group = 'Options' } = option[1];
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  return groups;
}

/** The names of the arguments that are given. */
export function givenArguments({ arguments: expected = [] }: Command, args: readonly string[]): string[] {
  return expected.slice(0, args.length).map(({ name }) => name);
}

/** @throws ConfigurationError naming the argument that is missing, surplus, or not among its choices. */
export function checkArguments(name: string, command: Command, args: readonly string[]): void {
  const expected = command.arguments ?? [];
  const missing = expected.find(({ optional }, place) => optional !== true && place >= args.length);
  if (missing !== undefined) {
    throw new ConfigurationError(`${missing.name} is missing: ${synopsis(name, command)}`);
  }
  for (const [place, text] of args.entries()) {
    const last = expected.at(-1);
    const argument = expected[place] ?? (last?.many === true ? last : undefined);
    if (argument === undefined) {
      throw new ConfigurationError(
        `there is no place for the argument ${JSON.stringify(text)}: ${synopsis(name, command)}`,
      );
    }
    checkText(argument.name, text, argument);
  }
}
