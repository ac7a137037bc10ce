/**
 * Prints the manual, `docs/cli.md`: `npm run docs`.
 * @module
 */
import { EXIT_CODES, optionsOf, synopsis, type Command } from './command.js';
import { COMMANDS } from './commands.js';
import { environmentName, type Setting } from './settings/setting.js';

function manual(): string {
  return [
    '# stele, the command',
    '<!-- Made by `npm run docs` from the definitions in cli/. Do not edit. -->',
    'A flag wins over the environment, and that over the JSON file that `--config` or `STELE_CONFIG` names, in which a setting has the flag\'s name: `{"timeout": "10s"}`. The file may hold settings of several commands. Durations and sizes carry units: `200ms`, `1s`; `512KiB`, `4MiB`. A switch, which has no value on the command line, is `true`, `false`, `1` or `0` in the environment and in the file: `STELE_NO_CREATE=1`, `{"no-create": true}`. Where the column for the environment says _a flag alone_, the setting is read from its flag and nowhere else.',
    'An option that takes a value takes the word after it, whatever that looks like; after `--` nothing is an option. An option may be given once, unless its description says that it may be repeated. Of settings that stand for one another, such as `--public-key` and `--certificate-identity`, those of the stronger source are read and the others left out. A setting that is a flag alone and stands elsewhere, and a variable that begins with `STELE_` and is no setting, are named in a warning.',
    table(
      ['exit code', 'what'],
      Object.entries(EXIT_CODES).map(([code, what]) => [code, what]),
    ),
    'An error is one line on standard error. With `--format json` it is also `{"error":{"code","message"}}` on standard output, `code` being the exit code.',
    ...Object.entries(COMMANDS).map(([name, command]) => commandSection(name, command)),
  ].join('\n\n');
}

function commandSection(name: string, command: Command): string {
  const { summary, details, arguments: places = [], examples } = command;
  const options = optionsOf(command);
  return [
    `## stele ${name}`,
    `${summary}.`,
    '```\n' + synopsis(name, command) + '\n```',
    ...(details === undefined ? [] : [details]),
    ...(places.length === 0
      ? []
      : [
          table(
            ['argument', 'what'],
            places.map(({ name, description }) => [code(name), description]),
          ),
        ]),
    ...(options.length === 0
      ? []
      : [table(['flag', 'environment', 'default', 'what'], options.map(optionRow))]),
    '```sh\n' + examples.map(({ what, command }) => `# ${what}\n${command}`).join('\n\n') + '\n```',
  ].join('\n\n');
}

function optionRow([name, setting]: readonly [string, Setting]): string[] {
  const { value, description, default: fallback, many, flagOnly, secret } = setting;
  return [
    secret === true ? '' : code(value === undefined ? `--${name}` : `--${name} ${value}`),
    flagOnly === true ? '_a flag alone_' : code(environmentName(name)),
    fallback === undefined ? '' : code(fallback),
    many === true ? `${description}; may be repeated` : description,
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heading, heading.map(() => '-'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

console.log(manual());
