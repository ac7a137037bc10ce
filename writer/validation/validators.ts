/**
 * Worker threads that check requests, so that signatures do not hold up the writer.
 * @module
 */
import { Worker } from 'node:worker_threads';
import { InvalidEntryError, UnavailableError } from '../../src/errors.js';
import type { NewEntry } from '../batch.js';
import { pack, unpack, type CheckAnswer } from './message.js';

/** How long a request may wait for a thread, in milliseconds: its submitter has given up by then. */
const LONGEST_QUEUED = 4_000;

/** How long a thread that died is mourned before another takes its place, in milliseconds. */
const RESTART_PAUSE = 1_000;

/** Requests a message: enough to share the cost of one, few enough to spread over threads. */
const MAX_BATCH = 128;

/** An entry that was checked: its signatures hold. */
export interface CheckedEntry extends NewEntry {
  readonly kind: string;
  readonly version: string;
}

interface Task {
  readonly queuedAt: number;
  readonly request: Uint8Array;
  readonly resolve: (entry: CheckedEntry) => void;
  readonly reject: (error: Error) => void;
}

export class CheckPool {
  readonly #threads = new Set<CheckThread>();
  readonly #maxQueued: number;
  #queue: Task[] = [];
  #closed = false;

  /** @param maxQueued requests that wait for a thread at most; more are refused. */
  constructor(threads: number, maxQueued: number) {
    this.#maxQueued = maxQueued;
    for (let i = 0; i < threads; i++) this.#start();
  }

  #start(): void {
    const thread = new CheckThread({
      onIdle: () => {
        this.#dispatch();
      },
      onDeath: () => {
        this.#threads.delete(thread);
        setTimeout(() => {
          if (!this.#closed) this.#start();
        }, RESTART_PAUSE).unref();
      },
    });
    this.#threads.add(thread);
    this.#dispatch();
  }

  /**
   * Checks a request.
   * @throws InvalidEntryError saying what is wrong with it; UnavailableError when too many are waiting.
   */
  check(request: Uint8Array): Promise<CheckedEntry> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#queue.length >= this.#maxQueued) {
        reject(new UnavailableError('too many requests are waiting to be checked; try again'));
        return;
      }
      this.#queue.push({ queuedAt: performance.now(), request, resolve, reject });
      this.#dispatch();
    });
  }

  /** Gives an idle thread all that waits: batches are small on a calm log, and grow with the load. */
  #dispatch(): void {
    this.#dropLate();
    for (const thread of this.#threads) {
      if (this.#queue.length === 0) return;
      if (thread.idle) thread.send(this.#queue.splice(0, MAX_BATCH));
    }
  }

  #dropLate(): void {
    const late = performance.now() - LONGEST_QUEUED;
    const first = this.#queue.findIndex(({ queuedAt }) => queuedAt > late);
    for (const { reject } of this.#queue.splice(0, first < 0 ? this.#queue.length : first)) {
      reject(new UnavailableError('the log is too busy to check the request; try again'));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0))
      reject(new UnavailableError('the log is stopping; try again'));
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }
}

class CheckThread {
  readonly #worker = new Worker(new URL('./check-worker.js', import.meta.url));
  readonly #onIdle: () => void;
  #tasks: readonly Pick<Task, 'resolve' | 'reject'>[] = [];
  #closing = false;

  constructor({ onIdle, onDeath }: { onIdle: () => void; onDeath: () => void }) {
    this.#onIdle = onIdle;
    this.#worker.on('message', (answer: CheckAnswer) => {
      this.#answer(answer);
    });
    this.#worker.on('error', (error) => {
      for (const { reject } of this.#tasks) reject(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', () => {
      for (const { reject } of this.#tasks) reject(new UnavailableError('the check did not end; try again'));
      if (!this.#closing) onDeath();
    });
  }

  get idle(): boolean {
    return this.#tasks.length === 0 && !this.#closing;
  }

  send(tasks: readonly Task[]): void {
    // The bodies are the thread's now.
    this.#tasks = tasks.map(({ resolve, reject }) => ({ resolve, reject }));
    const packed = pack(tasks.map(({ request }) => request));
    this.#worker.postMessage(packed, [packed.bytes.buffer]);
  }

  #answer({ results, entries }: CheckAnswer): void {
    const tasks = this.#tasks;
    const strings = unpack(entries);
    this.#tasks = [];
    this.#onIdle();
    let next = 0;
    results.forEach((result, i) => {
      const task = tasks[i];
      if ('error' in result) {
        task?.reject(result.invalid ? new InvalidEntryError(result.error) : new Error(result.error));
      } else {
        const [body, leafHash] = [strings[next++], strings[next++]] as [Uint8Array, Uint8Array];
        task?.resolve({ ...result, body, leafHash });
      }
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }
}
