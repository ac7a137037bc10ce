/**
 * The memory that a server can make a reader use, with decompression bombs and with bundles of the greatest length. The
 * reader is a process of its own, opened by `openLog`, or with `fetch` and only what browsers have.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withFolder } from '../support/daemon.js';
import { filesIn, serveFiles, TestLog, type Fault, type TestServer } from '../support/reader.js';

const LIMIT = 200 * 2 ** 20;
/** The young generation's size in Node 20 and 22. In Node 24 it grows to 128 MB before it is collected. */
const YOUNG_GENERATION = '--max-semi-space-size=16';
const LONGEST_BUNDLE = 256 * (65_535 + 2);

interface Outcome {
  readonly failure?: { name: string; code?: string; path?: string; message: string };
  /** The size of the newest checkpoint seen. */
  readonly size?: string;
  readonly peak: number;
  readonly unhandled: string[];
}

let log: TestLog;
let server: TestServer;

beforeAll(async () => {
  // Eight full entry bundles, more than are read ahead.
  log = await TestLog.of([2048]);
  server = await serveFiles(() => log.files);
});

afterAll(() => server.close());

/** The gzip of `count` times 64 MiB of zeros: 160 make ten thousand million bytes of ten million. */
function zeros(count: number): Uint8Array {
  const block = deflateRawSync(Buffer.alloc(2 ** 26), { finishFlush: constants.Z_FULL_FLUSH, level: 9 });
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  // What comes after is never reached.
  const end = Buffer.concat([Buffer.from([3, 0]), Buffer.alloc(8)]);
  return Buffer.concat([header, ...Array.from({ length: count }, () => block), end]);
}

const bomb = zeros(160);
const smallBomb = bomb.subarray(0, 8_000);
const noise = randomBytes(LONGEST_BUNDLE);
const noiseGzip = gzipSync(noise);
const gzip = { 'content-encoding': 'gzip' };

/** Answers for the objects whose path begins with `prefix`. */
const instead =
  (prefix: string, answer: (response: ServerResponse) => unknown): Fault =>
  (path, response) => {
    if (!path.startsWith(prefix)) return false;
    answer(response);
    return true;
  };

/** Writes the same bytes for as long as the client reads. */
function pour(response: ServerResponse, piece: Buffer): void {
  const target = response.socket;
  response.flushHeaders();
  const write = () => {
    while (target?.destroyed === false && target.write(piece));
  };
  target?.on('drain', write);
  write();
}

