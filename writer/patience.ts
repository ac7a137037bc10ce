/**
 * How long a submitter waits for its answer: one deadline, made when its request has arrived, for all that is done
 * about the request.
 * @module
 */
import { UnavailableError } from '../src/errors.js';

/** Milliseconds: clients give up after five seconds. */
const SUBMITTER_PATIENCE = 4_000;

export class Patience {
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  /** Ends the wait for the step at hand. */
  #refuse: (error: UnavailableError) => void = () => undefined;
  /** What the submitter is told if time is up now or, where it is over, why it is. */
  #why = 'the log is too busy; try again';

  constructor(milliseconds = SUBMITTER_PATIENCE) {
    this.#timer = setTimeout(() => {
      this.end(this.#why);
    }, milliseconds);
  }

  /** Whether the submitter was answered, has left, or must be told that it was too late. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Waits for one step of the work, which goes on when the wait ends early. One step is waited for at a time.
   * @param tooLate what the submitter is told if its time is up before the step is done.
   * @throws UnavailableError once the patience is over; else what `work` throws.
   */
  wait<T>(work: Promise<T>, tooLate: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) reject(new UnavailableError(this.#why));
      else this.#why = tooLate;
      this.#refuse = reject;
      // Also where the wait is over: what the work fails with must not go unhandled.
      work.then(resolve, reject);
    });
  }

  /** Ends all waiting, unless it is over already: time is up, or the submitter has left. */
  end(why: string): void {
    if (this.#isOver) return;
    this.done();
    this.#why = why;
    this.#refuse(new UnavailableError(why));
  }

  /** To be called when the submitter is answered: until then a timer runs. */
  done(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
  }
}
