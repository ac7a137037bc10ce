/**
 * `stele serve`: the writer daemon. Puts the parts together, and takes them apart again.
 * @module
 */
import { availableParallelism } from 'node:os';
import { pino, type Logger } from 'pino';
import { UnavailableError } from '../../../src/errors.js';
import { Metrics } from '../../../writer/http/metrics.js';
import { Validators } from '../../../writer/validation/validators.js';
import type { Writer } from '../../../writer/writer.js';
import type { Invocation } from '../../command.js';
import { networkOf } from '../../settings/network-settings.js';
import { DaemonServer, httpUrlOf } from './http.js';
import { openServedLog, type ServedLogOptions } from './log.js';
import { readServeConfiguration, type SERVE_SETTINGS } from './configuration.js';
import type { Terminal } from '../../terminal.js';
import { VERSION } from '../version.js';

/** How long stopping waits for a store that does not answer, in milliseconds. */
const LONGEST_STOP = 30_000;

/** A Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_SIGNAL = 2_000;

/** What a start that is told to stop fails with. */
const TOLD_TO_STOP = new UnavailableError('the log is stopping; try again');

/** Runs the daemon until a signal, or until something stops the log. Returns the exit code. */
export async function serve({
  values,
  environment,
  terminal,
}: Invocation<typeof SERVE_SETTINGS>): Promise<number> {
  const configuration = readServeConfiguration(values, await networkOf(values, environment));
  const log = pino({ level: configuration.logLevel }, pino.destination({ fd: 2, sync: true }));
  // What was opened is closed in the opposite order, however far the start has come.
  const opened: (() => Promise<unknown>)[] = [];
  const abort = new AbortController();
  // Before the first request is answered: a signal that comes then must not lose what the request brought.
  const signal = onSignal(log);
  let running: Running | undefined;
  void signal.then(() => {
    if (running === undefined) abort.abort(TOLD_TO_STOP);
  });
  try {
    running = await start({ configuration, log, terminal, opened, signal: abort.signal });
    terminal.out(`stele serves ${running.url} with the verifier key ${running.writer.identity.verifierKey}`);
    return await untilStopped(running, signal, log, terminal, abort);
  } catch (error) {
    if (error === TOLD_TO_STOP) return 0;
    throw error;
  } finally {
    // What still waits for the store gives up trying; what is under way there ends before the lock is released.
    abort.abort(new UnavailableError('the log has stopped; try again'));
    // Also for a read that hangs in the kernel, which nobody waits for any more, and which would hold the process.
    setTimeout(die, LONGEST_STOP).unref();
    for (const close of opened.reverse()) {
      await close().catch((error: unknown) => {
        log.error({ err: error }, 'could not close');
      });
    }
  }
}

interface Running {
  readonly writer: Writer;
  readonly server: DaemonServer;
  readonly url: string;
}

async function start(options: Omit<ServedLogOptions, 'url'>): Promise<Running> {
  const { configuration, log, opened, signal } = options;
  // Two at least: one that is held up, or ends, leaves one to others.
  const threads = Math.max(2, availableParallelism());
  const validators = new Validators({ threads, maxQueued: configuration.maxPending, log });
  opened.push(() => validators.close());
  const metrics = new Metrics(VERSION, validators);
  const { server, address } = await DaemonServer.listen(configuration, validators, metrics, log);
  opened.push(() => server.close());
  const url = configuration.publicUrl ?? httpUrlOf(address);
  const served = await openServedLog({ ...options, url });
  signal.throwIfAborted();
  metrics.follow(served.writer);
  server.serve(served);
  return { writer: served.writer, server, url };
}

/** Waits for SIGINT, SIGTERM or SIGHUP; a later one ends the process at once. */
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
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  });
}

/** Waits for a signal, or for the log to stop by itself. */
async function untilStopped(
  { writer, server }: Running,
  signal: Promise<'signal'>,
  log: Logger,
  terminal: Terminal,
  abort: AbortController,
): Promise<number> {
  const first = await Promise.race([signal, writer.stopped]);
  const deadline = setTimeout(() => {
    abort.abort(new UnavailableError(`the store did not answer within ${LONGEST_STOP / 1000} s`));
  }, LONGEST_STOP);
  try {
    const [cause] = await Promise.all([first === 'signal' ? writer.close() : first, server.close()]);
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