async function run(plain: boolean, read: string, fault?: Fault, timeout = 20_000): Promise<Outcome> {
  server.fault = fault;
  return withFolder(async (folder) => {
    const folders = { stateFolder: join(folder, 'state'), cacheFolder: join(folder, 'cache') };
    const options = { verifierKey: log.vkey, timeout, retries: 0, ...(plain ? {} : folders) };
    const argument = JSON.stringify({ place: server.url, read, plain, options });
    const script = join(import.meta.dirname, 'reader-process.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [YOUNG_GENERATION, script, argument]);
    for (const [path, bytes] of await filesIn(join(folder, 'cache'))) {
      expect(bytes.equals(log.file(path.split('/').slice(1).join('/')))).toBe(true);
    }
    return JSON.parse(stdout) as Outcome;
  });
}

const ENTRIES = 'tile/entries/';
const FIRST = 'tile/entries/000';
const TOO_LONG = /: gzip: over [0-9]+ bytes$/;
const TOO_LARGE = /: has over [0-9]+ bytes$/;

/** The false answer; the read; the error's name, code, path and message; and the error with `fetch`, if another. */
interface Case {
  readonly name: string;
  readonly fault: Fault;
  readonly read?: string;
  readonly error: readonly [
    name: string,
    code: string | undefined,
    path: string | undefined,
    message: RegExp,
  ];
  readonly plainError?: Case['error'] | 'same';
  readonly timeout?: number;
}

const CASES: readonly Case[] = [
  {
    name: 'a bundle of 10 GB, as it is stored',
    fault: instead(ENTRIES, (response) => response.end(bomb)),
    error: ['FormatError', 'format', FIRST, TOO_LONG],
    plainError: 'same',
  },
  {
    name: 'a bundle of 10 GB, Content-Encoding: gzip',
    fault: instead(ENTRIES, (response) => response.writeHead(200, gzip).end(bomb)),
    error: ['FormatError', 'format', FIRST, TOO_LONG],
    plainError: ['UnexpectedAnswerError', 'too-large', FIRST, TOO_LARGE],
  },
  {
    name: 'a tile of 10 GB',
    fault: instead('tile/0/000', (response) => response.writeHead(200, gzip).end(bomb)),
    error: ['UnexpectedAnswerError', 'too-large', 'tile/0/000', TOO_LARGE],
  },
  {
    name: 'a tile of 8 MB in 8 kB',
    fault: instead('tile/0/000', (response) => response.writeHead(200, gzip).end(smallBomb)),
    error: ['FormatError', 'format', 'tile/0/000', TOO_LONG],
    plainError: ['UnexpectedAnswerError', 'too-large', 'tile/0/000', TOO_LARGE],
  },
  {
    name: 'a checkpoint of 1 GB in 1 MB',
    fault: instead('checkpoint', (response) => response.writeHead(200, gzip).end(bomb.subarray(0, 2 ** 20))),
    error: ['FormatError', 'format', 'checkpoint', TOO_LONG],
    plainError: ['UnexpectedAnswerError', 'too-large', 'checkpoint', TOO_LARGE],
  },
  {
    name: 'times of 2 MB in 2 kB',
    fault: instead('tile/times', (response) =>
      response.writeHead(200, gzip).end(smallBomb.subarray(0, 2_000)),
    ),
    read: 'times',
    error: ['FormatError', 'format', 'tile/times/000', TOO_LONG],
  },
  {
    name: 'a bundle of noise, as long as one may be',
    fault: instead(ENTRIES, (response) => response.end(noise)),
    error: ['FormatError', 'format', FIRST, /bundle (has|ends)/],
  },
  {
    name: 'the same, compressed',
    fault: instead(ENTRIES, (response) => response.end(noiseGzip)),
    error: ['FormatError', 'format', FIRST, /bundle (has|ends)/],
    plainError: 'same',
  },
  {
    name: 'the same, Content-Encoding: gzip',
    fault: instead(ENTRIES, (response) => response.writeHead(200, gzip).end(noiseGzip)),
    error: ['FormatError', 'format', FIRST, /bundle (has|ends)/],
  },
  {
    name: 'a bundle without an end',
    fault: instead(ENTRIES, (response) => {
      pour(
        response,
        Buffer.concat([Buffer.from('10000\r\n'), noise.subarray(0, 65_536), Buffer.from('\r\n')]),
      );
    }),
    error: ['UnexpectedAnswerError', 'too-large', FIRST, TOO_LARGE],
  },
  {
    name: 'a bundle in pieces of one byte',
    fault: instead(ENTRIES, (response) => {
      pour(response, Buffer.from('1\r\nX\r\n'.repeat(20_000)));
    }),
    timeout: 2_000,
    error: ['UnreachableError', 'timeout', 'tile/entries/000', /: no whole answer within 2 s$/],
  },
];

describe('a reader told to hold more than it can', () => {
  it.each(CASES)('refuses $name', async ({ fault, read, error, timeout }) => {
    expectRefusal(await run(false, read ?? 'entries', fault, timeout), error);
  });

  it.each(CASES.filter(({ plainError }) => plainError))(
    'with fetch alone refuses $name',
    async ({ fault, read, error, plainError, timeout }) => {
      const expected = plainError === 'same' ? error : (plainError ?? error);
      expectRefusal(await run(true, read ?? 'entries', fault, timeout), expected);
    },
  );
});

function expectRefusal({ failure, size, peak, unhandled }: Outcome, error: Case['error']): void {
  const [name, code, path, message] = error;
  expect(failure).toEqual({ name, code, path, message: expect.stringMatching(message) as string });
  expect(size).toBe(path === 'checkpoint' ? undefined : '2048');
  expect(unhandled).toEqual([]);
  expect(peak).toBeLessThan(LIMIT);
}

it('a log whose entries are as long as they may be is read in as little', async () => {
  const short = log;
  log = await TestLog.of([1280], { bodyAt: (index) => noise.subarray(index, index + 65_535) });
  try {
    const { failure, peak } = await run(false, 'entries');
    expect(failure).toBeUndefined();
    expect(peak).toBeLessThan(LIMIT);
  } finally {
    log = short;
  }
});

it('has bombs of ten thousand million bytes in ten million', () => {
  expect(160 * 2 ** 26).toBeGreaterThan(10e9);
  expect(bomb.length).toBeLessThan(10.5e6);
});
