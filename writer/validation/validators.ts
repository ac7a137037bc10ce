/**
 * The threads that validate requests, so that signatures do not hold up the writer, and the queue before them. Every
 * connection gets its share of the threads' time, whatever it sends: requests are taken in fair turns, by their
 * expected cost, which is corrected by the actual one.
 * @module
 */
import type { Logger } from 'pino';
import { UnavailableError } from '../../src/errors.js';
import type { Patience } from '../patience.js';
import { FairQueue, Share, type QueuedWork } from './fair-queue.js';
import type { ValidatedEntry } from './results.js';
import { ValidatingThread, type ThreadEnd, type Validation } from './thread.js';

/**
 * Requests in a message. They share the cost of the message and of an inversion, so up to MIN_BATCH requests go to one
 * thread and are not divided among several.
 */
const MIN_BATCH = 48;
const MAX_BATCH = 128;

/** Expected milliseconds of work in a message at most: later requests wait so long for the thread. */
const MAX_BATCH_COST = 40;

/** Expected cost of a request, in milliseconds and milliseconds a byte, before anything is known of its sender. */
const COST = 0.2;
const COST_PER_BYTE = 8e-6;

/** Delay before a thread is replaced that ended before it did any work, in milliseconds: the next may end so too. */
const RESTART_PAUSE = 1_000;

/** How long a request may wait before the log is not healthy, in milliseconds. */
const HEALTHY_WAIT = 2_000;

/** Who sends requests: a connection, with its share of the threads. */
export class Submitter {
  readonly share = new Share<Task>();
  /** Milliseconds by which its recent requests cost more than their length explains; undefined before the first. */
  surcharge: number | undefined;
}

/** A request on its way through a thread. */
class Task implements Validation, QueuedWork {
  readonly queuedAt = performance.now();
  readonly outcome: Promise<ValidatedEntry>;
  /** Refuses the request while no thread has taken it. */
  refuse!: (error: Error) => void;
  settle!: (outcome: ValidatedEntry | Error, cost: number) => void;
  isOver = false;

  constructor(
    public request: readonly Uint8Array[],
    /** Length of the request in bytes, which outlives `request`. */
    readonly length: number,
    readonly submitter: Submitter,
    readonly cost: number,
    onCost: (task: Task, cost: number) => void,
  ) {
    this.outcome = new Promise((resolve, reject) => {
      this.refuse = reject;
      this.settle = (outcome, cost) => {
        onCost(this, cost);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
    });
  }
}

export interface ValidatorsOptions {
  readonly threads: number;
  /** Requests that may wait for a thread. Of more, the submitter with most waiting requests loses its newest. */
  readonly maxQueued: number;
  readonly log: Logger;
}

export class Validators {
  readonly #options: ValidatorsOptions;
  readonly #threads = new Set<ValidatingThread<Task>>();
  readonly #queue = new FairQueue<Task>();
  /** Waiting requests that no other request of their submitter delays, the oldest first. */
  readonly #prompt = new Set<Task>();
  #isDispatching = false;
  #isClosed = false;
  /** Milliseconds by which recent first requests of a submitter cost more than their length explains. */
  #newcomersSurcharge = 0;
  #ended = 0;

  constructor(options: ValidatorsOptions) {
    this.#options = options;
    for (let i = 0; i < options.threads; i++) this.#start();
  }

