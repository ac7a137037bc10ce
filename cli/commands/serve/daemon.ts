/**
 * The daemon of `stele serve`: starts its parts, waits for a signal, and stops them in the opposite order.
 * @module
 */
import { availableParallelism } from 'node:os';
import { pino, type Logger } from 'pino';
import { UnavailableError } from '../../../src/errors.js';
import { Metrics } from '../../../writer/http/metrics.js';
import { Validators } from '../../../writer/validation/validators.js';
import type { Writer } from '../../../writer/writer.js';
import { PACKAGE_VERSION } from '../../package-version.js';
import type { Terminal } from '../../terminal.js';
import type { ServeConfiguration } from './configuration.js';
import { DaemonServer, httpUrlOf } from './http.js';
import { openServedLog, type ServedLogOptions } from './served-log.js';

/** The longest that stopping waits for the store, in milliseconds. */
const LONGEST_STOP = 30_000;

/**
 * Signals within so many milliseconds count as one: under npm a Ctrl-C arrives twice, from the terminal and from npm.
 */
const SAME_SIGNAL = 2_000;

/** Fails a start that a signal interrupts. */
const INTERRUPTED = new UnavailableError('the log is stopping; try again');

/** Runs the daemon until a signal, or until a fault stops the log. Returns the exit code. */
export async function serve(configuration: ServeConfiguration, terminal: Terminal): Promise<number> {
  const log = pino({ level: configuration.logLevel }, pino.destination({ fd: 2, sync: true }));
  // Each part that is opened adds its close: a start that fails closes just those.
  const opened: (() => Promise<unknown>)[] = [];
  const abort = new AbortController();
  // Catch signals before the first request is accepted: a signal must not lose an entry that was accepted.
  const signal = onSignal(log);
  let running: Running | undefined;
  void signal.then(() => {
    if (running === undefined) abort.abort(INTERRUPTED);
  });
  try {
    running = await start({ configuration, log, terminal, opened, signal: abort.signal });
    terminal.out(`stele serves ${running.url} with the verifier key ${running.writer.identity.verifierKey}`);
    return await untilStopped(running, signal, log, terminal, abort);
  } catch (error) {
    if (error === INTERRUPTED) return 0;
    throw error;
  } finally {
    // Waits for the store end here. Calls that are under way end before `close` releases the store's lock.
    abort.abort(new UnavailableError('the log has stopped; try again'));
    // A read that hangs in the kernel would keep the process alive for ever, although nobody waits for it.
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
  // Two at least: while one is busy or dies, the other goes on.
  const threads = Math.max(2, availableParallelism());
  const validators = new Validators({ threads, maxQueued: configuration.maxPending, log });
  opened.push(() => validators.close());
  const metrics = new Metrics(PACKAGE_VERSION, validators);
  const { server, address } = await DaemonServer.listen(configuration, validators, metrics, log);
  opened.push(() => server.close());
  const url = configuration.publicUrl ?? httpUrlOf(address);
  const served = await openServedLog({ ...options, url });
  signal.throwIfAborted();
  metrics.observe(served.writer);
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
 * Kills the process, since a call to the store may hang in the kernel. The kernel releases the store's lock when the
 * process is gone, and not before: until then the call may still take effect.
 */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
