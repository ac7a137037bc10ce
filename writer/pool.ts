/**
 * The entries in flight: those that are looked up in staging, queued for a batch, or on their way into the store. A
 * second submission of an entry in flight joins the first.
 * @module
 */
import { errorOf, UnavailableError } from '../src/errors.js';
import { counted } from '../tiles-spec/counted.js';
import type { Hash, SignedCheckpoint } from '../tiles-spec/index.js';
import { lengthOf, type BatchTree, type NewEntry } from './batch.js';
import type { Patience } from './patience.js';

/** Most bytes of canonical bodies and attestations in flight. An entry that would exceed them is refused. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** The place of an entry whose batch is published. Its proof can be made from the batch's tree. */
export interface BatchPlace {
  readonly index: number;
  readonly tree: BatchTree;
}

/** The place of an entry, with its inclusion proof at a published checkpoint. */
export interface ProvedPlace {
  readonly index: number;
  /** From the leaf upward. */
  readonly proof: readonly Hash[];
  readonly checkpoint: SignedCheckpoint;
}

/** The pool's answer to a submission. */
export interface SubmitResult {
  readonly place: BatchPlace | ProvedPlace;
  /** Whether the entry was in the log, or in flight, when it was submitted. */
  readonly isRepeat: boolean;
}

/** An entry that the log has accepted, until its batch is published. */
export interface AcceptedEntry extends NewEntry {
  /** By `performance.now()`, in milliseconds. */
  readonly acceptedAt: number;
  /** Answers the submitters: the entry is published. */
  place(place: BatchPlace): void;
  /** Refuses the submitters. */
  fail(error: Error): void;
}

/** An entry in flight, and its submitters. */
class InFlight implements AcceptedEntry {
  readonly body: Uint8Array;
  readonly leafHash: Hash;
  readonly attestation: Uint8Array | undefined;
  readonly acceptedAt = performance.now();
  readonly outcome: Promise<BatchPlace | ProvedPlace>;
  /** Submitters who wait for the outcome. */
  waiting = 0;
  #resolve!: (place: BatchPlace | ProvedPlace) => void;
  #reject!: (error: Error) => void;
  readonly #onEnd: (entry: InFlight) => void;

  constructor({ body, leafHash, attestation }: NewEntry, onEnd: (entry: InFlight) => void) {
    this.body = body;
    this.leafHash = leafHash;
    this.attestation = attestation;
    this.#onEnd = onEnd;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  place(place: BatchPlace | ProvedPlace): void {
    this.#onEnd(this);
    this.#resolve(place);
  }

  fail(error: Error): void {
    this.#onEnd(this);
    this.#reject(error);
  }
}

export interface PoolOptions {
  /**
   * Looks an entry up in the log. Resolves with its proved place, or with undefined where the log does not have it. The
   * entry counts as in flight until then, so the function must end soon after `isAwaited` returns false.
   */
  readonly findRepeat: (entry: NewEntry, isAwaited: () => boolean) => Promise<ProvedPlace | undefined>;
  /** Most entries in flight. Also the most submitters who wait for an entry that another submitter brought. */
  readonly maxPending: number;
}

