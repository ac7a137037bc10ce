/**
 * The daemon's servers: they listen before the log is opened, so that a port which is taken is found out before
 * anything is made, and answer 503 until the log is open.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { FileSource } from '../../../reader/http/index.js';
import { ConfigurationError, UnavailableError } from '../../../src/errors.js';
import { reasonOf } from '../../../src/node/system-error.js';
import type { Fault } from '../../../writer/fault.js';
import { Connections } from '../../../src/http-server/connections.js';
import { ingestRoutes, type IngestLog } from '../../../writer/http/ingest-routes.js';
import type { Metrics } from '../../../writer/http/metrics.js';
import { openApiDocument } from '../../../writer/http/openapi.js';
import { readRoutes } from '../../../writer/http/read-routes.js';
import { createServer, healthRoute, metricsRoute, openApiRoute } from '../../../src/http-server/server.js';
import type { Validators } from '../../../writer/validation/validators.js';
import type { ServeConfiguration } from './configuration.js';
import type { Address } from '../../settings/units.js';
import { PACKAGE_VERSION } from '../../package-version.js';

/** An open log, as the routes need it. */
export interface ServedLog extends IngestLog {
  readonly files: FileSource;
}

export class DaemonServer {
  readonly #app: FastifyInstance;
  readonly #metricsApp: FastifyInstance | undefined;
  readonly #daemonLog: Logger;
  readonly #addresses: Address[] = [];
  #log: ServedLog | undefined;

  private constructor(
    { metricsListen, maxBody }: ServeConfiguration,
    validators: Validators,
    metrics: Metrics,
    log: Logger,
  ) {
    this.#daemonLog = log;
    const connections = new Connections();
    this.#app = createServer(log, metrics, connections);
    const served = () => this.#log;
    ingestRoutes(this.#app, { log: served, validators, connections, maxBody, metrics });
    healthRoute(this.#app, () => this.#fault(validators));
    openApiRoute(this.#app, openApiDocument(PACKAGE_VERSION));
    if (metricsListen !== undefined) this.#metricsApp = createServer(log);
    metricsRoute(this.#metricsApp ?? this.#app, metrics);
    readRoutes(this.#app, { answer: async (request) => this.#opened().files.answer(request) });
  }

  /**
   * Starts to listen. Returns the server and where it listens: port 0 has become a free one.
   * @throws ConfigurationError where it cannot.
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
      const address = await server.#listen(server.#app, listen);
      if (server.#metricsApp !== undefined && metricsListen !== undefined)
        await server.#listen(server.#metricsApp, metricsListen);
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

  /** Answers what is under way, and ends. */
  async close(): Promise<void> {
    await Promise.all([this.#app.close(), this.#metricsApp?.close()]);
  }

  async #listen(app: FastifyInstance, { host, port }: Address): Promise<Address> {
    try {
      await app.listen({ host, port });
    } catch (error) {
      throw new ConfigurationError(`cannot listen on ${host}:${port}: ${reasonOf(error)}`);
    }
    const address = app.server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
    this.#addresses.push({ host, port: address.port });
    return { host, port: address.port };
  }

  #opened(): ServedLog {
    if (this.#log === undefined) throw new UnavailableError('the log is starting; try again');
    return this.#log;
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
