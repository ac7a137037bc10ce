/**
 * Worker threads that check requests, so that signatures do not hold up the writer.
 * @module
 */
import { Worker } from 'node:worker_threads';
import { InvalidEntryError, UnavailableError } from '../../src/errors.js';
import type { NewEntry } from '../batch.js';
import { pack, unpack, type CheckAnswer } from './message.js';

/** Requests a message: enough to share the cost of one, few enough to spread over threads. */
const MAX_BATCH = 128;

/** An entry that was checked: its signatures hold. */
export interface CheckedEntry extends NewEntry {
  readonly kind: string;
  readonly version: string;
}

interface Task {
  readonly request: Uint8Array;
  readonly resolve: (entry: CheckedEntry) => void;
  readonly reject: (error: Error) => void;
}

export class CheckPool {
  readonly #threads = new Set<CheckThread>();
  #queue: Task[] = [];

  constructor(threads: number) {
    for (let i = 0; i < threads; i++) this.#start();
  }

  #start(): void {
    const thread = new CheckThread({
      onIdle: () => {
        this.#dispatch();
      },
      onDeath: () => {
        this.#threads.delete(thread);
        this.#start();
      },
    });
    this.#threads.add(thread);
    this.#dispatch();
  }

  /** Checks a request. @throws InvalidEntryError saying what is wrong with it. */
  check(request: Uint8Array): Promise<CheckedEntry> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      this.#dispatch();
    });
  }

  /** Gives an idle thread all that waits: batches are small on a calm log, and grow with the load. */
  #dispatch(): void {
    for (const thread of this.#threads) {
      if (this.#queue.length === 0) return;
      if (thread.idle) thread.send(this.#queue.splice(0, MAX_BATCH));
    }
  }

  async close(): Promise<void> {
    for (const { reject } of this.#queue.splice(0))
      reject(new UnavailableError('the log is stopping; try again'));
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }
}

class CheckThread {
  readonly #worker = new Worker(new URL('./check-worker.js', import.meta.url));
  readonly #onIdle: () => void;
  #tasks: readonly Task[] = [];
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
      for (const { reject } of this.#tasks) reject(new UnavailableError('the log is stopping; try again'));
      if (!this.#closing) onDeath();
    });
  }

  get idle(): boolean {
    return this.#tasks.length === 0 && !this.#closing;
  }

  send(tasks: readonly Task[]): void {
    this.#tasks = tasks;
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
        task?.reject(new InvalidEntryError(result.error));
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
