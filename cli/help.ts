/**
 * What prints help: cac, with pages made from the commands' definitions.
 * @module
 */
import { cac } from 'cac';
import {
  EXIT_CODES,
  optionGroups,
  synopsis,
  type Command,
  type Commands,
  type Invocation,
} from './command.js';
import { environmentName, type Setting } from './settings/setting.js';
import { VERSION } from './commands/version.js';

/** A part of a page. */
interface Section {
  readonly title?: string;
  readonly body: string;
}

/** The width of paragraphs. */
const WIDTH = 96;

/** Prints the page of a command, or of `stele`, `width` characters a line if that is given. */
export function printHelp(commands: Commands, name?: string, width?: number): void {
  print(commands, [...(name === undefined ? [] : [name]), '--help'], width);
}

/** Prints the version, for `stele --version`. */
export function printVersion(commands: Commands): void {
  print(commands, ['--version']);
}

/** Has cac print. The words are ours: what a user types is read in `command-line.ts`, and nowhere else. */
function print(commands: Commands, words: readonly string[], width?: number): void {
  const cli = cac('stele');
  for (const [name, { summary }] of Object.entries(commands)) cli.command(name, summary);
  cli.help(() => {
    const name = cli.matchedCommandName;
    const command = name === undefined ? undefined : commands[name];
    const sections =
      name === undefined || command === undefined ? overview(commands, width) : page(name, command, width);
    return sections.map((section) => ({ ...section }));
  });
  cli.version(VERSION);
  cli.parse(['', '', ...words], { run: false });
}

/** `stele help`. */
export function help({ args: [name], commands, terminal }: Invocation): number {
  printHelp(commands, name, terminal.width);
  return 0;
}

function overview(commands: Commands, width?: number): Section[] {
  return [
    { body: `stele/${VERSION}: a signature transparency log on static tiles` },
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

function page(name: string, command: Command, width?: number): Section[] {
  const { summary, details, arguments: places = [], examples } = command;
  const about = [`${summary}.`, ...(details?.split('\n\n') ?? [])]
    .map((text) => paragraph(text, Math.min(width ?? WIDTH, WIDTH)))
    .join('\n\n');
  const described = places.map(({ name, description }) => [name, description] as const);
  return [
    { body: `stele/${VERSION}` },
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

/** The least that is left for the second column; where it would be less, that is below the first. */
const LEAST = 30;

/** Two columns, the first as wide as need be. On a terminal of `width` the second one is broken into lines. */
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

/** Lines of at most `width` characters, unless a word is longer. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${word}`;
    if (last !== undefined && joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}
