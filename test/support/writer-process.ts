/**
 * The process of one writer, as a model: all that it asks of store and staging passes here, is counted, and can be
 * made to fail. A process that has crashed gets no answer to anything again.
 */

/**
 *   not stored          an error, and nothing done
 *   stored, but error   done, and an error all the same
 *   crash before        the process dies before the call is done
 *   crash after         it is done, and the process dies before it hears so
 */
export const FAULTS = ['not stored', 'stored, but error', 'crash before', 'crash after'] as const;
export type Fault = (typeof FAULTS)[number];

/** Whether a method changes what outlives the process: each call of one is a kill point. */
export type Kind = 'durable' | 'read';

export interface Call {
  /** For example `store.create tile/0/000.p/1`. */
  readonly name: string;
  readonly of: 'store' | 'staging';
  readonly kind: Kind;
  /** Its number among the process's calls of its kind. */
  readonly number: number;
}

/** What happens to a process's calls. */
export interface Plan {
  readonly fault?: (call: Call) => Fault | undefined;
  /** The call is not done before this settles. */
  readonly before?: (call: Call) => Promise<void>;
  /** It is done, and not answered before this settles. */
  after?: ((call: Call) => Promise<void>) | undefined;
  /** How many versions ago a read of `checkpoint` looks. */
  readonly stale?: (call: Call) => number | undefined;
}

/** Fails the durable call of this number. */
export function faultAt(number: number, fault: Fault): Plan {
  return { fault: (call) => (call.kind === 'durable' && call.number === number ? fault : undefined) };
}

export class WriterProcess {
  readonly plan: Plan;
  readonly calls: Call[] = [];
  readonly crashed: Promise<void>;
  #crash!: () => void;
  #isDead = false;

  constructor(plan: Plan = {}) {
    this.plan = plan;
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve;
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** A method, for what may change while a call waits. */
  #hasCrashed(): boolean {
    return this.#isDead;
  }

  /** The names of the durable calls so far. */
  get durable(): string[] {
    return this.calls.filter(({ kind }) => kind === 'durable').map(({ name }) => name);
  }

  async call<T>(what: Omit<Call, 'number'>, work: (call: Call) => Promise<T>): Promise<T> {
    if (this.#hasCrashed()) return never();
    const call = { ...what, number: this.calls.filter(({ kind }) => kind === what.kind).length };
    this.calls.push(call);
    await this.plan.before?.(call);
    if (this.#hasCrashed()) return never();
    const fault = this.plan.fault?.(call);
    if (fault === 'crash before') return this.#die();
    if (fault === 'not stored') throw new Error(`injected: ${call.name} is not stored`);
    const result = await work(call);
    if (fault === 'crash after') return this.#die();
    if (fault === 'stored, but error') throw new Error(`injected: ${call.name} is stored, and not answered`);
    await this.plan.after?.(call);
    if (this.#hasCrashed()) return never();
    return result;
  }

  #die(): Promise<never> {
    this.#isDead = true;
    this.#crash();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
