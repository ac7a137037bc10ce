/**
 * Runs the command that a command line names: reads what it is given, and turns what it throws into a line and an exit
 * code. Nothing is printed before all of the line is read.
 * @module
 */
import { ConfigurationError, messageOf, SteleError, UnreachableError } from '../src/errors.js';
import { systemMessage } from '../src/node/system-error.js';
import { InconsistentLogError, StateError } from '../reader/errors.js';
import type { Source } from './alternatives.js';
import { checkArguments, givenArguments, optionsOf, type Command } from './command.js';
import {
  doubtIn,
  flagsOf,
  HELP,
  isGiven,
  readCommandLine,
  VERSION,
  type CommandLine,
} from './command-line.js';
import { COMMANDS } from './commands.js';
import { environmentName, SettingError } from './configuration.js';
import { printHelp, printVersion } from './help.js';
import { readSettings, unknownVariables } from './read-settings.js';
import { nearest } from './suggestion.js';
import { plain, type Terminal } from './terminal.js';

/** The options of all commands: whether each takes a value. An option is of one kind wherever it is. */
const OPTIONS: ReadonlyMap<string, boolean> = new Map(
  Object.values(COMMANDS)
    .flatMap((command) => optionsOf(command))
    .map(([name, { value }]) => [`--${name}`, value !== undefined] as const),
);

/** What a configuration file may hold, and the environment: the settings of all commands. */
const SHARED_SETTINGS = Object.values(COMMANDS).flatMap(({ settings }) =>
  Object.entries(settings).flatMap(([name, { flagOnly }]) => (flagOnly === true ? [] : [name])),
);

/**
 * Runs what the words of a command line say.
 * @returns the exit code.
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
    isJson: command !== undefined && asksJson(line, command, environment),
  };
  try {
    if (name === undefined) return runAlone(line, terminal);
    if (command === undefined) throw noCommand(name);
    const flags = flagsOf(line, Object.fromEntries(optionsOf(command)));
    if (isGiven(line, HELP)) {
      printHelp(COMMANDS, name, terminal.width);
      return 0;
    }
    const args = line.places.slice(1);
    checkArguments(name, command, args);
    const { values, sources } = await readSettings(command.settings, flags, environment, {
      known: SHARED_SETTINGS,
      alternatives: command.alternatives ?? [],
      places: givenArguments(command, args),
    });
    known.isJson = values['format'] === 'json';
    known.sources = sources;
    if (Object.keys(command.settings).length > 0) {
      for (const warning of unknownVariables(environment, SHARED_SETTINGS))
        terminal.err(`stele: ${plain(warning)}`);
    }
    const runCommand = await command.load();
    return await runCommand({
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
    ...HELP,
    ...VERSION,
  ]);
  if (isGiven(line, HELP)) printHelp(COMMANDS, undefined, terminal.width);
  else if (isGiven(line, VERSION)) printVersion(COMMANDS);
  else throw new ConfigurationError('give a command: stele --help lists them');
  return 0;
}

function noCommand(given: string): ConfigurationError {
  const meant = nearest(given, Object.keys(COMMANDS));
  return new ConfigurationError(
    `there is no command ${JSON.stringify(given)}: ${meant === undefined ? 'stele --help lists them' : `did you mean ${meant}?`}`,
  );
}

/** What is known of a command line when something goes wrong. */
interface Known {
  readonly line: CommandLine;
  sources: Readonly<Record<string, Source>>;
  isJson: boolean;
}

/** Whether an error on the way to the settings is to be said as JSON too. */
function asksJson({ options }: CommandLine, { settings }: Command, environment: NodeJS.ProcessEnv): boolean {
  const given = options.findLast(({ word }) => word === '--format');
  const format = given === undefined ? environment[environmentName('format')] : given.value;
  return format === 'json' && Object.hasOwn(settings, 'format');
}

/** Says what went wrong. @returns the exit code. */
function report(error: unknown, { line, sources, isJson }: Known, terminal: Terminal): number {
  const code = error instanceof ConfigurationError ? 2 : error instanceof UnreachableError ? 3 : 1;
  const doubt = code === 2 ? doubtIn(line, isOption) : undefined;
  // Much of it may be what others sent.
  const message = plain(`${told(error, sources)}${doubt === undefined ? '' : ` (${doubt})`}`);
  if (isJson) terminal.json({ error: { code, message } });
  terminal.err(`stele: ${message}`);
  return code;
}

function told(error: unknown, sources: Known['sources']): string {
  if (error instanceof SettingError) return error.from(sources);
  if (error instanceof InconsistentLogError) return withEvidence(error);
  if (error instanceof StateError) return `${error.message}. ${ELSEWHERE}`;
  if (error instanceof SteleError) return error.message;
  return systemMessage(error) ?? `unexpected error: ${messageOf(error)}`;
}

function isOption(word: string): boolean {
  return OPTIONS.has(word) || HELP.includes(word) || VERSION.includes(word);
}

const ELSEWHERE =
  'Give another folder with --state (or XDG_STATE_HOME), or remember nothing with --store_tree_state=false';

function withEvidence({ message, evidence, code }: InconsistentLogError): string {
  const advice = code === 'rekeyed' ? '. --state DIR remembers another log of that name elsewhere' : '';
  return `${message}${advice}. Both checkpoints are in ${evidence}: keep them, and ask whoever runs the log`;
}

/** A word as a shell reads it. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