  /**
   * Validates a request, given in pieces, which are kept until then.
   * @throws InvalidEntryError saying what is wrong with it; UnavailableError when too many are waiting, the patience is
   *   over, or the thread ended.
   */
  async validate(
    request: readonly Uint8Array[],
    submitter: Submitter,
    patience: Patience,
  ): Promise<ValidatedEntry> {
    this.#makeRoom(submitter);
    const length = request.reduce((total, piece) => total + piece.length, 0);
    const task = new Task(request, length, submitter, this.#estimate(length, submitter), this.#charge);
    this.#enqueue(task);
    try {
      return await patience.wait(task.outcome, 'the log is too busy to validate the request; try again');
    } finally {
      task.isOver = true;
      // The queue holds the task until its turn comes.
      task.request = [];
      this.#prompt.delete(task);
    }
  }

  /** Threads alive. */
  get threads(): number {
    return this.#threads.size;
  }

  /** Threads that have come to an end before the log did. */
  get ended(): number {
    return this.#ended;
  }

  /** Requests that wait for a thread. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * How long the oldest request waits to be validated, in milliseconds: of those that are not held up by earlier ones
   * of the same connection, or by what they cost.
   */
  get oldestWait(): number {
    const [oldest] = this.#prompt;
    return oldest === undefined ? 0 : performance.now() - oldest.queuedAt;
  }

  /** What is wrong with validation, if anything. */
  fault(): string | undefined {
    if (this.#threads.size === 0) return 'no thread that validates requests is alive';
    const waited = this.oldestWait;
    return waited > HEALTHY_WAIT
      ? `a request has waited for ${(waited / 1000).toFixed(1)} s to be validated`
      : undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const stopping = new UnavailableError('the log is stopping; try again');
    for (const task of this.#queue.take(Infinity, Infinity)) task.refuse(stopping);
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }

  #estimate(length: number, { surcharge = this.#newcomersSurcharge }: Submitter): number {
    return COST + COST_PER_BYTE * length + surcharge;
  }

  /** @throws UnavailableError when the queue is full, and no other submitter has more requests waiting. */
  #makeRoom(submitter: Submitter): void {
    if (this.#isClosed) throw new UnavailableError('the log is stopping; try again');
    if (this.#queue.size < this.#options.maxQueued) return;
    const refusal = new UnavailableError('too many requests are waiting to be validated; try again');
    const longest = this.#queue.longest();
    if (longest === undefined || longest.waiting.length <= submitter.share.waiting.length + 1) throw refusal;
    this.#queue.takeLast(longest)?.refuse(refusal);
  }

  #enqueue(task: Task): void {
    if (this.#queue.add(task.submitter.share, task)) this.#prompt.add(task);
    if (this.#isDispatching) return;
    // Wait for all requests that this turn of the event loop brings, so that they are divided among the threads.
    this.#isDispatching = true;
    setImmediate(() => {
      this.#isDispatching = false;
      this.#dispatch();
    });
  }

  /** Gives idle threads their part of the queue: messages are small on a calm log, and grow with the load. */
  #dispatch(): void {
    for (const thread of this.#threads) {
      if (!thread.isIdle) continue;
      const part = Math.max(MIN_BATCH, Math.ceil(this.#queue.size / this.#threads.size));
      const tasks = this.#queue.take(Math.min(part, MAX_BATCH), MAX_BATCH_COST);
      if (tasks.length > 0) thread.send(tasks);
    }
  }

  #start(): void {
    const thread = new ValidatingThread<Task>({
      onIdle: () => {
        this.#dispatch();
      },
      onEnd: (end) => {
        this.#threads.delete(thread);
        this.#replace(end);
      },
    });
    this.#threads.add(thread);
    this.#dispatch();
  }

  /** Charges a submitter for the actual cost of a request, and expects as much of the next. */
  readonly #charge = ({ submitter, length, cost: expected }: Task, cost: number): void => {
    this.#queue.charge(submitter.share, cost - expected);
    const surcharge = Math.max(0, cost - COST - COST_PER_BYTE * length);
    if (submitter.surcharge === undefined) {
      this.#newcomersSurcharge += (surcharge - this.#newcomersSurcharge) / 8;
    }
    submitter.surcharge = ((submitter.surcharge ?? surcharge) + surcharge) / 2;
  };

  #replace({ reason, unfinished, hasWorked }: ThreadEnd<Task>): void {
    this.#ended++;
    const { log } = this.#options;
    log.error(
      { reason, alive: this.#threads.size },
      `a thread that validates requests has ended: ${reason}; another takes its place`,
    );
    for (const task of unfinished) if (!task.isOver) this.#queue.add(task.submitter.share, task);
    const start = () => {
      if (!this.#isClosed) this.#start();
    };
    if (hasWorked) start();
    else setTimeout(start, RESTART_PAUSE).unref();
  }
}
