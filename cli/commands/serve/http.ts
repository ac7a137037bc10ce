/**
 * The daemon's servers: they listen before the log is opened, so that a port which is taken is found out before
 * anything is made, and answer 503 until the log is open.
 * @module
 */
import type { Logger } from 'pino';
import { fileRoute, type FileSource } from '../../../reader/http/index.js';
import { ConfigurationError } from '../../../src/errors.js';
import { HttpError } from '../../../src/http/problem.js';
import { rekorV2Face } from '../../../src/http-server/rekor-v2-face.js';
import { HttpServer } from '../../../src/http-server/server.js';
import { reasonOf } from '../../../src/node/system-error.js';
import type { Fault } from '../../../writer/fault.js';
import { healthRoute } from '../../../writer/http/health.js';
import type { Metrics } from '../../../writer/http/metrics.js';
import { openApiRoute } from '../../../writer/http/openapi.js';
import { STARTING, submissionRoute } from '../../../writer/http/submissions.js';
import type { Validators } from '../../../writer/validation/validators.js';
import type { Writer } from '../../../writer/writer.js';
import type { ServeConfiguration } from './configuration.js';
import type { Address } from '../../settings/units.js';
import { PACKAGE_VERSION } from '../../package-version.js';

/** An open log, as the routes need it. */
export interface ServedLog {
  readonly writer: Writer;
  /** All 32 bytes of the log's id. */
  readonly logId: Uint8Array;
  readonly files: FileSource;
}

export class DaemonServer {
  readonly #server: HttpServer;
  readonly #metricsServer: HttpServer | undefined;
  readonly #daemonLog: Logger;
  readonly #addresses: Address[] = [];
  #log: ServedLog | undefined;
  /** The log's files, also before there is a log. */
  readonly #files: FileSource = {
    answer: async (request) => {
      if (this.#log === undefined) throw new HttpError(STARTING);
      return this.#log.files.answer(request);
    },
  };

  private constructor(
    { metricsListen, maxBody }: ServeConfiguration,
    validators: Validators,
    metrics: Metrics,
    log: Logger,
  ) {
    this.#daemonLog = log;
    const options = { log, maxBody, face: rekorV2Face };
    this.#server = new HttpServer({ ...options, observer: metrics });
    this.#server.post(submissionRoute({ log: () => this.#log, validators, metrics }));
    this.#server.read(healthRoute(() => this.#fault(validators)));
    this.#server.read(openApiRoute(PACKAGE_VERSION));
    for (const prefix of ['/', '/api/v2/']) this.#server.read(fileRoute(prefix, this.#files));
    if (metricsListen !== undefined) this.#metricsServer = new HttpServer(options);
    (this.#metricsServer ?? this.#server).read(metrics.route());
  }

  /**
   * Starts to listen. Returns the server and its address, in which a port 0 has become a free one.
   * @throws ConfigurationError where the server cannot listen there.
   */
  static async listen(
    configuration: ServeConfiguration,
    validators: Validators,
    metrics: Metrics,
    log: Logger,
  ): Promise<{ server: DaemonServer; address: Address }> {
    const server = new DaemonServer(configuration, validators, metrics, log);
    try {
      const { listen, metricsListen } = configuration;
      const address = await server.#listen(server.#server, listen);
      if (server.#metricsServer !== undefined && metricsListen !== undefined)
        await server.#listen(server.#metricsServer, metricsListen);
      return { server, address };
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** From here on requests are answered from the log. */
  serve(log: ServedLog): void {
    this.#log = log;
    for (const address of this.#addresses) this.#daemonLog.info(`Server listening at ${httpUrlOf(address)}`);
  }

  /** Answers the requests under way, and ends. */
  async close(): Promise<void> {
    await Promise.all([this.#server.close(), this.#metricsServer?.close()]);
  }

  async #listen(server: HttpServer, { host, port }: Address): Promise<Address> {
    try {
      const address = { host, port: await server.listen(host, port) };
      this.#addresses.push(address);
      return address;
    } catch (error) {
      throw new ConfigurationError(`cannot listen on ${host}:${port}: ${reasonOf(error)}`);
    }
  }

  async #fault(validators: Validators): Promise<Fault | undefined> {
    if (this.#log === undefined) return { code: 'starting', reason: 'the log is starting' };
    const late = validators.fault();
    return late === undefined ? this.#log.writer.fault() : { code: 'late', reason: late };
  }
}

/** The URL of a server that listens there. */
export function httpUrlOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
