/**
 * A reader against servers that cheat: every lie is refused with an error that names it, and none of it is kept.
 * reader-memory.test.ts tests the use of memory.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogReader } from '#reader/index.js';
import { HeadFile, openLog } from '#reader/node/index.js';
import { withFolder } from '../support/daemon.js';
import { HTTP_CASES } from './reader-hostile-network.js';
import { BODY_CASES, CHECKPOINT_CASES } from './reader-hostile-objects.js';
import type { HostileCase, Logs } from '../support/hostile-log.js';
import {
  filesIn,
  newKey,
  ORIGIN,
  refusal,
  serveFiles,
  TestLog,
  timeAt,
  type TestServer,
} from '../support/reader.js';

const SEEN = 700;
const SIZE = 1300;
const STATE = `${encodeURIComponent(ORIGIN)}.checkpoint`;

let logs: Logs;
let seen: Uint8Array;
let server: TestServer;
let elsewhere: TestServer;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);

beforeAll(async () => {
  const key = await newKey();
  const log = await TestLog.of([SEEN], { key });
  seen = log.file('checkpoint');
  log.grow(SIZE);
  const other = { bodyAt: (index: number) => Buffer.from(`other ${index}`) };
  logs = {
    log,
    larger: await TestLog.of([SIZE, 1400], { key }),
    forked: await TestLog.of([SEEN, SIZE], { key, ...other }),
    rekeyed: await TestLog.of([SIZE]),
    stranger: await TestLog.of([SIZE], { key, origin: 'stranger.example' }),
  };
  server = await serveFiles(() => log.files);
  elsewhere = await serveFiles(() => log.files);
  process.on('unhandledRejection', onUnhandled);
});

afterAll(async () => {
  process.off('unhandledRejection', onUnhandled);
  await Promise.all([server.close(), elsewhere.close()]);
  expect(unhandled).toEqual([]);
});

/** Reads a whole log, and compares it with the expected contents. */
async function readAll(reader: LogReader): Promise<void> {
  const { tree, checkpoint } = await reader.latest();
  expect(checkpoint.size).toBe(SIZE);
  for await (const { index, body } of tree.entries()) {
    if (!Buffer.from(body).equals(logs.log.bodyAt(index))) expect.fail(`entry ${index} is another`);
  }
  for (let bundle = 0; bundle < tree.entryBundleCount; bundle++) {
    const times = await tree.times(bundle);
    expect(times).toEqual(times.map((_, i) => timeAt(bundle * 256 + i)));
  }
  await reader.latest();
}

/** Reads a log that was seen at 700 entries, and then checks the files that are left on disk. */
async function attempt(hostile: HostileCase, read: typeof readAll = readAll): Promise<void> {
  await withFolder(async (folder) => {
    const stateFolder = join(folder, 'state');
    const cacheFolder = join(folder, 'cache');
    await new HeadFile(stateFolder, ORIGIN).replace(seen, undefined);
    server.fault = hostile.fault(logs, server, elsewhere);
    const { timeout = 3_000, retries = 0 } = hostile;
    const options = { verifierKey: logs.log.vkey, stateFolder, cacheFolder, timeout, retries };
    const reader = await openLog(server.url, options);
    try {
      if (hostile.error === undefined) await read(reader);
      else expectError(await refusal(read(reader)), hostile.error);
    } finally {
      server.fault = undefined;
    }
    for (const [path, bytes] of await settled(cacheFolder)) {
      const name = path.split('/').slice(1).join('/');
      // A fork that is served whole has tiles of a tree that the log's key has signed, so they may be cached.
      expect([logs.log, logs.forked].some((log) => bytes.equals(log.file(name)))).toBe(true);
    }
    const { [STATE]: state, ...others } = Object.fromEntries(await filesIn(stateFolder));
    expect(state?.toString()).toBe(
      Buffer.from(hostile.advances === false ? seen : logs.log.file('checkpoint')).toString(),
    );
    expect(Object.keys(others).map((path) => path.replace(/^.*\//, ''))).toEqual(
      hostile.error?.[0] === 'InconsistentLogError' ? ['seen.checkpoint', 'shown.checkpoint'] : [],
    );
  });
}

/** The files in a cache, after those that were read ahead are written too. */
async function settled(folder: string): Promise<Map<string, Buffer>> {
  for (;;) {
    const files = await filesIn(folder);
    if (![...files.keys()].some((path) => path.endsWith('.tmp'))) return files;
  }
}

function expectError(
  error: Error & { code?: string; path?: string },
  [name, code, path, message]: NonNullable<HostileCase['error']>,
): void {
  expect({ name: error.name, code: error.code, path: error.path, message: error.message }).toEqual({
    name,
    code,
    path: path instanceof RegExp ? (expect.stringMatching(path) as string) : path,
    message: expect.stringMatching(message) as string,
  });
}

describe('what goes wrong on the way', () => {
  it.each(HTTP_CASES)('$name', (hostile) => attempt(hostile));
});

describe('objects that are not what they are said to be', () => {
  it.each(BODY_CASES)('$name', (hostile) => attempt(hostile));
});

describe('checkpoints', () => {
  it.each(CHECKPOINT_CASES)('$name', (hostile) => attempt(hostile));
});
