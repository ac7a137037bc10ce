#!/usr/bin/env node
/**
 * The `stele` command: finds the command that is meant, reads what it is given, runs it, and turns what it throws into
 * a line and an exit code.
 * @module
 */
import {
  ClaimLostError,
  ConfigurationError,
  DamagedStoreError,
  InvalidEntryError,
  messageOf,
  StartRefusedError,
  UnreachableError,
} from '../src/errors.js';
import { InconsistentLogError, StateError, UnexpectedAnswerError } from '../reader/errors.js';
import { FormatError, ProofError } from '../tiles-spec/errors.js';
import { checkArguments, synopsis } from './command.js';
import { COMMANDS } from './commands.js';
import { environmentName, readSettings } from './configuration.js';
import { commandLine } from './help.js';
import { nearest } from './suggestion.js';
import { openTerminal, plain, type Terminal } from './terminal.js';

// On Node 20 the AWS SDK would tell whoever has a log in S3 that it wants a newer one: that is for who makes the command.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** Errors whose message is all that a user needs. */
const EXPECTED = [
  ClaimLostError,
  ConfigurationError,
  DamagedStoreError,
  FormatError,
  InconsistentLogError,
  InvalidEntryError,
  ProofError,
  StartRefusedError,
  StateError,
  UnexpectedAnswerError,
  UnreachableError,
];

/** What a configuration file may hold: the settings of all commands. */
const FILE_SETTINGS = Object.values(COMMANDS).flatMap(({ settings }) =>
  Object.entries(settings).flatMap(([name, { flagOnly }]) => (flagOnly === true ? [] : [name])),
);

async function main(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const cli = commandLine(COMMANDS, terminal.width);
  const { args, options } = cli.parse([...argv], { run: false });
  const name = cli.matchedCommandName;
  if (name === undefined && (options['help'] === true || options['version'] === true)) return 0;
  const command = name === undefined ? undefined : COMMANDS[name];
  // A guess, for an error on the way to the settings.
  const format: unknown = options['format'] ?? environment[environmentName('format')];
  let json = format === 'json' && command !== undefined && Object.hasOwn(command.settings, 'format');
  try {
    if (name === undefined || command === undefined) throw noCommand(args[0]);
    const given = await readSettings(command.settings, argv.slice(2), environment, FILE_SETTINGS);
    json = given.values['format'] === 'json';
    const [first, ...places] = given.args;
    if (first !== name) throw new ConfigurationError(`give the command first: ${synopsis(name, command)}`);
    checkArguments(name, command, places);
    const run = await command.load();
    return await run({ values: given.values, args: places, environment, terminal, commands: COMMANDS });
  } catch (error) {
    return report(error, terminal, json);
  }
}

function noCommand(given: string | undefined): ConfigurationError {
  if (given === undefined) return new ConfigurationError('give a command: stele --help lists them');
  const meant = nearest(given, Object.keys(COMMANDS));
  return new ConfigurationError(
    `there is no command ${JSON.stringify(given)}: ${meant === undefined ? 'stele --help lists them' : `did you mean ${meant}?`}`,
  );
}

/** Says what went wrong. Returns the exit code. */
function report(error: unknown, terminal: Terminal, json: boolean): number {
  const expected = EXPECTED.some((type) => error instanceof type);
  const told = error instanceof InconsistentLogError ? withEvidence(error) : messageOf(error);
  // Much of it may be what others sent.
  const message = plain(expected ? told : `unexpected error: ${told}`);
  const code = error instanceof ConfigurationError ? 2 : error instanceof UnreachableError ? 3 : 1;
  if (json) terminal.json({ error: { code, message } });
  terminal.err(`stele: ${message}`);
  return code;
}

function withEvidence({ message, evidence }: InconsistentLogError): string {
  return `${message}. Both checkpoints are in ${evidence}: keep them, and ask whoever runs the log`;
}

process.exitCode = await main(
  process.argv,
  process.env,
  openTerminal(process.stdout, process.stderr, process.env),
);
