/**
 * `stele serve`: the writer daemon. Puts the parts together, and takes them apart again.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino, type Logger } from 'pino';
import { Agent, request } from 'undici';
import { ConfigurationError, DamagedStoreError, messageOf, StartRefusedError } from '../src/errors.js';
import { LogKey } from '../src/keys/log-key.js';
import { formatSigningConfig, formatTrustedRoot } from '../src/sigstore/trust-files.js';
import type { ObjectStore } from '../src/store/store.js';
import { tryAgain } from '../src/try-again.js';
import { encodeText, keyHash } from '../tiles-spec/index.js';
import { Connections } from '../writer/http/connections.js';
import { ingestRoutes } from '../writer/http/ingest-routes.js';
import { Metrics } from '../writer/http/metrics.js';
import { openApiDocument } from '../writer/http/openapi.js';
import { readRoutes } from '../writer/http/read-routes.js';
import { createServer, healthRoute, metricsRoute, openApiRoute } from '../writer/http/server.js';
import { PartialCollector } from '../writer/partial-collector.js';
import { SqliteStaging } from '../writer/staging/staging.js';
import { Validators } from '../writer/validation/validators.js';
import { Writer } from '../writer/writer.js';
import type { Invocation } from './command.js';
import { makeFolder } from './files.js';
import { readServeConfiguration, type SERVE_SETTINGS, type ServeConfiguration } from './serve-settings.js';
import { openStore, START_RETRIES } from './serve-store.js';
import type { Terminal } from './terminal.js';
import { parseOrigin, type Address } from './units.js';
import { VERSION } from './version.js';

/** How long stopping waits for a store that does not answer, in milliseconds. */
const LONGEST_STOP = 30_000;

/** A Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_SIGNAL = 2_000;

/** The longest checkpoint that is read from elsewhere, in bytes. */
const MAX_CHECKPOINT = 1 << 20;

/** Staging's file in the data folder. */
const STAGING = 'staging.sqlite';

/** Runs the daemon until a signal, or until something stops the log. Returns the exit code. */
export async function serve({ values, terminal }: Invocation<typeof SERVE_SETTINGS>): Promise<number> {
  const configuration = readServeConfiguration(values);
  const log = pino({ level: configuration.logLevel }, pino.destination({ fd: 2, sync: true }));
  // What was opened is closed in the opposite order, however far the start has come.
  const opened: (() => Promise<unknown>)[] = [];
  const abort = new AbortController();
  try {
    const { writer, app, url } = await start(configuration, log, opened, abort.signal);
    const signal = onSignal(log);
    // Only now: whoever reads this may send a signal.
    terminal.out(`stele serves ${url} with the verifier key ${writer.identity.verifierKey}`);
    return await untilStopped(writer, app, signal, log, terminal, abort);
  } finally {
    // What still waits for the store gives up trying; what is under way there ends before the lock is released.
    abort.abort(new Error('the writer has stopped'));
    const deadline = setTimeout(die, LONGEST_STOP);
    for (const close of opened.reverse()) {
      await close().catch((error: unknown) => {
        log.error({ err: error }, 'could not close');
      });
    }
    clearTimeout(deadline);
  }
}

