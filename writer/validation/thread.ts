/**
 * A validating thread as the writer sees it: the requests that it works on, and what becomes of them when it ends.
 * @module
 */
import { Worker } from 'node:worker_threads';
import { messageOf, UnavailableError } from '../../src/errors.js';
import { pack, PROGRESS } from './message.js';
import { unpackResults, type Results, type ValidatedEntry } from './results.js';

/**
 * How long a thread may take for one step of its work, in milliseconds. The longest honest step, to read a body of
 * 64 MiB, takes half of that. The requests behind it can still be answered in time by another thread.
 */
const LONGEST_STEP = 2_000;

/** The largest heap of a thread, in megabytes. A body of 64 MiB, the longest there can be, takes 256 MB of objects. */
const MAX_HEAP = 512;

/** A request to validate, and where its outcome goes. */
export interface Validation {
  /** Its bytes, in pieces. */
  readonly request: readonly Uint8Array[];
  /** @param cost milliseconds of the thread's time. */
  settle(outcome: ValidatedEntry | Error, cost: number): void;
}

/** How a thread came to its end. */
export interface ThreadEnd<Task> {
  readonly reason: string;
  /** Requests that it had not begun: work for another thread. */
  readonly unfinished: readonly Task[];
  /** Whether it had answered anything before. */
  readonly hasWorked: boolean;
}

export interface ThreadOptions<Task> {
  readonly onIdle: () => void;
  readonly onEnd: (end: ThreadEnd<Task>) => void;
}

export class ValidatingThread<Task extends Validation> {
  readonly #worker: Worker;
  readonly #options: ThreadOptions<Task>;
  readonly #progress = new Int32Array(new SharedArrayBuffer(8));
  /** The tasks without an answer, by their places in the message that the thread works on. */
  readonly #tasks = new Map<number, Task>();
  #since = performance.now();
  #watch: NodeJS.Timeout | undefined;
  #failure: string | undefined;
  #hasWorked = false;
  #isClosing = false;

  constructor(options: ThreadOptions<Task>) {
    this.#options = options;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: this.#progress,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP },
    });
    this.#worker.on('message', (results: Results) => {
      this.#settle(results);
    });
    this.#worker.on('error', (error) => {
      this.#failure ??= messageOf(error);
    });
    this.#worker.on('exit', (code) => {
      this.#end(this.#failure ?? `it exited with code ${code}`);
    });
  }

  get isIdle(): boolean {
    return this.#tasks.size === 0 && !this.#isClosing && this.#failure === undefined;
  }

  /** Gives an idle thread its next work. The requests are copied. */
  send(tasks: readonly Task[]): void {
    for (const [place, task] of tasks.entries()) this.#tasks.set(place, task);
    this.#since = performance.now();
    const packed = pack(tasks.map(({ request }) => request));
    this.#worker.postMessage(packed, [packed.bytes.buffer]);
    this.#watchStep(Atomics.load(this.#progress, PROGRESS.steps));
  }

  #settle(results: Results): void {
    this.#hasWorked = true;
    const tasks = results.verdicts.map(({ place }) => this.#tasks.get(place));
    for (const { place } of results.verdicts) this.#tasks.delete(place);
    if (this.#tasks.size === 0) {
      clearTimeout(this.#watch);
      // Send the next message before settling these answers, so that the thread works meanwhile.
      this.#options.onIdle();
    }
    for (const [i, { entry, cost }] of unpackResults(results).entries()) tasks[i]?.settle(entry, cost);
  }

  /** Ends a thread that takes too long for one step: an endless step would hold the thread for ever. */
  #watchStep(step: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const now = Atomics.load(this.#progress, PROGRESS.steps);
      if (now !== step) {
        this.#watchStep(now);
        return;
      }
      this.#failure = `it did not get on for ${LONGEST_STEP / 1000} s`;
      void this.#worker.terminate();
    }, LONGEST_STEP);
  }

  #end(reason: string): void {
    clearTimeout(this.#watch);
    const suspect = Atomics.load(this.#progress, PROGRESS.request) - 1;
    for (const [place, task] of this.#tasks) {
      // The request that the thread was at is not given to another thread, which it could end too. Where that request
      // is not known, none is.
      if (place !== suspect && suspect >= 0) continue;
      this.#tasks.delete(place);
      // The reason may name files of this machine, so it goes to the daemon's log and not to the submitter.
      const message = 'the request could not be validated; try again';
      task.settle(new UnavailableError(message), performance.now() - this.#since);
    }
    const unfinished = [...this.#tasks.values()];
    this.#tasks.clear();
    if (!this.#isClosing) this.#options.onEnd({ reason, unfinished, hasWorked: this.#hasWorked });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#worker.terminate();
  }
}
