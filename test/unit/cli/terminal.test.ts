/**
 * What commands print by, over streams that are terminals and streams that are not.
 */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTerminal } from '#cli/terminal.js';

/** A terminal, or not, and what was written to it. */
function open(isTTY: boolean, environment: NodeJS.ProcessEnv = {}) {
  const streams = [new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY, columns: 100 } as unknown as NodeJS.WriteStream),
  );
  const [stdout, stderr] = streams as unknown as [NodeJS.WriteStream, NodeJS.WriteStream];
  const read = (stream: NodeJS.WriteStream) => String(stream.read() ?? '');
  return {
    terminal: openTerminal(stdout, stderr, environment),
    out: () => read(stdout),
    err: () => read(stderr),
  };
}

it('prints results on one stream, and all else on the other', () => {
  const { terminal, out, err } = open(false);
  terminal.out('a');
  terminal.json({ b: [1] });
  terminal.err('c');
  expect([out(), err()]).toStrictEqual(['a\n{"b":[1]}\n', 'c\n']);
});

describe('colour', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [false, { CI: 'true' }, false],
    [true, { TERM: 'dumb' }, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('terminal: %j, environment: %j', (isTTY, environment, coloured) => {
    const { terminal } = open(isTTY, environment);
    for (const paint of [terminal.good, terminal.bad, terminal.dim, terminal.bold]) {
      // eslint-disable-next-line no-control-regex
      expect(paint('x')).toMatch(coloured ? /^\x1b\[[0-9]+mx\x1b\[[0-9]+m$/ : /^x$/);
    }
  });
});

describe('progress', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is a bar on a terminal, which is gone afterwards', () => {
    const { terminal, out, err } = open(true);
    const progress = terminal.progress('entries', 200);
    vi.advanceTimersByTime(2_000);
    progress.update(50);
    vi.advanceTimersByTime(1_000);
    expect(err()).toMatch(/entries \[=+-+\] 25% {2}50\/200 {2}25\/s {2}6 s left/);
    progress.stop();
    expect(out()).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is a line every ten seconds elsewhere', () => {
    const { terminal, err } = open(false);
    const progress = terminal.progress('entries', 200);
    progress.update(1);
    vi.advanceTimersByTime(10_000);
    progress.update(2);
    progress.update(3);
    vi.advanceTimersByTime(10_000);
    progress.update(4);
    progress.stop();
    expect(err()).toBe('entries: 2 of 200\nentries: 4 of 200\n');
  });
});
