/**
 * How long a submitter waits for its answer: one deadline for every step of its request, running from the request's
 * arrival.
 * @module
 */
import { UnavailableError } from '../src/errors.js';

/** In milliseconds. Clients give up after five seconds, so the answer must leave earlier. */
const SUBMITTER_PATIENCE = 4_000;

export class Patience {
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  /** Rejects the wait that is under way. */
  #refuse: (error: UnavailableError) => void = () => undefined;
  /** The message for the submitter if its time is up during the present step; once it is over, why it ended. */
  #why = 'the log is too busy; try again';

  constructor(milliseconds = SUBMITTER_PATIENCE) {
    this.#timer = setTimeout(() => {
      this.end(this.#why);
    }, milliseconds);
  }

  /** Whether nobody waits any more: the submitter was answered, has left, or has waited too long. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Waits for one step of the work. The step goes on when the wait ends early. One step is waited for at a time.
   * @param tooLate the message for the submitter if its time is up before the step is done.
   * @throws UnavailableError once the patience is over; otherwise what `work` throws.
   */
  wait<T>(work: Promise<T>, tooLate: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) reject(new UnavailableError(this.#why));
      else this.#why = tooLate;
      this.#refuse = reject;
      // Also after the rejection above: an error of `work` that nobody handles would end the process.
      work.then(resolve, reject);
    });
  }

  /** Ends the wait, with a message for the submitter. Does nothing once the patience is over. */
  end(why: string): void {
    if (this.#isOver) return;
    this.done();
    this.#why = why;
    this.#refuse(new UnavailableError(why));
  }

  /** Stops the timer. Must be called when the submitter is answered. */
  done(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
  }
}
