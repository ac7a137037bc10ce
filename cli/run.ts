/**
 * Runs the command that a command line names: reads its settings, and turns its errors into a line and an exit code.
 * Nothing is printed before all of the command line is read.
 * @module
 */
import {
  ConfigurationError,
  messageOf,
  SteleError,
  UnreachableError,
  type ErrorCode,
} from '../src/errors.js';
import { systemMessage } from '../src/node/system-error.js';
import { InconsistentLogError, StateError } from '../reader/errors.js';
import type { Source } from './settings/alternatives.js';
import { checkArguments, givenArguments, optionsOf, type Command } from './command.js';
import {
  doubtIn,
  flagsOf,
  HELP_OPTIONS,
  isGiven,
  readCommandLine,
  VERSION_OPTIONS,
  type CommandLine,
} from './command-line.js';
import { COMMANDS } from './commands.js';
import { environmentName, SettingError, type KnownSettings, type Setting } from './settings/setting.js';
import { printHelp, printVersion } from './help.js';
import { readSettings } from './settings/read-settings.js';
import { nearest } from './suggestion.js';
import { plain, type Terminal } from './terminal.js';
import { VerdictError } from './verdict.js';

/** Whether each option of any command takes a value. All commands that have an option agree on that. */
const OPTIONS: ReadonlyMap<string, boolean> = new Map(
  Object.values(COMMANDS)
    .flatMap((command) => optionsOf(command))
    .map(([name, { value }]) => [`--${name}`, value !== undefined] as const),
);

const ALL_SETTINGS = Object.values(COMMANDS).flatMap(({ settings }) => Object.entries<Setting>(settings));
const namesOf = (isFlagAlone: boolean) =>
  ALL_SETTINGS.filter(([, { flagOnly }]) => (flagOnly === true) === isFlagAlone).map(([name]) => name);
const KNOWN_SETTINGS: KnownSettings = { shared: namesOf(false), flagsAlone: namesOf(true) };

/**
 * Runs a command line. Never throws.
 * @param words the command line, without the program's name.
 * @returns the exit code: 0, or as `exitCodeOf` and the command have it.
 */
export async function run(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const line = readCommandLine(words, (word) => OPTIONS.get(word) === true);
  const [name] = line.places;
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const known: Known = {
    line,
    sources: {},
    isJson: asksJson(line, command, environment),
  };
  try {
    if (name === undefined) return runAlone(line, terminal);
    if (command === undefined) throw noCommand(name);
    const flags = flagsOf(line, Object.fromEntries(optionsOf(command)));
    if (isGiven(line, HELP_OPTIONS)) {
      printHelp(COMMANDS, name, terminal.width);
      return 0;
    }
    const args = line.places.slice(1);
    checkArguments(name, command, args);
    const { values, sources, warnings } = await readSettings(command.settings, flags, environment, {
      known: KNOWN_SETTINGS,
      alternatives: command.alternatives ?? [],
      places: givenArguments(command, args),
    });
    known.isJson = values['format'] === 'json';
    known.sources = sources;
    for (const warning of warnings) terminal.err(`stele: ${plain(warning)}`);
    return await command.run({
      values,
      args,
      line: ['stele', ...words].map(shellWord).join(' '),
      environment,
      terminal,
      commands: COMMANDS,
    });
  } catch (error) {
    return report(error, known, terminal);
  }
}

/** `stele` without a command. */
function runAlone(line: CommandLine, terminal: Terminal): number {
  flagsOf({ ...line, options: line.options.filter(({ word }) => !OPTIONS.has(word)) }, {}, [
    ...HELP_OPTIONS,
    ...VERSION_OPTIONS,
  ]);
  if (isGiven(line, HELP_OPTIONS)) printHelp(COMMANDS, undefined, terminal.width);
  else if (isGiven(line, VERSION_OPTIONS)) printVersion(COMMANDS);
  else throw new ConfigurationError('give a command: stele --help lists them');
  return 0;
}

function noCommand(given: string): ConfigurationError {
  const meant = nearest(given, Object.keys(COMMANDS));
  return new ConfigurationError(
    `there is no command ${JSON.stringify(given)}: ${meant === undefined ? 'stele --help lists them' : `did you mean ${meant}?`}`,
  );
}

/** What is known of a command line by the time that something goes wrong. */
interface Known {
  readonly line: CommandLine;
  sources: Readonly<Record<string, Source>>;
  isJson: boolean;
}

/**
 * Whether an error that comes before the settings are read is printed as JSON too.
 * @param command undefined where the command line names none that there is.
 */
function asksJson(
  { options }: CommandLine,
  command: Command | undefined,
  environment: NodeJS.ProcessEnv,
): boolean {
  const given = options.findLast(({ word }) => word === '--format');
  const format = given === undefined ? environment[environmentName('format')] : given.value;
  return format === 'json' && (command === undefined || Object.hasOwn(command.settings, 'format'));
}

/** Prints what went wrong, in one line. @returns the exit code. */
function report(error: unknown, { line, sources, isJson }: Known, terminal: Terminal): number {
  const code = exitCodeOf(error);
  const doubt = code === 2 ? doubtIn(line, isOption) : undefined;
  // A server may have put control characters into the message.
  const message = plain(`${told(error, sources)}${doubt === undefined ? '' : ` (${doubt})`}`);
  const result = error instanceof VerdictError ? error.result : {};
  if (isJson) terminal.json({ ...result, error: { code, message } });
  terminal.err(`stele: ${message}`);
  return code;
}

/** 2: the user gave something that cannot be used. 3: something cannot be reached. 1: anything else. */
function exitCodeOf(error: unknown): 1 | 2 | 3 {
  // The folder of `--state` is a setting, as those are that name an output. But a log that contradicts itself is worse.
  if (error instanceof StateError) return error.cause instanceof InconsistentLogError ? 1 : 2;
  if (error instanceof ConfigurationError) return 2;
  return error instanceof UnreachableError ? 3 : 1;
}

/** The message of an error with the advice that only a command can give. Never a stack trace. */
function told(error: unknown, sources: Known['sources']): string {
  if (error instanceof SettingError) return error.from(sources);
  if (error instanceof InconsistentLogError)
    return `${error.message}${ADVICE[error.code] ?? ''}${kept(error)}`;
  if (error instanceof SteleError) return `${error.message}${ADVICE[error.code] ?? ''}`;
  return systemMessage(error) ?? `unexpected error: ${messageOf(error)}`;
}

/** What flags can do about an error, by its code. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  state:
    '. Give another folder with --state (or XDG_STATE_HOME), or remember nothing with --store_tree_state=false',
  rekeyed:
    '. Another log of that name is remembered elsewhere with --state DIR, and not at all with --store_tree_state=false',
};

function kept({ code, evidence }: InconsistentLogError): string {
  // Of a command that remembers nothing, memory ends with it.
  if (evidence === 'memory')
    return '. Both checkpoints are lost with this command: to keep them, run it without --store_tree_state=false';
  const where = `. Both checkpoints are in ${evidence}`;
  // Another key need not be a contradiction, and the message says already what to ask the operator.
  return code === 'rekeyed' ? where : `${where}: keep them, and ask the log's operator`;
}

function isOption(word: string): boolean {
  return OPTIONS.has(word) || HELP_OPTIONS.includes(word) || VERSION_OPTIONS.includes(word);
}

/** A word, quoted where a shell would take it apart. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
