/**
 * `stele help`.
 * @module
 */
import { command, type Command } from '../command.js';
import { printHelp } from '../help.js';

/** @param others the other commands, of which help can be asked as of itself. */
export function helpCommandFor(others: readonly string[]): Command {
  return command({
    summary: 'Show help',
    arguments: [
      {
        name: 'COMMAND',
        description: 'what help is for',
        optional: true,
        choices: [...others, 'help'],
      },
    ],
    settings: {},
    examples: [{ what: 'All that upload can do', command: 'stele help upload' }],
    run: ({ args: [name], commands, terminal }) => {
      printHelp(commands, name, terminal.width);
      return 0;
    },
  });
}
