/**
 * The pages of help, made from the commands' definitions, and printed by cac.
 * @module
 */
import { cac } from 'cac';
import { EXIT_CODES, optionGroups, synopsis, type Command, type Commands } from './command.js';
import { PACKAGE_VERSION } from './package-version.js';
import { environmentName, type Setting } from './settings/setting.js';
import { wrap } from './terminal.js';

/** A part of a page, as cac has it. */
interface Section {
  title?: string;
  body: string;
}

/** The width of paragraphs. */
const WIDTH = 96;

/** Prints the page of a command, or of `stele` itself, for `width` characters a line if that is given. */
export function printHelp(commands: Commands, name?: string, width?: number): void {
  printByCac(commands, [...(name === undefined ? [] : [name]), '--help'], width);
}

/** Prints the version, for `stele --version`. */
export function printVersion(commands: Commands): void {
  printByCac(commands, ['--version']);
}

/** Cac reads only these words. What a user types is read in `command-line.ts`, which is stricter. */
function printByCac(commands: Commands, words: readonly string[], width?: number): void {
  const cli = cac('stele');
  for (const [name, { summary }] of Object.entries(commands)) cli.command(name, summary);
  cli.help(() => {
    const name = cli.matchedCommandName;
    const command = name === undefined ? undefined : commands[name];
    return name === undefined || command === undefined
      ? overview(commands, width)
      : commandSections(name, command, width);
  });
  cli.version(PACKAGE_VERSION);
  cli.parse(['', '', ...words], { run: false });
}

function overview(commands: Commands, width?: number): Section[] {
  return [
    { body: `stele/${PACKAGE_VERSION}: a signature transparency log on static tiles` },
    { title: 'Usage', body: '  $ stele COMMAND [options]' },
    {
      title: 'Commands',
      body: columns(
        Object.entries(commands).map(([name, { summary }]) => [name, summary]),
        width,
      ),
    },
    {
      body: wrap(
        'stele help COMMAND, or stele COMMAND --help, says more. A flag wins over the environment, and that over the file that --config names.',
        Math.min(width ?? WIDTH, WIDTH),
      ).join('\n'),
    },
    { title: 'Exit codes', body: columns(Object.entries(EXIT_CODES), width) },
  ];
}

function commandSections(name: string, command: Command, width?: number): Section[] {
  const { summary, details, arguments: places = [], examples } = command;
  const about = [`${summary}.`, ...(details?.split('\n\n') ?? [])]
    .map((text) => paragraph(text, Math.min(width ?? WIDTH, WIDTH)))
    .join('\n\n');
  const described = places.map(({ name, description }) => [name, description] as const);
  return [
    { body: `stele/${PACKAGE_VERSION}` },
    { title: 'Usage', body: `  $ ${synopsis(name, command)}\n\n${about}` },
    ...(described.length === 0 ? [] : [{ title: 'Arguments', body: columns(described, width) }]),
    ...[...optionGroups(command)].map(([title, options]) => ({
      title,
      body: columns(options.map(optionLine), width),
    })),
    {
      title: 'Examples',
      body: examples.map(({ what, command }) => `  # ${what}\n  $ ${command}`).join('\n\n'),
    },
    { title: 'Exit codes', body: columns(Object.entries(EXIT_CODES), width) },
  ];
}

function optionLine([name, setting]: readonly [string, Setting]): readonly [string, string] {
  const { value, description, default: fallback, many, flagOnly, secret } = setting;
  if (secret === true) return [environmentName(name), description];
  const given = fallback === undefined ? '' : ` (default: ${fallback})`;
  const source = flagOnly === true ? 'as a flag alone' : environmentName(name);
  return [
    flagOf(name, value),
    `${description}${many === true ? '; may be repeated' : ''}${given} [${source}]`,
  ];
}

function flagOf(name: string, value: string | undefined): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

/** The second column is at least so many characters wide; where fewer are left, its text goes below the first column. */
const LEAST = 30;

/** Two columns. The first is as wide as its longest text; the second is broken into lines to fit `width`. */
function columns(rows: readonly (readonly [string, string])[], width = Infinity): string {
  const left = Math.max(...rows.map(([text]) => text.length));
  const room = width - left - 4;
  return rows
    .flatMap(([first, second]) => {
      const isBelow = room < LEAST;
      const indent = ' '.repeat(isBelow ? 6 : left + 4);
      const lines = wrap(second, isBelow ? width - indent.length : room).map((line) => `${indent}${line}`);
      if (isBelow) return [`  ${first}`, ...lines];
      return [`  ${first.padEnd(left)}  ${(lines[0] ?? '').trimStart()}`, ...lines.slice(1)];
    })
    .join('\n');
}

function paragraph(text: string, width: number): string {
  return wrap(text, width - 2)
    .map((line) => `  ${line}`)
    .join('\n');
}
