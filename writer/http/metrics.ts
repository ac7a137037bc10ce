/**
 * The writer's metrics, in Prometheus' form. Names are Rekor v2's, with `stele_` for `rekor_v2_`, where Rekor v2 counts
 * the same thing.
 * @module
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AnswerObserver, ReadRoute } from '../../src/http/answer.js';
import type { Writer } from '../writer.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8];
const BYTES = [256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** The threads that validate requests: how many are alive and ended too early, and how many requests wait for one. */
interface ValidationState {
  readonly threads: number;
  readonly ended: number;
  readonly queued: number;
}

export class Metrics implements AnswerObserver {
  readonly #registry = new Registry();
  readonly requestSize: Histogram;
  readonly proofFailures: Counter;
  readonly #newEntries: Counter;
  readonly #requests: Counter<'code' | 'method'>;
  readonly #latency: Histogram<'code' | 'method'>;
  readonly #treeSize: Gauge;
  readonly #batchEntries: Histogram;

  #writer: Pick<Writer, 'published' | 'pending'> | undefined;

  constructor(version: string, validation: ValidationState) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#newEntries = new Counter({
      name: 'stele_new_entries_total',
      help: 'Entries that were published, of all kinds.',
      registers,
    });
    this.#requests = new Counter({
      name: 'stele_http_requests_total',
      help: 'HTTP requests answered.',
      labelNames: ['code', 'method'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'stele_http_api_latency',
      help: 'Seconds from an HTTP request to its answer.',
      labelNames: ['code', 'method'],
      buckets: SECONDS,
      registers,
    });
    this.requestSize = new Histogram({
      name: 'stele_http_api_request_size',
      help: 'Bytes in the body of a submission.',
      buckets: BYTES,
      registers,
    });
    this.proofFailures = new Counter({
      name: 'stele_inclusion_proof_failure_total',
      help: "Proofs that did not verify before they were sent. Any is a fault of the log's.",
      registers,
    });
    this.#treeSize = new Gauge({
      name: 'stele_tree_size',
      help: 'Entries in the published tree.',
      registers,
    });
    this.#batchEntries = new Histogram({
      name: 'stele_batch_entries',
      help: 'Entries in a published batch.',
      buckets: [1, 4, 16, 64, 256, 1024, 4096],
      registers,
    });
    const pending = () => this.#writer?.pending ?? 0;
    new Gauge({
      name: 'stele_pending_entries',
      help: 'Entries accepted and not yet published.',
      registers,
      collect() {
        this.set(pending());
      },
    });
    new Gauge({
      name: 'stele_validation_threads',
      help: 'Threads alive that validate requests.',
      registers,
      collect() {
        this.set(validation.threads);
      },
    });
    new Gauge({
      name: 'stele_validation_queued_requests',
      help: 'Requests that wait for a thread.',
      registers,
      collect() {
        this.set(validation.queued);
      },
    });
    new Counter({
      name: 'stele_validation_threads_ended_total',
      help: 'Threads that validated requests, and ended before the log did: each had a request that it could not bear.',
      registers,
      collect() {
        this.reset();
        this.inc(validation.ended);
      },
    });
    new Gauge({
      name: 'stele_build_info',
      help: 'The version that runs.',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
  }

  onAnswer(method: string, status: number, seconds: number): void {
    const labels = { code: String(status), method };
    this.#requests.inc(labels);
    this.#latency.observe(labels, seconds);
  }

  /** `GET /metrics`. */
  route(): ReadRoute {
    const headers = { 'content-type': this.#registry.contentType };
    const answer = async () => ({ status: 200, headers, body: await this.#registry.metrics() });
    return { path: '/metrics', answer };
  }

  /** Counts the entries that the writer publishes from here on, and shows how many it has in flight. */
  observe(writer: Pick<Writer, 'published' | 'pending'>): void {
    const { published } = writer;
    this.#writer = writer;
    this.#treeSize.set(published.checkpoint.size);
    published.onGrowth(({ from, checkpoint }) => {
      this.#newEntries.inc(checkpoint.size - from);
      this.#batchEntries.observe(checkpoint.size - from);
      this.#treeSize.set(checkpoint.size);
    });
  }
}
