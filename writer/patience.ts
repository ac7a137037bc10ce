/**
 * How long a submitter waits for its answer: one deadline, made when its request has arrived, for all that is done
 * about the request.
 * @module
 */
import { UnavailableError } from '../src/errors.js';

/** Milliseconds: clients give up after five seconds. */
const SUBMITTER_PATIENCE = 4_000;

export class Patience {
  readonly #over: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  #reject!: (error: UnavailableError) => void;
  #isOver = false;
  /** What the submitter is told if time is up now. */
  #tooLate = 'the log is too busy; try again';

  constructor(milliseconds = SUBMITTER_PATIENCE) {
    this.#over = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    // It may end while nothing waits.
    this.#over.catch(() => undefined);
    this.#timer = setTimeout(() => {
      this.end(this.#tooLate);
    }, milliseconds);
  }

  /** Whether the submitter was answered, has left, or must be told that it was too late. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Waits for one step of the work, which goes on when the wait ends early.
   * @param tooLate what the submitter is told if its time is up before the step is done.
   * @throws UnavailableError once the patience is over; else what `work` throws.
   */
  async wait<T>(work: Promise<T>, tooLate: string): Promise<T> {
    this.#tooLate = tooLate;
    return Promise.race([work, this.#over]);
  }

  /** Ends all waiting, unless it is over already: time is up, or the submitter has left. */
  end(why: string): void {
    if (this.#isOver) return;
    this.done();
    this.#reject(new UnavailableError(why));
  }

  /** To be called when the submitter is answered: until then a timer runs. */
  done(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
  }
}
