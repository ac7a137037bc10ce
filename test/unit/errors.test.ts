/**
 * Every code of the closed list is raised by the part that raises it in earnest, with the message, class and finality
 * that docs/errors.md and the list itself give as an example.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  httpSource,
  LogReader,
  MemoryHeads,
  type Heads,
  type HttpAnswer,
  type HttpGet,
} from '#reader/index.js';
import { HeadFile } from '#reader/node/index.js';
import { SteleError, type ErrorCode } from '#src/errors.js';
import { proposeEntry } from '#src/requests/rekor-v2/create-entry-request.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { FolderStore } from '#src/store/folder.js';
import { S3Store } from '#src/store/s3.js';
import { readElement } from '#tiles-spec/der.js';
import { IS_FINAL } from '#tiles-spec/error-codes.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeClaim, parseClaim, parseNote, verifyInclusion } from '#tiles-spec/index.js';
import { Outages } from '#writer/outage.js';
import { Patience } from '#writer/patience.js';
import { EntryPool } from '#writer/pool.js';
import { PublishedLog } from '#writer/published-log.js';
import { ImmutableObjects } from '#writer/publishing/immutable-objects.js';
import { batchOf, Publisher } from '#writer/publishing/publisher.js';
import { Retrying } from '#writer/retrying.js';
import { MemoryStore } from '../support/memory-store.js';
import { TestLog } from '../support/reader.js';

/** The folders of the examples, which stand for the test's own. */
const HEADS = '/home/user/.local/state/stele/heads';
const STORE = '/srv/log';

let folder: string;
/** A log of five entries, published at three of them too. */
let log: TestLog;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-errors-'));
  await writeFile(join(folder, 'tile'), '');
  log = await TestLog.of([3, 5], { origin: 'log.example' });
});

afterAll(() => rm(folder, { recursive: true }));

/** Reads the log when it shows one checkpoint after another. */
async function shownAfter(seen: Uint8Array, shown: Uint8Array, heads: Heads = new MemoryHeads()) {
  await heads.replace(seen, undefined);
  const read = (path: string) => Promise.resolve(path === 'checkpoint' ? shown : log.files.get(path));
  return new LogReader({ read, verifier: log.verifier, heads }).latest();
}

/** Reads the checkpoint of a log whose server answers so. */
function answered(answer: Partial<HttpAnswer> | Error, bytes: Uint8Array | Error = encodeText('body')) {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (bytes instanceof Error) {
        controller.error(bytes);
      } else {
        controller.enqueue(bytes);
        controller.close();
      }
    },
  });
  const get: HttpGet = () =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ status: 200, body, ...answer });
  return httpSource('https://log.example', { get, retries: 0 })('checkpoint', 1 << 20);
}

function retrying(): Retrying {
  const silent = pino({ level: 'silent' });
  return new Retrying(silent, new Outages(silent), new AbortController().signal);
}

/** Publishes a batch from 0 to 3, for which another writer has claimed one from 0 to 5. */
async function losingClaim(): Promise<void> {
  const store = new MemoryStore();
  store.plant('staging/0', encodeClaim({ checkpoint: log.file('checkpoint'), objects: [] }));
  const { verifier } = log;
  const parts = { store, verifier, retrying: retrying(), log: pino({ level: 'silent' }) };
  const published = new PublishedLog(store, store, verifier, parts.retrying);
  const publisher = new Publisher({ ...parts, published, signal: new AbortController().signal });
  const ours = encodeClaim({ checkpoint: log.signAt(3), objects: [] });
  await publisher.publish(batchOf(0, ours, verifier));
}

/** Reads a bucket, with none of the places at hand where the AWS SDK looks for credentials. */
async function readingWithoutCredentials(): Promise<void> {
  const nowhere = join(folder, 'nowhere');
  for (const [variable, value] of [
    ['AWS_ACCESS_KEY_ID', undefined],
    ['AWS_SECRET_ACCESS_KEY', undefined],
    ['AWS_EC2_METADATA_DISABLED', 'true'],
    ['AWS_SHARED_CREDENTIALS_FILE', nowhere],
    ['AWS_CONFIG_FILE', nowhere],
  ] as const) {
    vi.stubEnv(variable, value);
  }
  const store = new S3Store({ bucket: 'bucket', prefix: '' }, { region: 'eu-west-1' });
  try {
    await store.read('checkpoint');
  } finally {
    store.close();
    vi.unstubAllEnvs();
  }
}

