/**
 * The log of `stele serve`: its folders, its key and its staging opened or made, and a writer on them.
 * @module
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { RedirectedFiles } from '../reader/http/index.js';
import { ConfigurationError, StartRefusedError } from '../src/errors.js';
import { LogKey } from '../src/keys/node/log-key.js';
import { replaceFile } from '../src/node/durable-file.js';
import { connectionReason } from '../src/node/connection-error.js';
import { openDispatcher, type Network } from '../src/node/network.js';
import { reasonOf } from '../src/node/system-error.js';
import { formatSigningConfig, formatTrustedRoot } from '../src/sigstore/trust/trust-files.js';
import { tryAgain } from '../src/retry.js';
import { encodeText } from '../tiles-spec/bytes.js';
import { keyHash } from '../tiles-spec/index.js';
import { PartialCollector } from '../writer/partial-collector.js';
import type { SqliteStaging } from '../writer/staging/staging.js';
import { Writer } from '../writer/writer.js';
import { ClockFile } from './clock-file.js';
import { makeFolder } from './files.js';
import { FirstStart } from './first-start.js';
import type { ServedLog } from './serve-http.js';
import type { ServeConfiguration } from './serve-settings.js';
import { BringUpProgress, openStaging, originIn, STAGING } from './serve-staging.js';
import { openStore, START_RETRIES, type OpenedStore } from './serve-store.js';
import type { Terminal } from './terminal.js';
import { parseOrigin } from './units.js';

/** The log's key, where the daemon makes it, in the data folder. */
const LOG_KEY = 'log.key';

/** The longest checkpoint that is read from elsewhere, in bytes. */
const MAX_CHECKPOINT = 1 << 20;

/** How long that may take, in milliseconds. */
const CHECKPOINT_TIMEOUT = 10_000;

export interface ServedLogOptions {
  readonly configuration: ServeConfiguration;
  /** Where clients reach the log. */
  readonly url: string;
  readonly log: Logger;
  readonly terminal: Terminal;
  /** What is opened adds how it is closed; it is closed in the opposite order, however far this has come. */
  readonly opened: (() => Promise<unknown>)[];
  /** Gives up. */
  readonly signal: AbortSignal;
}

/**
 * Opens the log, or makes it. A first start that fails leaves nothing that was not there.
 * @throws ConfigurationError, StartRefusedError, UnreachableError: each says what an operator can do.
 */
export async function openServedLog(options: ServedLogOptions): Promise<ServedLog> {
  const { configuration, log, opened } = options;
  const { data, rebuild, create } = configuration;
  if (!create && !rebuild && !existsSync(join(data, STAGING))) {
    throw new StartRefusedError(
      `there is no ${STAGING} in ${data}, and --no-create or --expect-checkpoint forbids making a log: give the right --data or, where staging was lost, have it rebuilt from the store by --rebuild`,
    );
  }
  const first = new FirstStart(data);
  opened.push(() => first.removeFolders());
  await makeFolder('--data', data);
  const file = join(data, STAGING);
  const absent = [file, `${file}-wal`, `${file}-shm`].filter((each) => !existsSync(each));
  const staging = await openStaging(data, rebuild, log);
  first.made(...absent);
  opened.push(() => staging.close());
  try {
    return await openOn(staging, first, options);
  } catch (error) {
    // A log that has its identity is there, and the next start goes on with it.
    if ((await staging.identity()) === undefined) await first.removeFiles();
    throw error;
  }
}

async function openOn(
  staging: SqliteStaging,
  first: FirstStart,
  options: ServedLogOptions,
): Promise<ServedLog> {
  const { configuration, url, log, opened, signal } = options;
  const { data, rebuild, readUrl, partialGrace, expectCheckpoint, network } = configuration;
  const opening = await openStore(configuration.store, log, signal);
  const { store, files } = opening;
  opened.push(opening.close);
  const known = await staging.identity();
  const origin =
    configuration.origin ??
    known?.origin ??
    (rebuild ? await tryAgain(() => originIn(store), START_RETRIES, signal) : undefined) ??
    parseOrigin(new URL(url).hostname);
  const isNew =
    known === undefined &&
    (await tryAgain(() => store.read('checkpoint'), START_RETRIES, signal)) === undefined;
  if (isNew && !rebuild) requireNoTrace(data);
  const expected = expectCheckpoint && (await readCheckpoint(expectCheckpoint, network));
  signal.throwIfAborted();
  const key = await openKey(configuration, isNew, first, log);
  const writer = await openWriter({ ...options, staging, opening, key, origin, expected });
  opened.push(() => writer.close());
  const collector = new PartialCollector(store, staging, log, partialGrace);
  collector.start(() => writer.published.checkpoint.size);
  opened.push(() => collector.stop());
  await replaceFile(join(data, 'log.vkey'), `${writer.identity.verifierKey}\n`);
  const { hostname, pathname } = new URL(url);
  if (hostname !== origin) {
    log.warn(
      { url, origin },
      "the public URL's host name is not the log's origin: Sigstore's clients will refuse the log",
    );
  }
  if (pathname !== '/') {
    log.warn(
      { url },
      "the public URL has a path, which sigstore-java leaves out: it finds the log only at the host's root",
    );
  }
  const logId = keyHash(key.verifierKey(origin));
  const publicLog = { url, spki: key.spki, logId, created: writer.identity.created };
  await writer.publishFile('trusted_root.json', encodeText(formatTrustedRoot(publicLog)));
  await writer.publishFile('signing_config.json', encodeText(formatSigningConfig(publicLog)));
  return { writer, logId, files: readUrl === undefined ? files : new RedirectedFiles(readUrl) };
}

