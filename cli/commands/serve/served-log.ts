/**
 * The log of `stele serve`: opens or makes its folders, staging and key, and opens a writer on them.
 * @module
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { RedirectedFiles } from '../../../reader/http/index.js';
import { ConfigurationError, StartRefusedError } from '../../../src/errors.js';
import { LogKey } from '../../../src/keys/node/log-key.js';
import { replaceFile } from '../../../src/node/durable-file.js';
import { retry } from '../../../src/retry.js';
import {
  formatSigningConfig,
  formatTrustedRoot,
  SIGNING_CONFIG,
  TRUSTED_ROOT,
} from '../../../src/sigstore/trust/trust-files.js';
import { encodeText } from '../../../tiles-spec/bytes.js';
import { keyHash } from '../../../tiles-spec/index.js';
import { PartialCollector } from '../../../writer/partial-collector.js';
import type { SqliteStaging } from '../../../writer/staging/staging.js';
import { Writer } from '../../../writer/writer.js';
import { makeFolder } from '../../files.js';
import { parseOrigin } from '../../settings/units.js';
import type { Terminal } from '../../terminal.js';
import { ClockFile } from './clock-file.js';
import type { ServeConfiguration } from './configuration.js';
import { readExpectedCheckpoint } from './expected-checkpoint.js';
import { FirstStart } from './first-start.js';
import type { ServedLog } from './http.js';
import { BringUpProgress, openStaging, originIn, STAGING } from './staging.js';
import { openStore, START_RETRIES, type OpenedStore } from './store.js';

/** The key's name in the data folder, where the daemon makes a key. */
const LOG_KEY = 'log.key';

/** The verifier key's name in the data folder. Only a log that was opened has this file. */
const VERIFIER_KEY = 'log.vkey';

export interface ServedLogOptions {
  readonly configuration: ServeConfiguration;
  /** Where clients reach the log. */
  readonly url: string;
  readonly log: Logger;
  readonly terminal: Terminal;
  /** Gains a function that closes it for each part that is opened, also where a later one fails. */
  readonly opened: (() => Promise<unknown>)[];
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

/**
 * Opens the log, or makes it. A first start that fails leaves no new files or folders.
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
    // Once staging holds an identity the log exists, and the next start goes on with these files.
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
    (rebuild ? await retry(() => originIn(store), { retries: START_RETRIES, signal }) : undefined) ??
    parseOrigin(new URL(url).hostname);
  const isNew =
    known === undefined &&
    (await retry(() => store.read('checkpoint'), { retries: START_RETRIES, signal })) === undefined;
  if (isNew && !rebuild) requireNoTrace(data);
  const expected = expectCheckpoint && (await readExpectedCheckpoint(expectCheckpoint, network));
  signal.throwIfAborted();
  const key = await openKey(configuration, isNew, first, log);
  const writer = await openWriter({ ...options, staging, opening, key, origin, expected });
  opened.push(() => writer.close());
  const collector = new PartialCollector(store, staging, log, partialGrace);
  collector.start(() => writer.published.checkpoint.size);
  opened.push(() => collector.stop());
  await replaceFile(join(data, VERIFIER_KEY), `${writer.identity.verifierKey}\n`);
  warnOfUrl(url, origin, log);
  const logId = keyHash(key.verifierKey(origin));
  const publicLog = { url, spki: key.spki, logId, created: writer.identity.created };
  await writer.publishFile(TRUSTED_ROOT, encodeText(formatTrustedRoot(publicLog)));
  await writer.publishFile(SIGNING_CONFIG, encodeText(formatSigningConfig(publicLog)));
  return { writer, logId, files: readUrl === undefined ? files : new RedirectedFiles(readUrl) };
}

/** Warns of a public URL by which some of Sigstore's clients will not use the log. */
function warnOfUrl(url: string, origin: string, log: Logger): void {
  const { hostname, pathname } = new URL(url);
  if (hostname !== origin) {
    log.warn(
      { url, origin },
      "the log's origin is not the host name of its URL: Sigstore's clients and stele trust will refuse its trust files. Start it with a --public-url of that host name",
    );
  }
  if (pathname !== '/') {
    log.warn(
      { url },
      "the public URL has a path, which sigstore-java leaves out: it finds the log only at the host's root",
    );
  }
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
  const { data, create, rebuild, batchAge, batchSize, maxPending, acceptClock } = configuration;
  const clockFile = new ClockFile(data);
  const progress = new BringUpProgress(terminal);
  try {
    return await Writer.open(
      {
        ...{ store: opening.store, reads: opening.reads, staging, key, origin, log },
        ...{ create, rebuild, batchAge, batchSize, maxPending },
        ...(expected ? { expected } : {}),
        clock: {
          reference: opening.time,
          accept: acceptClock,
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
 * Refuses to make a log in a data folder that has had one: its key would sign a second history.
 */
function requireNoTrace(data: string): void {
  const file = join(data, VERIFIER_KEY);
  if (!existsSync(file)) return;
  throw new StartRefusedError(
    `${file} tells of a log, and neither staging nor the store has one: staging was lost, and --store names another place. Give the right --store, or delete ${file} to make a new log`,
  );
}

/** Reads the log's key. A key is made only for a new log, at its default place. */
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
  const isDefault = keyFile === join(data, LOG_KEY);
  if (!isNew) {
    const Refusal = isDefault ? StartRefusedError : ConfigurationError;
    throw new Refusal(
      `there is no key file ${keyFile}, and there is a log already: give the right --data, or the log's own key with --key`,
    );
  }
  if (!create || !isDefault) {
    throw new ConfigurationError(`there is no key file ${keyFile}: stele keygen makes one`);
  }
  const key = await LogKey.create(keyFile);
  first.made(keyFile);
  log.info({ file: resolve(keyFile) }, "made the log's key: keep a copy, for the log ends without it");
  return key;
}
