#!/usr/bin/env node
/**
 * The `stele` command. Exit codes: 0 fine, 1 failed, 2 wrongly used.
 * @module
 */
import { cac } from 'cac';
import {
  ClaimLostError,
  ConfigurationError,
  DamagedStoreError,
  messageOf,
  StartRefusedError,
} from '../src/errors.js';
import { FormatError, ProofError } from '../tiles-spec/index.js';
import { CONFIG, environmentName, type Settings } from './configuration.js';
import { keygen, KEYGEN_SETTINGS } from './keygen.js';
import { serve } from './serve.js';
import { SERVE_SETTINGS } from './serve-settings.js';
import { VERSION } from './version.js';

interface Command {
  readonly description: string;
  readonly settings: Settings;
  readonly run: (args: readonly string[], environment: NodeJS.ProcessEnv) => Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { description: 'Run the log', settings: SERVE_SETTINGS, run: serve },
  keygen: { description: "Make a log's key", settings: KEYGEN_SETTINGS, run: keygen },
};

/** Errors whose message is all that a user needs. */
const EXPECTED = [StartRefusedError, DamagedStoreError, ClaimLostError, FormatError, ProofError];

async function main(argv: readonly string[]): Promise<number> {
  const cli = cac('stele');
  for (const [name, { description, settings }] of Object.entries(COMMANDS)) {
    const command = cli.command(name, description).allowUnknownOptions();
    for (const [setting, { value, description, default: fallback }] of Object.entries({
      ...settings,
      config: CONFIG,
    })) {
      const given = fallback === undefined ? '' : ` (default: ${fallback})`;
      command.option(
        `--${setting}${value === undefined ? '' : ` <${value}>`}`,
        `${description}${given} [${environmentName(setting)}]`,
      );
    }
  }
  cli.help((sections) =>
    // cac says so of every switch that begins with "no".
    sections.map(({ body, ...rest }) => ({ ...rest, body: body.replaceAll(' (default: true)', '') })),
  );
  cli.version(VERSION);
  // cac finds the command and prints help; values it would coerce, so that they are read by `readSettings`.
  const parsed = cli.parse([...argv], { run: false });
  if (parsed.options['help'] === true || parsed.options['version'] === true) return 0;
  const [name = '', ...args] = argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new ConfigurationError(
      name === ''
        ? 'give a command: stele --help lists them'
        : `there is no command ${JSON.stringify(name)}: stele --help lists them`,
    );
  }
  return command.run(args, process.env);
}

main(process.argv).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const message = messageOf(error);
    const expected = error instanceof ConfigurationError || EXPECTED.some((type) => error instanceof type);
    console.error(expected ? `stele: ${message}` : `stele: unexpected error: ${message}`);
    process.exitCode = error instanceof ConfigurationError ? 2 : 1;
  },
);
