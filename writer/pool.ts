/**
 * The entries in flight: accepted, and not yet published; or in the log already, and not yet proved. An entry that is
 * submitted again joins itself here.
 * @module
 */
import { UnavailableError } from '../src/errors.js';
import type { Hash, SignedCheckpoint } from '../tiles-spec/index.js';
import { lengthOf, type BatchTree, type NewEntry } from './batch.js';
import type { Patience } from './patience.js';

/** Bytes of canonical bodies and attestations in flight; an entry that goes over them is refused. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** Where an entry of a batch stands, once a published checkpoint covers it. */
export interface BatchPlace {
  readonly index: number;
  /** The tree of the batch. */
  readonly tree: BatchTree;
}

/** Where an entry stands, with its proof at a published checkpoint. */
export interface ProvedPlace {
  readonly index: number;
  readonly proof: readonly Hash[];
  readonly checkpoint: SignedCheckpoint;
}

/** What became of a submission. */
export interface SubmitResult {
  readonly place: BatchPlace | ProvedPlace;
  /** Whether the entry was in the log, or in flight, when it was submitted. */
  readonly isRepeat: boolean;
}

/** An entry waiting for its batch to be published. */
export interface AcceptedEntry extends NewEntry {
  /** By the monotonic clock (`performance.now()`), in milliseconds. */
  readonly acceptedAt: number;
  place(placement: BatchPlace): void;
  fail(error: Error): void;
}

/** An entry in flight, with those who wait for it. */
class InFlight implements AcceptedEntry {
  readonly body: Uint8Array;
  readonly leafHash: Hash;
  readonly attestation: Uint8Array | undefined;
  readonly acceptedAt = performance.now();
  readonly outcome: Promise<BatchPlace | ProvedPlace>;
  /** Submitters who wait for it. */
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
   * Looks an entry up in the log, and proves it where it is there. Until it ends, the entry is in flight, and counts: it
   * must not go on for long when nobody waits for the entry any more.
   */
  readonly findRepeat: (entry: NewEntry, isAwaited: () => boolean) => Promise<ProvedPlace | undefined>;
  /** Entries in flight at most; and submitters who wait for one that is in flight already, at most as many again. */
  readonly maxPending: number;
}

export class EntryPool {
  readonly #options: PoolOptions;
  /** By leaf hash, whether looked up, waiting to be sequenced, or on its way into the store. The oldest is first. */
  readonly #inFlight = new Map<string, InFlight>();
  #bytes = 0;
  /** Submitters who wait for an entry that another brought. */
  #joined = 0;
  #queue: AcceptedEntry[] = [];
  #closed: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Accepts an entry, or joins the same one in flight or in the log. Resolves when a published checkpoint covers it. An
   * accepted entry stays in flight when the patience of its submitter is over.
   * @throws UnavailableError when too many are in flight (nothing has changed), the writer stops, or the patience is over.
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
    // In flight before the database is asked: of two equal entries, one must find the other.
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
          inFlight.fail(error instanceof Error ? error : new Error(String(error)));
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

  #enqueue(pending: AcceptedEntry): void {
    if (this.#closed !== undefined) {
      pending.fail(this.#closed);
      return;
    }
    this.#queue.push(pending);
    this.#wake();
  }

  #isFull(): UnavailableError {
    return new UnavailableError(`${this.#inFlight.size} entries are waiting already; try again`);
  }

  /** Whether an entry is in flight. */
  has(leafHash: Hash): boolean {
    return this.#inFlight.has(keyOf(leafHash));
  }

  /** Waits until `count` entries are queued, the pool closes, or `milliseconds` have passed. */
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
   * Takes the longest queued entries: at most `count`, and of at most `bytes` together, but one at least where there
   * is one. They stay in flight until placed or failed.
   */
  take(count: number, bytes: number): AcceptedEntry[] {
    let total = 0;
    const over = this.#queue.findIndex((entry, i) => (total += lengthOf(entry)) > bytes && i > 0);
    return this.#queue.splice(0, Math.min(count, over < 0 ? count : over));
  }

  /** Refuses entries from here on; those queued already are still to be taken. */
  close(): void {
    this.#closed ??= new UnavailableError('the log is stopping; try again');
    this.#wake();
  }

  /** Fails every entry in flight, and refuses others. */
  abort(error: Error): void {
    this.#closed = error;
    this.#queue = [];
    for (const entry of this.#inFlight.values()) entry.fail(error);
    this.#wake();
  }

  /** Whether entries are refused from here on. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Whether an entry that is not in flight yet would be refused for the number of those that are. */
  get full(): boolean {
    return this.#inFlight.size >= this.#options.maxPending;
  }

  /** Entries in flight. */
  get pending(): number {
    return this.#inFlight.size;
  }

  /** How long the oldest entry in flight has waited, in milliseconds; 0 where there is none. */
  get oldestWait(): number {
    const [oldest] = this.#inFlight.values();
    return oldest === undefined ? 0 : performance.now() - oldest.acceptedAt;
  }
}

/** A string of 32 characters, the cheapest map key that 32 bytes make. */
function keyOf(leafHash: Hash): string {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, leafHash.byteLength).toString('latin1');
}