interface OpenWriterOptions extends ServedLogOptions {
  readonly staging: SqliteStaging;
  readonly opening: OpenedStore;
  readonly key: LogKey;
  readonly origin: string;
  readonly expected: Uint8Array | undefined | '';
}

async function openWriter(options: OpenWriterOptions): Promise<Writer> {
  const { configuration, opening, staging, key, origin, expected, log, terminal, signal } = options;
  const clockFile = new ClockFile(configuration.data);
  const progress = new BringUpProgress(terminal);
  try {
    return await Writer.open(
      {
        ...configuration,
        ...{ store: opening.store, reads: opening.reads, staging, key, origin, log },
        ...(expected ? { expected } : {}),
        clock: {
          reference: opening.time,
          accept: configuration.acceptClock,
          earlier: await clockFile.read(),
          onChange: (memory) => {
            clockFile.write(memory).catch((error: unknown) => {
              log.warn({ err: error }, 'what is known of the clock could not be noted for the next start');
            });
          },
        },
        onBringUp: (done, total) => {
          progress.update(done, total);
        },
      },
      signal,
    );
  } finally {
    progress.stop();
  }
}

/**
 * Refuses to make a log where there was one: its key would sign a second history. Only a log that was opened writes
 * log.vkey.
 */
function requireNoTrace(data: string): void {
  const file = join(data, 'log.vkey');
  if (!existsSync(file)) return;
  throw new StartRefusedError(
    `${file} tells of a log, and neither staging nor the store has one: staging was lost, and --store names another place. Give the right --store, or delete ${file} to make a new log`,
  );
}

/** The log's key. One is made only for a log that is yet to be made. */
async function openKey(
  { keyFile, create, data }: ServeConfiguration,
  isNew: boolean,
  first: FirstStart,
  log: Logger,
): Promise<LogKey> {
  if (existsSync(keyFile)) {
    const key = await LogKey.read(keyFile);
    if (isNew)
      log.warn(
        { file: resolve(keyFile) },
        'there is no log yet, and a new one is made with a key that is there: if this key has a log already, stop now, for its store is lost or --store names another place',
      );
    return key;
  }
  if (!isNew) {
    throw new StartRefusedError(
      `there is no key file ${keyFile}, and there is a log already: give the right --data, or the log's own key with --key`,
    );
  }
  if (!create || keyFile !== join(data, LOG_KEY)) {
    throw new ConfigurationError(`there is no key file ${keyFile}: stele keygen makes one`);
  }
  const key = await LogKey.create(keyFile);
  first.made(keyFile);
  log.info({ file: resolve(keyFile) }, "made the log's key: keep a copy, for the log ends without it");
  return key;
}

/** A checkpoint that an operator kept, or another reader of the log serves. */
async function readCheckpoint(place: string, network: Network): Promise<Uint8Array> {
  const isUrl = /^https?:\/\//.test(place);
  try {
    return await (isUrl ? fetchCheckpoint(new URL(place), network) : readFile(place));
  } catch (error) {
    const reason = isUrl ? connectionReason(error, place) : reasonOf(error);
    throw new ConfigurationError(`cannot read the checkpoint ${place}: ${reason}`);
  }
}

async function fetchCheckpoint({ origin, pathname, search }: URL, network: Network): Promise<Uint8Array> {
  const limits = { connections: 1, connectTimeout: CHECKPOINT_TIMEOUT, maxBody: MAX_CHECKPOINT };
  const dispatcher = await openDispatcher(network, limits);
  try {
    const { statusCode, body } = await dispatcher.request({
      ...{ origin, path: `${pathname}${search}`, method: 'GET' },
      signal: AbortSignal.timeout(CHECKPOINT_TIMEOUT),
    });
    const bytes = await body.bytes();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return bytes;
  } finally {
    await dispatcher.destroy();
  }
}