const RAISED: Readonly<Record<ErrorCode, () => unknown>> = {
  format: () => parseNote(encodeText('text\n\nsignature')),
  'newer-version': () => parseClaim(encodeText('stele claim v2\n')),
  'not-der': () => readElement(new Uint8Array(0)),
  'missing-object': () =>
    new LogReader({ read: () => Promise.resolve(undefined), verifier: log.verifier })
      .at(log.checkpoint)
      .leafHash(1),
  proof: () => {
    verifyInclusion(new Uint8Array(32), 7, 3, [], new Uint8Array(32));
  },
  'invalid-entry': () => {
    const request = encodeText('{"hashedRekordRequestV002":{"digest":"AA=="}}');
    return proposeEntry(request, nodeSuite);
  },
  'damaged-store': () => {
    const store = new MemoryStore();
    store.plant('tile/0/000', encodeText('others'));
    const object = { path: 'tile/0/000', bytes: encodeText('ours') };
    return new ImmutableObjects(store, retrying()).put([object], new AbortController().signal);
  },
  'wrong-file-type': () => new FolderStore(folder).create('tile/0/000', new Uint8Array(0)),
  configuration: () => httpSource('ftp://log.example'),
  'start-refused': () => {
    const message = `EROFS: read-only file system, open '${STORE}/checkpoint'`;
    const error = Object.assign(new Error(message), { code: 'EROFS' });
    return retrying().run('create checkpoint', () => Promise.reject(error));
  },
  'claim-lost': losingClaim,
  unavailable: () => {
    const pool = new EntryPool({ findRepeat: () => Promise.resolve(undefined), maxPending: 1 });
    return pool.submit({ body: encodeText('{}'), leafHash: new Uint8Array(32) }, new Patience(0));
  },
  unreachable: () => answered(new Error('connect ECONNREFUSED 192.0.2.1:443')),
  timeout: () => {
    vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort());
    return answered(new Error('aborted'));
  },
  interrupted: () => answered({}, new Error('terminated')),
  busy: () => answered({ status: 503, retryAfter: '7' }),
  'no-credentials': readingWithoutCredentials,
  refused: () => answered({ status: 403 }),
  'no-log': () => new LogReader({ read: () => Promise.resolve(undefined), verifier: log.verifier }).latest(),
  'too-large': () => answered({}, new Uint8Array((1 << 20) + 1)),
  encoding: () => answered({ contentEncoding: 'br' }),
  redirect: () => answered({ status: 302, location: 'https://log.example/checkpoint' }),
  'rolled-back': () => shownAfter(log.file('checkpoint'), log.signAt(3)),
  forked: () => shownAfter(log.file('checkpoint'), log.sign(5, new Uint8Array(32))),
  rekeyed: async () => {
    const other = await TestLog.of([5], { origin: 'log.example' });
    const heads = new HeadFile(join(folder, 'heads'), 'log.example');
    return shownAfter(other.file('checkpoint'), log.file('checkpoint'), heads);
  },
  state: () => new HeadFile(join(folder, 'tile'), 'log.example').replace(encodeText('note'), undefined),
};

/** The objects of the log that show what is wrong in those examples where one does. */
const SHOWN_BY: Readonly<Partial<Record<ErrorCode, string>>> = {
  'missing-object': 'tile/0/000.p/5',
  'damaged-store': 'tile/0/000',
  'claim-lost': 'staging/0',
  ...Object.fromEntries(
    [
      ...['unreachable', 'timeout', 'interrupted', 'busy', 'refused', 'no-log'],
      ...['too-large', 'encoding', 'redirect'],
    ].map((code) => [code, 'checkpoint']),
  ),
};

const CODES = Object.keys(IS_FINAL) as ErrorCode[];

/** The error of a call, its message as it would be in the folders of the examples. */
async function raised(code: ErrorCode): Promise<{ error: SteleError; message: string }> {
  const error: unknown = await Promise.resolve()
    .then(RAISED[code])
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof SteleError)) throw new TypeError(`${code} is not raised: ${String(error)}`);
  const message = error.message
    .replace(join(folder, 'heads'), HEADS)
    .replace(join(folder, 'tile', 'log.example'), `${HEADS}/log.example`)
    .replace(folder, STORE);
  return { error, message };
}

/** The cells of the rows of docs/errors.md that begin with a code, without their code marks. */
async function documented(columns: number): Promise<string[][]> {
  return (await readFile('docs/errors.md', 'utf8'))
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '))
    .filter((cells) => cells.length === columns)
    .map((cells) => cells.map((cell) => cell.trim().replace(/^`([^]*)`$/, '$1')));
}

/** The examples in the comments of the list, by code. */
async function examples(): Promise<Map<string, string>> {
  const source = await readFile('tiles-spec/error-codes.ts', 'utf8');
  const comments = source.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*'?([a-z-]+)'?: (?:true|false),/g);
  return new Map(
    [...comments].map(([, comment = '', code = '']) => [code, /`([^`]*)`\.?\s*$/.exec(comment)?.[1] ?? '']),
  );
}

it.each(CODES)('%s has the class, the finality and the message of its documentation', async (code) => {
  const { error, message } = await raised(code);
  const rows = await documented(5);
  const [, name, final] = rows.find(([documentedCode]) => documentedCode === code) ?? [];
  expect(error).toMatchObject({ code, name, isFinal: IS_FINAL[code] });
  expect(error.path).toBe(SHOWN_BY[code]);
  expect(final).toBe(error.isFinal ? 'yes' : 'no');
  expect((await examples()).get(code)).toBe(message);
});

it('the documentation has each code once, with the example of the list', async () => {
  expect((await documented(5)).map(([code]) => code)).toEqual(CODES);
  expect(new Map((await documented(2)).map(([code = '', message = '']) => [code, message]))).toEqual(
    await examples(),
  );
});

it('a contradiction carries both notes', async () => {
  const { error } = await raised('rolled-back');
  expect(error).toMatchObject({ seen: log.file('checkpoint'), shown: log.signAt(3), evidence: 'memory' });
});

it('a busy server says how long to wait', async () => {
  expect((await raised('busy')).error).toMatchObject({ pause: 7_000 });
});
