/**
 * Where commands print: results on standard output, everything else on standard error.
 * @module
 */
import { SingleBar } from 'cli-progress';
import picocolors from 'picocolors';
import { reasonOf } from '../src/node/system-error.js';

export interface Terminal {
  /** Prints lines of the result. */
  readonly out: (text: string) => void;
  /** Prints a line that is not the result. On a terminal it is broken between words, elsewhere it stays one line. */
  readonly err: (text: string) => void;
  /** Prints a value as one line of JSON, as the result. */
  readonly json: (value: unknown) => void;
  /** Characters in a line of standard output; undefined where it is not a terminal. */
  readonly width: number | undefined;
  /** These colour text for `out`, where standard output shows colours. */
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
  /**
   * Shows on standard error how far a long task has come: a bar on a terminal, elsewhere a line every ten seconds.
   * `total` is in the unit of `update`. Has to be stopped.
   */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  update(done: number): void;
  stop(): void;
}

/**
 * Makes text from outside safe to print within a line: control and format characters are escaped, so that it cannot
 * move the cursor, end the line or turn the reading direction, and pass for a message of the command.
 */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** Lines of at most `width` characters, unless a word is longer. The lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${word}`;
    if (last !== undefined && joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(last === undefined ? word : `${indent}${word}`);
  }
  return lines;
}

/**
 * What the second and further lines of a message begin with. Without it, a text that a server chose could begin such a
 * line with `stele: `, and pass for a message of the command.
 */
const CONTINUED = '  ';

/** Milliseconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 10_000;

/**
 * The terminal over two streams. When the reader of a stream leaves (`stele … | head -1`), further output to it is
 * dropped, and the command goes on to its end: its exit code still tells how it ended.
 */
export function openTerminal(
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): Terminal {
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      stderr.write(`stele: cannot print: ${reasonOf(error)}\n`);
      process.exit(1);
    });
  }
  const colours = picocolors.createColors(showsColours(stdout, environment));
  const errWidth = stderr.isTTY ? widthOf(stderr, environment) : Infinity;
  const err = (text: string) => {
    stderr.write(`${wrap(text, errWidth, CONTINUED).join('\n')}\n`);
  };
  return {
    out: (text) => {
      stdout.write(`${text}\n`);
    },
    err,
    json: (value) => {
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    width: stdout.isTTY ? widthOf(stdout, environment) : undefined,
    good: colours.green,
    bad: colours.red,
    dim: colours.dim,
    bold: colours.bold,
    progress: (label, total) =>
      stderr.isTTY
        ? progressBar(stderr, widthOf(stderr, environment), label, total)
        : progressLines(err, label, total),
  };
}

/** The width by `COLUMNS`, or else by the terminal, or else 80: some terminals give no width, or 0. */
function widthOf(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): number {
  return [Number(environment['COLUMNS']), stream.columns].find((width) => width > 0) ?? 80;
}

/** picocolors' own detection looks at standard output alone, and takes any CI for a terminal. This looks at `stream`. */
function showsColours(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): boolean {
  if (isSet(environment['NO_COLOR'])) return false;
  if (isSet(environment['FORCE_COLOR'])) return true;
  // For a pipe `isTTY` is undefined, and picocolors would read an undefined answer as "detect it".
  if (!stream.isTTY) return false;
  return environment['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** Characters in a line of progress beside the bar, the label and the two numbers. */
const BESIDE_BAR = 42;
const LONGEST_BAR = 24;

function progressBar(stream: NodeJS.WriteStream, width: number, label: string, total: number): Progress {
  const room = width - BESIDE_BAR - label.length - 2 * String(total).length;
  // cli-progress cuts off what is wider than the terminal: leave the bar out instead.
  const format =
    room < 0
      ? `${label} {percentage}%  {left}`
      : `${label} [{bar}] {percentage}%  {value}/{total}  {rate}/s  {left}`;
  const bar = new SingleBar({
    stream,
    format,
    barsize: Math.max(0, Math.min(LONGEST_BAR, room)),
    clearOnComplete: true,
    // cli-progress would switch line wrap off, and after a Ctrl-C it would stay off.
    linewrap: true,
  });
  const begun = performance.now();
  bar.start(total, 0, { rate: 0, left: '' });
  return {
    update: (done) => {
      const rate = (done * 1000) / Math.max(1, performance.now() - begun);
      const left = done === 0 ? '' : `${durationText(Math.ceil((total - done) / rate))} left`;
      bar.update(done, { rate: Math.round(rate), left });
    },
    stop: () => {
      bar.stop();
    },
  };
}

/** `50 s`, `3 min 5 s`, `2 h 10 min`. */
function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function progressLines(err: (text: string) => void, label: string, total: number): Progress {
  let printed = performance.now();
  return {
    update: (done) => {
      if (performance.now() - printed < LINE_EVERY) return;
      printed = performance.now();
      err(`${label}: ${done} of ${total}`);
    },
    stop: () => undefined,
  };
}