/** Memory: the entries' bodies and attestations, at most 64 MiB. */
export class EntryPool {
  readonly #options: PoolOptions;
  /** By leaf hash, in the order of acceptance. */
  readonly #inFlight = new Map<string, InFlight>();
  /** The bytes of all entries in flight. */
  #bytes = 0;
  /** Submitters who wait for an entry that another submitter brought. */
  #joined = 0;
  #queue: AcceptedEntry[] = [];
  #closed: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Accepts an entry, or joins the same entry in flight or in the log. Resolves when a published checkpoint covers it.
   * An accepted entry stays in flight when its submitter's patience is over.
   * @throws UnavailableError when too many entries are in flight (nothing has changed then), the writer stops, or the
   *   patience is over; what `findRepeat` throws.
   */
  async submit(entry: NewEntry, patience: Patience): Promise<SubmitResult> {
    const key = keyOf(entry.leafHash);
    const known = this.#inFlight.get(key);
    if (known !== undefined && this.#joined >= this.#options.maxPending) throw this.#isFull();
    const inFlight = known ?? this.#accept(entry, key);
    if (known !== undefined) this.#joined++;
    inFlight.waiting++;
    try {
      const tooLate = 'the entry is not published yet, and may be soon; try again: a repeat joins it';
      const place = await patience.wait(inFlight.outcome, tooLate);
      return { place, isRepeat: known !== undefined || !('tree' in place) };
    } finally {
      inFlight.waiting--;
      if (known !== undefined) this.#joined--;
    }
  }

  #accept(entry: NewEntry, key: string): InFlight {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.full || this.#bytes + lengthOf(entry) > MAX_PENDING_BYTES) throw this.#isFull();
    const inFlight = new InFlight(entry, this.#ended);
    // Enter the map before staging is asked: of two equal entries that come at once, the second must find the first.
    this.#inFlight.set(key, inFlight);
    this.#bytes += lengthOf(entry);
    this.#options
      .findRepeat(inFlight, () => inFlight.waiting > 0)
      .then(
        (repeat) => {
          if (repeat === undefined) this.#enqueue(inFlight);
          else inFlight.place(repeat);
        },
        (error: unknown) => {
          inFlight.fail(errorOf(error));
        },
      );
    return inFlight;
  }

  readonly #ended = (entry: InFlight): void => {
    const key = keyOf(entry.leafHash);
    if (this.#inFlight.get(key) !== entry) return;
    this.#inFlight.delete(key);
    this.#bytes -= lengthOf(entry);
  };

  #enqueue(entry: AcceptedEntry): void {
    if (this.#closed !== undefined) {
      entry.fail(this.#closed);
      return;
    }
    this.#queue.push(entry);
    this.#wake();
  }

  #isFull(): UnavailableError {
    return new UnavailableError(
      `the log has ${counted(this.#inFlight.size, 'entry')} waiting already; try again`,
    );
  }

  /** Whether an entry is in flight. */
  has(leafHash: Hash): boolean {
    return this.#inFlight.has(keyOf(leafHash));
  }

  /**
   * Waits until `count` entries are queued, the pool closes, or `milliseconds` have passed. There is no time limit
   * where `milliseconds` is absent. One call waits at a time.
   */
  async filled(count: number, milliseconds?: number): Promise<void> {
    if (this.#queue.length >= count || this.#closed !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (this.#queue.length < count && this.#closed === undefined) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  /**
   * Takes the oldest queued entries: at most `count`, with at most `bytes` bytes together. The first is taken whatever
   * its length. Entries that were taken stay in flight until `place` or `fail` is called.
   */
  take(count: number, bytes: number): AcceptedEntry[] {
    let total = 0;
    const over = this.#queue.findIndex((entry, i) => (total += lengthOf(entry)) > bytes && i > 0);
    return this.#queue.splice(0, Math.min(count, over < 0 ? count : over));
  }

  /** Refuses new entries. The queued ones can still be taken. */
  close(): void {
    this.#closed ??= new UnavailableError('the log is stopping; try again');
    this.#wake();
  }

  /** Fails every entry in flight, and refuses new ones. */
  abort(error: Error): void {
    this.#closed = error;
    this.#queue = [];
    for (const entry of this.#inFlight.values()) entry.fail(error);
    this.#wake();
  }

  /** Whether the pool refuses every entry, after `close` or `abort`. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Whether `maxPending` entries are in flight, so that a new one is refused. */
  get full(): boolean {
    return this.#inFlight.size >= this.#options.maxPending;
  }

  /** Entries in flight. */
  get pending(): number {
    return this.#inFlight.size;
  }

  /** How long the oldest entry in flight has waited, in milliseconds; 0 when nothing is in flight. */
  get oldestWait(): number {
    const [oldest] = this.#inFlight.values();
    return oldest === undefined ? 0 : performance.now() - oldest.acceptedAt;
  }
}

/** A string of 32 characters: the cheapest key for a Map that 32 bytes can make. */
function keyOf(leafHash: Hash): string {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.byteLength).toString('latin1');
}