async function start(
  configuration: ServeConfiguration,
  log: Logger,
  opened: (() => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<{ writer: Writer; app: FastifyInstance; url: string }> {
  const { data } = configuration;
  if (!configuration.create && !existsSync(join(data, STAGING))) {
    throw new StartRefusedError(
      `there is no ${STAGING} in ${data}, and --no-create or --expect-checkpoint forbids to make a log: give the right --data, or restore ${STAGING} from its newest copy`,
    );
  }
  await makeFolder('--data', data);
  const staging = await openStaging(data);
  opened.push(() => staging.close());
  const known = await staging.identity();
  const origin =
    configuration.origin ?? known?.origin ?? parseOrigin(new URL(publicUrl(configuration)).hostname);
  const { store, reads, close } = await openStore(configuration.store, log);
  opened.push(close);
  const isNew =
    known === undefined && (await tryAgain(() => store.read('checkpoint'), START_RETRIES)) === undefined;
  const key = await openKey(configuration, isNew, log);

  const metrics = new Metrics(
    VERSION,
    () => writer.pending,
    () => validators,
  );
  const expected = configuration.expectCheckpoint && (await readCheckpoint(configuration.expectCheckpoint));
  const writer: Writer = await Writer.open(
    {
      ...configuration,
      store,
      staging,
      key,
      origin,
      log,
      ...(expected ? { expected } : {}),
      onPublished: (tree, entries) => {
        metrics.newEntries.inc(entries);
        metrics.batchEntries.observe(entries);
        metrics.treeSize.set(tree.checkpoint.size);
      },
    },
    signal,
  );
  metrics.treeSize.set(writer.checkpoint.size);
  opened.push(() => writer.close());
  const collector = new PartialCollector(store, staging, log, configuration.partialGrace);
  collector.start(() => writer.checkpoint.size);
  opened.push(() => collector.stop());
  await writeFile(join(data, 'log.vkey'), `${writer.identity.verifierKey}\n`);

  // Two at least: one that is held up, or ends, leaves one to others.
  const threads = Math.max(2, availableParallelism());
  const validators: Validators = new Validators({ threads, maxQueued: configuration.maxPending, log });
  opened.push(() => validators.close());
  const logId = keyHash(key.verifierKey(origin));
  const connections = new Connections();
  const app = createServer(log, metrics, connections);
  opened.push(() => app.close());
  ingestRoutes(app, {
    ...{ writer, validators, connections, logId, metrics },
    maxBody: configuration.maxBody,
  });
  healthRoute(app, async () => validators.fault() ?? (await writer.fault()));
  openApiRoute(app, openApiDocument(VERSION));
  if (configuration.metricsListen === undefined) metricsRoute(app, metrics);
  else opened.push(await serveMetrics(configuration.metricsListen, metrics, log));
  readRoutes(app, configuration.readUrl ?? reads);
  const { host, port } = await listen(app, configuration.listen);

  const url = configuration.publicUrl ?? urlOf({ host, port });
  if (new URL(url).hostname !== origin) {
    log.warn(
      { url, origin },
      "the public URL's host name is not the log's origin: Sigstore's clients will refuse the log",
    );
  }
  const publicLog = { url, spki: key.spki, logId, created: writer.identity.created };
  const trustFiles = [
    ['trusted_root.json', formatTrustedRoot(publicLog)],
    ['signing_config.json', formatSigningConfig(publicLog)],
  ] as const;
  for (const [path, text] of trustFiles) await tryAgain(() => publish(store, path, text), START_RETRIES);
  return { writer, app, url };
}

/** Waits for SIGINT or SIGTERM; a later one ends the process at once. */
function onSignal(log: Logger): Promise<'signal'> {
  let signalledAt: number | undefined;
  return new Promise<'signal'>((settle) => {
    const stop = (signal: NodeJS.Signals) => {
      if (signalledAt === undefined) {
        log.info({ signal }, 'stopping: publishing what was accepted; a later signal stops at once');
        signalledAt = performance.now();
        settle('signal');
      } else if (performance.now() - signalledAt > SAME_SIGNAL) {
        die();
      }
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

/** Waits for a signal, or for the log to stop by itself. */
async function untilStopped(
  writer: Writer,
  app: FastifyInstance,
  signal: Promise<'signal'>,
  log: Logger,
  terminal: Terminal,
  abort: AbortController,
): Promise<number> {
  const first = await Promise.race([signal, writer.stopped]);
  const deadline = setTimeout(() => {
    abort.abort(new Error(`the store did not answer within ${LONGEST_STOP / 1000} s`));
  }, LONGEST_STOP);
  try {
    const [cause] = await Promise.all([first === 'signal' ? writer.close() : first, app.close()]);
    if (cause === undefined) return 0;
    log.fatal({ err: cause }, 'the log has stopped');
    terminal.err(`stele: the log has stopped: ${cause.message}`);
    return 1;
  } finally {
    clearTimeout(deadline);
  }
}

/**
 * Ends the process with a call to the store under way, which may hang in the kernel: the lock goes with the process,
 * and not before, for the call may yet act.
 */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function openStaging(data: string): Promise<SqliteStaging> {
  const file = join(data, STAGING);
  try {
    return await SqliteStaging.open(file);
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';
    if (busy) throw new ConfigurationError(`${file} is in use by another writer that runs: stop it first`);
    const damaged =
      error instanceof DamagedStoreError ||
      (error instanceof Error &&
        'code' in error &&
        ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].includes(String(error.code)));
    throw new StartRefusedError(
      `${file} cannot be opened: ${messageOf(error)}${damaged ? '. Keep it, and restore its newest copy' : ''}`,
    );
  }
}

/** The log's key. One is made only for a log that is yet to be made. */
async function openKey(
  { keyFile, create, data }: ServeConfiguration,
  isNew: boolean,
  log: Logger,
): Promise<LogKey> {
  if (existsSync(keyFile)) return LogKey.read(keyFile);
  if (!isNew) {
    throw new StartRefusedError(
      `there is no key file ${keyFile}, and there is a log already: give the right --data, or the log's own key with --key`,
    );
  }
  if (!create || keyFile !== join(data, 'log.key')) {
    throw new ConfigurationError(`there is no key file ${keyFile}: stele keygen makes one`);
  }
  const key = await LogKey.create(keyFile);
  log.info({ file: resolve(keyFile) }, "made the log's key: keep a copy, for the log ends without it");
  return key;
}

function publicUrl({ publicUrl, listen }: ServeConfiguration): string {
  return publicUrl ?? urlOf(listen);
}

function urlOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function listen(app: FastifyInstance, { host, port }: Address): Promise<Address> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw new ConfigurationError(`cannot listen on ${host}:${port}: ${messageOf(error)}`);
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return { host, port: address.port };
}

async function serveMetrics(
  address: Address,
  metrics: Metrics,
  log: Logger,
): Promise<() => Promise<unknown>> {
  const app = createServer(log);
  metricsRoute(app, metrics);
  await listen(app, address);
  return () => app.close();
}

/** Puts a trust file into the store, unless it is there as it should be. */
async function publish(store: ObjectStore, path: string, text: string): Promise<void> {
  const bytes = encodeText(text);
  const stored = await store.read(path);
  if (stored !== undefined && Buffer.from(stored.bytes).equals(bytes)) return;
  if (!(await store.replace(path, bytes, stored?.etag))) throw new Error(`${path} was changed by another`);
}

/** A checkpoint that an operator kept, or another reader of the log serves. */
async function readCheckpoint(place: string): Promise<Uint8Array> {
  try {
    if (!/^https?:\/\//.test(place)) return await readFile(place);
    const dispatcher = new Agent({ maxResponseSize: MAX_CHECKPOINT });
    const { statusCode, body } = await request(place, { dispatcher, signal: AbortSignal.timeout(10_000) });
    const bytes = await body.bytes();
    await dispatcher.close();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return bytes;
  } catch (error) {
    throw new ConfigurationError(`cannot read the checkpoint ${place}: ${messageOf(error)}`);
  }
}
